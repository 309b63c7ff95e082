"""What a memory's hash holds, and how to read it back."""

import struct
from itertools import chain

import msgspec
import numpy as np
from msgspec import Struct, structs

from memory.engines.base import Vector
from memory.engines.redis.keys import Keys, usage_scope
from memory.engines.redis.query import labels_of
from memory.engines.words import indexed_words, stems
from memory.model import Hit, Memory, hit_of

SORTABLE = ("id", "created_at", "updated_at", "happened_at", "importance", "confidence")
"""The numbers by which the index sorts; `accessed_at` is kept outside it."""


class Access(Struct, frozen=True):
    """What every use of a memory changes, kept apart from it (see memories.lua)."""

    at: int
    accesses: int
    searches: int


_ACCESS = struct.Struct(">ddd")
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE_MEMORY = msgspec.msgpack.Decoder(Memory).decode
_DECODE_HIT = msgspec.msgpack.Decoder(Hit).decode


def fields_of(memory: Memory, keys: Keys) -> list[str | bytes | int | float]:
    """The fields of a memory's hash but its vector, names and values in turn; the first one is `ledger`."""
    session = "-"
    if memory.run_id is not None and memory.seq is not None:
        session = keys.session(memory.tenant, memory.namespace, memory.owner, memory.run_id)
    counted = int(memory.state != "deleted")
    size = memory.size
    namespace = usage_scope(memory.namespace)
    fields: dict[str, str | bytes | int | float] = {
        "ledger": f"{memory.version} {counted} {memory.token_count} {size} {namespace} {session} {memory.seq or 0}",
        "record": _ENCODE(memory),
        "hit": _ENCODE(hit_of(memory)),
        "words": " ".join(stems(indexed_words(memory.content).split(" "))),
        "labels": ",".join(labels_of(memory)),
    }
    fields |= {name: getattr(memory, name) for name in SORTABLE}
    return list(chain.from_iterable(fields.items()))


def decode_memory(record: bytes, access: bytes | None) -> Memory:
    memory = _DECODE_MEMORY(record)
    if access is not None:
        latest = decode_access(access)
        memory.accessed_at = latest.at
        memory.access_count = latest.accesses
        memory.search_count = latest.searches
    return memory


def decode_hit(packed: bytes, *, access: Access | None, dense: float | None = None, text: float | None = None) -> Hit:
    hit = _DECODE_HIT(packed)
    if access is not None:
        return structs.replace(hit, dense=dense, text=text, accessed_at=access.at, access_count=access.accesses)
    return structs.replace(hit, dense=dense, text=text)


def encode_access(memory: Memory) -> bytes:
    return _ACCESS.pack(memory.accessed_at, memory.access_count, memory.search_count)


def decode_access(packed: bytes) -> Access:
    return Access(*(int(number) for number in _ACCESS.unpack(packed)))


def encode_vector(vector: Vector) -> bytes:
    return np.ascontiguousarray(vector, np.float32).tobytes()


def decode_vector(packed: bytes) -> Vector:
    return np.frombuffer(packed, np.float32)

"""What a memory's hash holds, and how to read it back."""

import struct
from typing import Any

import msgspec
import numpy as np
import Stemmer
from msgspec import Struct

from memory.engines.base import Vector
from memory.engines.redis.keys import Keys, label
from memory.engines.redis.query import labels_of
from memory.engines.words import indexed_words, query_words
from memory.model import Hit, Memory, MemoryType

SORTABLE = ("created_at", "updated_at", "happened_at", "importance", "confidence")
"""The numbers by which the index sorts; `accessed_at` is kept outside it."""


class Access(Struct, frozen=True):
    """What every use of a memory changes, kept apart from it (see memories.lua)."""

    at: int
    accesses: int
    searches: int


class _PackedHit(Struct, frozen=True, array_like=True):
    """A Hit as it lies in the store: without what a query says of it, and without field names."""

    id: int
    content: str
    type: MemoryType
    owner: str
    namespace: str
    run_id: str | None
    seq: int | None
    role: str | None
    confidence: float
    created_at: int
    happened_at: int
    accessed_at: int
    access_count: int
    content_hash: str
    token_count: int


_ACCESS = struct.Struct(">ddd")
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE_MEMORY = msgspec.msgpack.Decoder(Memory).decode
_DECODE_HIT = msgspec.msgpack.Decoder(_PackedHit).decode


def fields_of(memory: Memory, keys: Keys) -> list[str | bytes | int | float]:
    """The fields of a memory's hash but its vector, names and values in turn."""
    session = "-"
    if memory.run_id is not None and memory.seq is not None:
        session = keys.session(memory.tenant, memory.namespace, memory.owner, memory.run_id)
    counted = int(memory.state != "deleted")
    size = len(memory.content.encode())
    namespace = label("usage", memory.namespace)
    ledger = f"{memory.version} {counted} {memory.token_count} {size} {namespace} {session} {memory.seq or 0}"
    fields: list[str | bytes | int | float] = ["ledger", ledger, "record", _ENCODE(memory), "hit", _pack_hit(memory)]
    fields += ["words", " ".join(stems(indexed_words(memory.content).split(" ")))]
    fields += ["labels", ",".join(labels_of(memory))]
    for name in SORTABLE:
        fields += [name, getattr(memory, name)]
    return fields


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
    return Hit(
        id=hit.id,
        content=hit.content,
        type=hit.type,
        owner=hit.owner,
        namespace=hit.namespace,
        run_id=hit.run_id,
        seq=hit.seq,
        role=hit.role,
        confidence=hit.confidence,
        created_at=hit.created_at,
        happened_at=hit.happened_at,
        accessed_at=hit.accessed_at if access is None else access.at,
        access_count=hit.access_count if access is None else access.accesses,
        content_hash=hit.content_hash,
        token_count=hit.token_count,
        dense=dense,
        text=text,
    )


def encode_access(memory: Memory) -> bytes:
    return _ACCESS.pack(memory.accessed_at, memory.access_count, memory.search_count)


def decode_access(packed: bytes) -> Access:
    return Access(*(int(number) for number in _ACCESS.unpack(packed)))


def encode_vector(vector: Vector) -> bytes:
    return np.ascontiguousarray(vector, np.float32).tobytes()


def decode_vector(packed: bytes) -> Vector:
    return np.frombuffer(packed, np.float32)


def stems(words: list[str]) -> list[str]:
    """By Porter's algorithm, as in SQLite's FTS5.

    Redis could stem by itself, but then each word of a query is a union inside the union of all, and such a one leaves
    words out of the score where the filter matches more than the words do ([M] search module 2.10).
    """
    stemmed: list[str] = Stemmer.Stemmer("porter").stemWords(words)
    return stemmed


def query_stems(text: str) -> list[str]:
    return list(dict.fromkeys(stems(query_words(text))))


def _pack_hit(memory: Memory) -> bytes:
    values: dict[str, Any] = {name: getattr(memory, name) for name in _PackedHit.__struct_fields__}
    return _ENCODE(_PackedHit(**values))

"""The lines of an export, which an import reads: JSON, one memory each."""

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType, field, structs

from memory import ids
from memory.api.body import read_json
from memory.api.schemas import Time
from memory.api.times import iso, millis
from memory.api.views import embedding_view
from memory.embedding.vectors import unit
from memory.engines.base import EmbeddingSpec, Vector
from memory.errors import Invalid
from memory.model import MAX_NAME, Link, Memory, Name
from memory.service.drafts import MemoryFields

FORMAT: Literal["remora-memories"] = "remora-memories"
VERSION = 1

LONGEST = 1_000_000
"""Bytes of a line: several times what the largest memory takes."""

AHEAD_MS = 5 * 60_000
"""How far in the future an id may lie, since clocks differ. An export goes on after the last id it had: after one from
the future it would pass over all that is written until then."""

_HEADER = re.compile(rb'\s*\{\s*"format"\s*:')
_BROKEN_OFF = re.compile(rb'\s*\{\s*"error"\s*:')

Count = Annotated[int, Meta(ge=0, le=ids.LARGEST)]
Label = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]


class Embedded(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose vectors the lines carry that carry one."""

    name: str
    dimension: int


class Header(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An export's first line."""

    format: Literal["remora-memories"]
    version: int
    embedder: Embedded | None = None
    namespace: str | None = None
    """Of which it is, where it is not of all; as is `user_id`."""
    user_id: str | None = None


class LinkLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    target: str
    kind: Label


class MemoryLine(MemoryFields, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A memory, whole. What a line leaves out has its default; only `content` has none."""

    id: str | None = None
    """Kept. A line without one gets one that follows from what it says, so that importing it again finds it."""
    namespace: Name | None = None
    version: Annotated[int, Meta(ge=1, le=ids.LARGEST)] = 1
    credential: Label | None = None
    """The fingerprint of the key whose user-less calls taught it."""
    seq: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    """Its place in the session `run_id`. A line without an `id` takes the next one."""
    state: Literal["active", "paused", "archived"] = "active"
    slot: Label | None = None
    source_ids: list[str] = field(default_factory=list)
    links: list[LinkLine] = field(default_factory=list)
    superseded_by: str | None = None
    created_at: Time | None = None
    """Default: now."""
    updated_at: Time | None = None
    """Default: `created_at`, as for `accessed_at`."""
    accessed_at: Time | None = None
    derived_at: Time | None = None
    event_at: Time | None = None
    access_count: Count = 0
    search_count: Count = 0
    token_count: Count = 0
    """As the exporting server counted; an import counts anew, and reads `fields` anew."""
    fields: dict[str, list[str]] = field(default_factory=dict)
    embedding: list[float] | UnsetType = UNSET
    """Taken over where the header names this server's embedder; else it is made anew."""


def header_line(spec: EmbeddingSpec | None, *, namespace: str | None, user_id: str | None) -> bytes:
    """`spec`: of the vectors that come with the lines, if they do."""
    embedder = None if spec is None else Embedded(name=spec.name, dimension=spec.dimension)
    header = Header(format=FORMAT, version=VERSION, embedder=embedder, namespace=namespace, user_id=user_id)
    return msgspec.json.encode(header) + b"\n"


def is_header(line: bytes) -> bool:
    return _HEADER.match(line) is not None


def is_error(line: bytes) -> bool:
    """Whether it is what an export ends with that can't go on."""
    return _BROKEN_OFF.match(line) is not None


def read_header(line: bytes) -> EmbeddingSpec | None:
    """Whose vectors follow. Raises Invalid for a version that is not known."""
    header = read_json(line, Header, "the line")
    if header.version > VERSION:
        raise Invalid(f"version: this server reads version {VERSION}, not {header.version}", field="version")
    given = header.embedder
    return None if given is None else EmbeddingSpec(name=given.name, dimension=given.dimension)


def read_line(line: bytes) -> MemoryLine:
    """Raises Invalid."""
    if is_error(line):
        raise Invalid("the export broke off here: what follows in it is missing")
    return read_json(line, MemoryLine, "the line")


def memory_line(memory: Memory, vector: Vector | None) -> bytes:
    line = msgspec.json.encode(
        MemoryLine(
            **{name: getattr(memory, name) for name in _ALIKE},
            id=ids.spell(memory.id),
            source_ids=[ids.spell(id) for id in memory.source_ids],
            links=[LinkLine(target=ids.spell(link.target), kind=link.kind) for link in memory.links],
            superseded_by=None if memory.superseded_by is None else ids.spell(memory.superseded_by),
            created_at=iso(memory.created_at),
            updated_at=iso(memory.updated_at),
            accessed_at=iso(memory.accessed_at),
            derived_at=None if memory.derived_at is None else iso(memory.derived_at),
            event_at=None if memory.event_at is None else iso(memory.event_at),
            embedding=UNSET if vector is None else embedding_view(vector),
        )
    )
    return line + b"\n"


def memory_of(line: MemoryLine, *, tenant: str, namespace: str, user_id: str | None, now: int) -> Memory:
    """`namespace` and `user_id` are for a line that names none, the latter if it belongs to nobody else either. Raises
    Invalid, naming the field, for an id or a time that is none."""
    if line.namespace is None:
        line = structs.replace(line, namespace=namespace)
    if line.user_id is None and line.credential is None and user_id is not None:
        line = structs.replace(line, user_id=user_id)
    created_at = now if line.created_at is None else millis(line.created_at, "created_at")
    return Memory(
        **{name: getattr(line, name) for name in _ALIKE},
        tenant=tenant,
        id=_derived_id(line) if line.id is None else _id_until(now + AHEAD_MS, line.id),
        source_ids=[_id(one, f"source_ids[{place}]") for place, one in enumerate(line.source_ids)],
        links=[Link(_id(one.target, f"links[{place}].target"), one.kind) for place, one in enumerate(line.links)],
        superseded_by=None if line.superseded_by is None else _id(line.superseded_by, "superseded_by"),
        created_at=created_at,
        updated_at=created_at if line.updated_at is None else millis(line.updated_at, "updated_at"),
        accessed_at=created_at if line.accessed_at is None else millis(line.accessed_at, "accessed_at"),
        derived_at=None if line.derived_at is None else millis(line.derived_at, "derived_at"),
        event_at=None if line.event_at is None else millis(line.event_at, "event_at"),
    )


def vector_of(line: MemoryLine, given: EmbeddingSpec | None, wanted: EmbeddingSpec) -> Vector | None:
    """The line's embedding, if it is one of the embedder `wanted`."""
    if line.embedding is UNSET or given != wanted or len(line.embedding) != wanted.dimension:
        return None
    with np.errstate(all="ignore"):
        vector = np.array(line.embedding, np.float32)
        length = float(vector @ vector)
    return unit(vector) if 0.99 < length < 1.01 else None


async def split_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes | None]]:
    """The lines with their numbers, counted from 1, blank ones passed over; None for one above LONGEST bytes."""
    number, begun, too_long = 1, bytearray(), False
    async for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = None if too_long or len(begun) + len(end) > LONGEST else bytes(begun + end)
            if line is None or line.strip():
                yield number, line
            number, begun, too_long = number + 1, bytearray(), False
        too_long = too_long or len(begun) + len(rest) > LONGEST
        if too_long:
            begun.clear()
        else:
            begun += rest
    if too_long or begun.strip():
        yield number, None if too_long else bytes(begun)


_ALIKE = tuple(
    name
    for name in MemoryLine.__struct_fields__
    if name in Memory.__struct_fields__
    and name not in ("id", "source_ids", "links", "superseded_by")
    and not name.endswith("_at")
)
"""The fields that are spelled in a line as they are in a Memory."""

_DERIVED_BITS = 47
"""So that these ids lie before those of any time in which Remora was there, and an export is never behind with new
memories for their sake."""


def _derived_id(line: MemoryLine) -> int:
    digest = hashlib.sha256(msgspec.json.encode(line, order="sorted")).digest()
    return int.from_bytes(digest[:8]) >> (64 - _DERIVED_BITS)


def _id_until(latest: int, text: str) -> int:
    number = _id(text, "id")
    if ids.made_at(number) > latest:
        raise Invalid("id: lies in the future: leave it out, and the memory gets another", field="id")
    return number


def _id(text: str, name: str) -> int:
    number = ids.parse(text)
    if number is None:
        raise Invalid(f"{name}: must be the id of a memory", field=name)
    return number

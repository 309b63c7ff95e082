"""A memory as a row of `memories` and its labels, and back."""

from collections.abc import Iterator
from typing import Any

import apsw
import msgspec
import numpy as np

from memory.engines.base import Vector
from memory.model import Memory

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Memory).decode

COLUMNS = (
    "tenant",
    "id",
    "version",
    "namespace",
    "owner",
    "type",
    "state",
    "current",
    "user_id",
    "agent_id",
    "run_id",
    "app",
    "org_id",
    "seq",
    "slot",
    "content_hash",
    "source",
    "confidence",
    "importance",
    "created_at",
    "updated_at",
    "happened_at",
    "accessed_at",
    "access_count",
    "search_count",
    "counted",
    "tokens",
    "bytes",
    "record",
)
"""Those that `to_row` fills, in its order."""

STORED = "m.record, m.accessed_at, m.access_count, m.search_count"
"""What `from_row` takes, in its order."""


def to_row(memory: Memory) -> "list[apsw.SQLiteValue]":
    """The values of COLUMNS."""
    return [
        memory.tenant,
        memory.id,
        memory.version,
        memory.namespace,
        memory.owner,
        memory.type,
        memory.state,
        int(memory.current),
        memory.user_id,
        memory.agent_id,
        memory.run_id,
        memory.app,
        memory.org_id,
        memory.seq,
        memory.slot,
        memory.content_hash,
        memory.source,
        float(memory.confidence),
        float(memory.importance),
        memory.created_at,
        memory.updated_at,
        memory.happened_at,
        memory.accessed_at,
        memory.access_count,
        memory.search_count,
        int(memory.state != "deleted"),
        memory.token_count,
        memory.size,
        _encode(memory),
    ]


def from_row(record: bytes, accessed_at: int, access_count: int, search_count: int) -> Memory:
    memory = _decode(record)
    memory.accessed_at = accessed_at
    memory.access_count = access_count
    memory.search_count = search_count
    return memory


def encode_vector(vector: Vector, dimension: int) -> bytes:
    """Raises ValueError for a vector of another embedder, which would spoil every later search."""
    if vector.shape != (dimension,):
        raise ValueError(f"this store's embeddings have {dimension} dimensions, not {vector.shape}")
    return vector.astype(np.float32, copy=False).tobytes()


def labels_of(memory: Memory) -> set[str]:
    """Everything a filter may ask of its tags, categories and metadata."""
    return {
        *map(tag_label, memory.tags),
        *map(category_label, memory.categories),
        *_metadata_labels(memory.metadata),
    }


def tag_label(tag: str) -> str:
    return f"tag:{tag}"


def category_label(category: str) -> str:
    return f"category:{category}"


def metadata_label(key: str, value: str | float) -> str:
    """An entry spelled so that equal ones, as `Filter.metadata` defines it, are spelled alike and no others."""
    match value:
        case bool():
            spelled = f"b{value:d}"
        case str():
            spelled = f"s{value}"
        case float() if value.is_integer():
            spelled = f"n{int(value)}"
        case _:
            spelled = f"n{value!r}"
    return f"metadata:{len(key)}:{key}={spelled}"


def _metadata_labels(metadata: dict[str, Any]) -> Iterator[str]:
    for key, value in metadata.items():
        if isinstance(value, (str, int, float)):
            yield metadata_label(key, value)

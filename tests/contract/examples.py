"""Memories to store, names that break careless engines, and the filter spelled out in Python to compare with."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from memory.engines.base import Engine, Filter, Record, Vector, Written
from memory.model import Memory, content_hash
from tests.contract.stores import SPEC

NOW = 1_750_000_000_000
TENANT = "acme"
NAMESPACE = "support"

HOSTILE = (
    "",
    " ",
    " a",
    "a ",
    "a",
    "ab",
    "A",
    "*",
    "a*",
    "?",
    ":",
    "a:b",
    "b:c",
    "|",
    "a|b",
    ",",
    ";",
    ".",
    "..",
    "../x",
    "/",
    "\\",
    "'",
    '"',
    "`",
    "a'b\"c",
    "-",
    "@a",
    "#",
    "$1",
    "%",
    "_",
    "~",
    "{a}",
    "}",
    "[a",
    "(a)",
    "<>",
    "=>[KNN 1]",
    "NULL",
    "true",
    "1",
    "new\nline",
    "tab\t",
    "nul\0byte",
    "\u00e9",
    "e\u0301",
    "日本語",
    "😀",
    "👩‍👩‍👧",
    "x" * 500,
    "x" * 499 + "y",
)


def a_memory(id: int, content: str = "likes tea", /, **fields: Any) -> Memory:
    at = fields.setdefault("created_at", NOW + id)
    defaults: dict[str, Any] = {
        "tenant": TENANT,
        "namespace": NAMESPACE,
        "updated_at": at,
        "accessed_at": at,
        "content_hash": content_hash(content),
        "token_count": len(content.split()),
    }
    return Memory(id=id, content=content, **(defaults | fields))


def a_vector(seed: str, dimension: int = SPEC.dimension) -> Vector:
    """A unit vector in a direction of its own for each seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
    return unit(np.random.default_rng(number).standard_normal(dimension).astype(np.float32))


def unit(vector: Vector) -> Vector:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def a_record(id: int, content: str = "likes tea", /, *, vector: Vector | None = None, **fields: Any) -> Record:
    memory = a_memory(id, content, **fields)
    return Record(memory=memory, vector=a_vector(f"{id} {content}") if vector is None else vector)


async def given(engine: Engine, *records: Record) -> None:
    """Store them, all of which must be new."""
    assert await engine.memories.insert(records) == [Written.DONE] * len(records)


async def everything(engine: Engine, where: Filter) -> set[int]:
    page = await engine.memories.list(where, limit=1000)
    assert len(page.memories) == page.total
    return {memory.id for memory in page.memories}


async def eventually(condition: Callable[[], Awaitable[bool]], *, seconds: float = 10.0) -> None:
    """Ask until it holds; for what an engine's own clock brings about."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "it never came to hold"
        await asyncio.sleep(0.02)


def matches(where: Filter, memory: Memory) -> bool:
    """What a Filter means, written a second time and as plainly as possible."""
    same = ("user_id", "agent_id", "run_id", "app", "org_id", "slot", "content_hash", "source")
    return all(
        (
            memory.tenant == where.tenant,
            where.namespaces is None or memory.namespace in where.namespaces,
            where.owners is None or memory.owner in where.owners,
            memory.current or not where.current,
            where.states is None or memory.state in where.states,
            where.types is None or memory.type in where.types,
            set(where.tags) <= set(memory.tags),
            not where.categories or bool(set(where.categories) & set(memory.categories)),
            where.min_confidence is None or memory.confidence >= where.min_confidence,
            all(getattr(where, name) in (None, getattr(memory, name)) for name in same),
            all(
                key in memory.metadata and _equal(memory.metadata[key], value) for key, value in where.metadata.items()
            ),
            _within(where.created_from, memory.created_at, where.created_to),
            _within(where.happened_from, memory.happened_at, where.happened_to),
        )
    )


def _equal(one: Any, other: Any) -> bool:
    kinds = [str if isinstance(it, str) else bool if isinstance(it, bool) else float for it in (one, other)]
    return kinds[0] is kinds[1] and bool(one == other)


def _within(low: int | None, at: int, high: int | None) -> bool:
    return (low is None or low <= at) and (high is None or at <= high)

"""What a Filter means to Redis: the labels a memory is indexed under, and the conditions a filter puts on them.

Every equality is a label, the digest of what it says, in one TAG field: no string of a caller's is in a query. The same
list of conditions serves the index, in a search, and memories.lua, for neighbours.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, get_args

from msgspec import Struct
from redisvl.query.filter import Num, Tag

from memory.engines.base import Filter
from memory.engines.redis.keys import label
from memory.model import Memory, MemoryType

FACTS: tuple[MemoryType, ...] = tuple(kind for kind in get_args(MemoryType) if kind != "episodic")

NOBODY = "nobody"
"""Not a label of anything."""


class AnyOf(Struct, frozen=True):
    labels: tuple[str, ...]


class Range(Struct, frozen=True):
    """Both ends included; None is open."""

    field: str
    low: float | None
    high: float | None


Condition = AnyOf | Range


def labels_of(memory: Memory) -> Iterator[str]:
    """Under what a memory is found. Its place is there three times over, for all, for current memories and for current
    facts, so that the commonest filter is one label for each owner.

    The fourth label names namespace and owner: memories.lua takes it for the memory's scope."""
    yield from _places("all", memory)
    if memory.current:
        yield from _places("current", memory)
        if memory.type != "episodic":
            yield from _places("facts", memory)
    yield label("type", memory.type)
    yield label("state", memory.state)
    yield label("source", memory.source)
    for name in ("user_id", "agent_id", "run_id", "app", "org_id", "slot", "content_hash"):
        if (value := getattr(memory, name)) is not None:
            yield label(name, value)
    for tag in memory.tags:
        yield label("tag", tag)
    for category in memory.categories:
        yield label("category", category)
    for key, value in memory.metadata.items():
        if isinstance(value, str | int | float):
            yield label("metadata", key, *_scalar(value))


def conditions(where: Filter, *, facts: bool = False) -> list[Condition] | None:
    """All of which a memory must meet; None where nothing can. `facts` leaves out what is episodic."""
    found: list[Condition] = [AnyOf(_scope(where, facts=facts))]
    types = where.types
    if facts and not where.current:
        types = tuple(kind for kind in FACTS if types is None or kind in types)
    for name, values in (("state", where.states), ("type", types)):
        if values is not None:
            found.append(AnyOf(tuple(label(name, value) for value in values)))
    if where.categories:
        found.append(AnyOf(tuple(label("category", category) for category in where.categories)))
    found += (AnyOf((label("tag", tag),)) for tag in where.tags)
    for name in ("source", "user_id", "agent_id", "run_id", "app", "org_id", "slot", "content_hash"):
        if (value := getattr(where, name)) is not None:
            found.append(AnyOf((label(name, value),)))
    found += (AnyOf((label("metadata", key, *_scalar(value)),)) for key, value in where.metadata.items())
    for field, low, high in (
        ("confidence", where.min_confidence, None),
        ("created_at", where.created_from, where.created_to),
        ("happened_at", where.happened_from, where.happened_to),
    ):
        if low is not None or high is not None:
            found.append(Range(field, low, high))
    return None if AnyOf(()) in found else found


def render(found: Sequence[Condition], *, scored: bool = False) -> str:
    """The conditions in the index's query language. `scored`: beside words, whose scores they must leave alone."""
    return " ".join(_clause(condition, scored=scored) for condition in found)


def arguments(found: Sequence[Condition]) -> list[str | float]:
    """The conditions as memories.lua reads them."""
    flat: list[str | float] = [len(found)]
    for condition in found:
        if isinstance(condition, AnyOf):
            flat += ("labels", len(condition.labels), *condition.labels)
        else:
            low = "-inf" if condition.low is None else condition.low
            flat += (condition.field, low, "inf" if condition.high is None else condition.high)
    return flat


@lru_cache(maxsize=10_000)
def _clause(condition: Condition, *, scored: bool) -> str:
    if isinstance(condition, Range):
        low = float("-inf") if condition.low is None else condition.low
        high = float("inf") if condition.high is None else condition.high
        return str(Num(condition.field).between(low, high))
    # A tag counts as a rare word would, up to a third of a score [M], and only a union of several can be told not to.
    labels = [*condition.labels, NOBODY] if scored else list(condition.labels)
    weight = "=>{$weight: 0}" if scored else ""
    return f"{Tag('labels') == labels}{weight}"


def _scope(where: Filter, *, facts: bool) -> tuple[str, ...]:
    kind = "all" if not where.current else "facts" if facts else "current"
    if where.namespaces is None:
        if where.owners is None:
            return (label(kind, where.tenant),)
        return tuple(label(kind, "owner", where.tenant, owner) for owner in where.owners)
    if where.owners is None:
        return tuple(label(kind, "namespace", where.tenant, namespace) for namespace in where.namespaces)
    return tuple(
        label(kind, "home", where.tenant, namespace, owner) for namespace in where.namespaces for owner in where.owners
    )


def _places(kind: str, memory: Memory) -> Iterator[str]:
    yield label(kind, memory.tenant)
    yield label(kind, "namespace", memory.tenant, memory.namespace)
    yield label(kind, "owner", memory.tenant, memory.owner)
    yield label(kind, "home", memory.tenant, memory.namespace, memory.owner)


def _scalar(value: Any) -> tuple[str, str]:
    """Kind and spelling: equal numbers have one spelling, and no string or truth value has theirs."""
    if isinstance(value, str):
        return "text", value
    if isinstance(value, bool):
        return "truth", str(value)
    if isinstance(value, float) and value.is_integer():
        return "number", str(int(value))
    return "number", repr(value)

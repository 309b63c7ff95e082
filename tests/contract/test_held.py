"""Small scopes held in process: whatever any process writes, a search finds what there is, as if nothing were held."""

import asyncio
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from memory.engines.base import Engine, Filter, Neighbourhood, Record, SearchQuery, Written
from memory.engines.small import MOST_SCOPES
from memory.model import Memory
from tests.contract.examples import NAMESPACE, TENANT, a_memory, a_record, a_vector, matches, unit
from tests.contract.examples import given as stored

MINE = Filter(tenant=TENANT, namespaces=(NAMESPACE,), owners=("u:ann", ""))
CROWD = tuple(f"u:nobody {n}" for n in range(MOST_SCOPES))
TEA = SearchQuery(text="tea", vector=a_vector("q"), facts=5)


async def found(engine: Engine, where: Filter = MINE, query: SearchQuery = TEA) -> set[int]:
    return {hit.id for hit in await engine.memories.search(where, query)}


async def test_what_another_process_writes_is_found_by_the_very_next_search(engine: Engine, peer: Engine) -> None:
    assert await found(peer) == set()
    for id in range(1, 50):
        await stored(engine, a_record(id, user_id="ann" if id % 3 else None))
        assert await found(peer) == set(range(1, id + 1))
    changed = a_memory(1, "prefers coffee", version=2, user_id="ann")
    assert await engine.memories.replace(changed, expected=1, vector=a_vector("new")) is Written.DONE
    coffee = SearchQuery(text="coffee")
    [hit] = await peer.memories.search(MINE, coffee)
    assert (hit.id, hit.content, hit.text) == (1, "prefers coffee", 1.0)
    assert await engine.memories.delete(TENANT, [1]) == [True]
    assert await found(peer, query=coffee) == set()


async def test_what_is_no_longer_current_or_anothers_is_found_no_more(engine: Engine, peer: Engine) -> None:
    await stored(engine, *(a_record(id, user_id="ann") for id in range(1, 6)))
    assert await found(peer) == {1, 2, 3, 4, 5}
    for id, change in (
        (1, {"user_id": "ann", "superseded_by": 2}),
        (2, {"user_id": "ann", "state": "archived"}),
        (3, {"user_id": "bob"}),
    ):
        memory = a_memory(id, version=2, **change)
        assert await engine.memories.replace(memory, expected=1) is Written.DONE
        assert id not in await found(peer)
    bob = Filter(tenant=TENANT, namespaces=(NAMESPACE,), owners=("u:bob",))
    assert await found(peer, bob) == {3}


@pytest.mark.parametrize("what", ["namespace", "memories", "tenant"])
async def test_nothing_erased_is_found_and_what_is_written_after_is(engine: Engine, peer: Engine, what: str) -> None:
    async def untold(share: float) -> None:
        pass

    for first in (0, 10):
        await stored(engine, *(a_record(first + n, user_id="ann") for n in range(3)))
        assert await found(peer) == {first, first + 1, first + 2}
        if what == "tenant":
            await engine.erase(TENANT, untold)
        else:
            await engine.memories.erase(TENANT, NAMESPACE if what == "namespace" else None)
        assert await found(peer) == set()


async def test_neighbours_are_as_of_their_call_or_of_the_moment_it_names(engine: Engine, peer: Engine) -> None:
    await stored(engine, *(a_record(id, user_id="ann", run_id="r", seq=id) for id in range(1, 6)))
    around = [Neighbourhood(namespace=NAMESPACE, owner="u:ann", run_id="r", seq=3)]
    began = monotonic()
    assert await found(peer) == {1, 2, 3, 4, 5}
    await engine.memories.delete(TENANT, [3])
    assert {hit.id for hit in await peer.memories.neighbours(MINE, around)} == {2, 4}
    assert {hit.id for hit in await peer.memories.neighbours(MINE, around, since=monotonic())} == {2, 4}
    assert {hit.id for hit in await peer.memories.neighbours(MINE, around, since=began, radius=2)} <= {1, 2, 3, 4, 5}


async def test_a_scope_that_outgrows_what_is_held_is_searched_on(engine: Engine, peer: Engine) -> None:
    await stored(engine, *(a_record(id, user_id="ann", vector=a_vector("far")) for id in range(980)))
    near = SearchQuery(vector=a_vector("q"), limit=1)
    assert len(await found(peer, query=SearchQuery(vector=a_vector("q"), limit=1000))) == 980
    for id in range(980, 1010, 2):
        nearer = unit(a_vector("far") + (id - 979) * a_vector("q"))
        await stored(
            engine, a_record(id, user_id="ann", vector=nearer), a_record(id + 1, user_id="ann", vector=a_vector("far"))
        )
        assert await found(peer, query=near) == {id}


async def test_a_held_hit_tells_of_the_latest_touch(engine: Engine) -> None:
    await stored(engine, a_record(1, user_id="ann"))
    await found(engine)
    await engine.memories.touch(TENANT, [1], now=77, accesses=3)
    [hit] = await engine.memories.search(MINE, TEA)
    assert (hit.access_count, hit.accessed_at) == (3, 77)


async def test_reading_and_writing_at_once_never_finds_less_than_was_acknowledged(engine: Engine, peer: Engine) -> None:
    acknowledged: set[int] = set()
    doomed: set[int] = set()
    deleted: set[int] = set()

    async def write() -> None:
        for id in range(60):
            await stored(engine, a_record(id, user_id="ann"))
            acknowledged.add(id)
            if id % 4 == 3:
                doomed.add(id - 2)
                await engine.memories.delete(TENANT, [id - 2])
                deleted.add(id - 2)

    async def read() -> None:
        while len(acknowledged) < 60:
            there, gone = set(acknowledged), set(deleted)
            hits = await found(peer, query=SearchQuery(vector=a_vector("q"), limit=100))
            assert there - hits <= doomed
            assert not hits & gone

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        for _ in range(4):
            group.create_task(read())


_FILTERS: list[dict[str, Any]] = [
    {},
    {"types": ("semantic",)},
    {"types": ("episodic", "working"), "min_confidence": 0.5},
    {"user_id": "ann"},
    {"run_id": "r"},
    {"happened_from": 1_750_000_000_010, "happened_to": 1_750_000_000_030},
    {"created_from": 1_750_000_000_020},
    {"states": ("active",)},
    {"states": ("archived",)},
    {"tags": ("t",)},
    {"agent_id": "a"},
    {"current": False},
]

_WRITES = st.one_of(
    st.tuples(st.just("insert"), st.integers(0, 30), st.integers(0, 3)),
    st.tuples(st.just("replace"), st.integers(0, 30), st.integers(0, 3)),
    st.tuples(st.just("supersede"), st.integers(0, 30), st.just(0)),
    st.tuples(st.just("delete"), st.integers(0, 30), st.just(0)),
    st.tuples(st.just("insert"), st.integers(0, 30), st.integers(0, 3)),
    st.tuples(st.just("erase"), st.just(0), st.just(0)),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(_WRITES, max_size=20),
    ask=st.lists(st.integers(0, len(_FILTERS) - 1), min_size=20, max_size=20),
    limit=st.integers(1, 10),
)
async def test_after_any_writes_a_search_finds_all_that_the_filter_lets_through(
    engine: Engine, peer: Engine, writes: list[tuple[str, int, int]], ask: list[int], limit: int
) -> None:
    await engine.memories.erase(TENANT)
    there: dict[int, Memory] = {}
    for (what, id, shape), asked in zip(writes, ask, strict=False):
        memory = _memory(id, shape, there[id].version + 1 if id in there else 1)
        match what:
            case "insert" if id not in there:
                await stored(engine, Record(memory=memory, vector=a_vector(f"{id}")))
                there[id] = memory
            case "replace" if id in there:
                memory.namespace = there[id].namespace
                assert await engine.memories.replace(memory, expected=memory.version - 1) is Written.DONE
                there[id] = memory
            case "supersede" if id in there:
                old = _memory(id, shape, there[id].version + 1)
                old.namespace, old.superseded_by = there[id].namespace, 99
                assert await engine.memories.replace(old, expected=old.version - 1) is Written.DONE
                there[id] = old
            case "delete":
                await engine.memories.delete(TENANT, [id])
                there.pop(id, None)
            case "erase":
                await engine.memories.erase(TENANT, "other")
                there = {id: memory for id, memory in there.items() if memory.namespace != "other"}
        where = Filter(tenant=TENANT, namespaces=("other", NAMESPACE), owners=("u:ann", ""), **_FILTERS[asked])
        expected = {id for id, memory in there.items() if matches(where, memory)}
        query = SearchQuery(vector=a_vector("q"), text="tea", limit=100)
        hits = await peer.memories.search(where, query)
        assert {hit.id for hit in hits} == expected
        worded = {hit.id for hit in hits if hit.text is not None}
        assert worded == {id for id in expected if "tea" in there[id].content}
        for hit in hits:
            assert hit.content == there[hit.id].content
            assert hit.dense == pytest.approx(float(a_vector(f"{hit.id}") @ a_vector("q")), abs=1e-5)
        # The engine's own search, to which a filter over so many scopes goes.
        own = await peer.memories.search(structs.replace(where, owners=("u:ann", "", *CROWD)), query)
        assert {hit.id for hit in own} == expected
        assert {hit.id for hit in own if hit.text is not None} == worded
        few = structs.replace(query, text=None, limit=limit)
        nearest = await peer.memories.search(structs.replace(where, owners=("u:ann", "", *CROWD)), few)
        assert {hit.id for hit in await peer.memories.search(where, few)} == {hit.id for hit in nearest}


def _memory(id: int, shape: int, version: int) -> Memory:
    fields: list[dict[str, Any]] = [
        {"user_id": "ann"},
        {"user_id": "ann", "type": "episodic", "run_id": "r", "seq": id, "tags": ["t"]},
        {"namespace": "other", "confidence": 0.4, "agent_id": "a"},
        {"user_id": "bob", "state": "archived"},
    ]
    return a_memory(id, "likes tea" if id % 2 else "likes milk", version=version, **fields[shape])

"""Filters: each field, and over random memories that nothing comes back which the filter does not allow."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.caller import SHARED, user_owner
from memory.engines.base import Engine, Filter, Neighbourhood, Record, SearchQuery
from memory.model import Memory
from tests.contract.examples import HOSTILE, NOW, TENANT, a_record, a_vector, everything, matches
from tests.contract.examples import given as stored


def where(**fields: Any) -> Filter:
    return Filter(tenant=TENANT, **fields)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, {1, 4, 6}),
        ({"current": False}, {1, 2, 3, 4, 5, 6}),
        ({"current": False, "states": ("archived", "deleted")}, {2, 3}),
        ({"states": ("active",)}, {1, 4, 6}),
        ({"states": ("archived",)}, set()),
        ({"namespaces": ("n",)}, {1, 6}),
        ({"namespaces": ("n", "m", "n")}, {1, 4, 6}),
        ({"namespaces": ()}, set()),
        ({"owners": (SHARED,)}, {4}),
        ({"owners": (user_owner("ann"), "c:key", user_owner("ann"))}, {1, 6}),
        ({"owners": ()}, set()),
        ({"owners": (user_owner("ann"), SHARED), "namespaces": ("m",)}, {4}),
        ({"types": ("episodic", "working")}, {4}),
        ({"types": ()}, set()),
        ({"tags": ("red",)}, {1, 4}),
        ({"tags": ("red", "big")}, {1}),
        ({"categories": ("food",)}, {1}),
        ({"categories": ("food", "work")}, {1, 4}),
        ({"tags": ("food",)}, set()),
        ({"source": "extracted"}, {4}),
        ({"min_confidence": 0.5}, {1, 4}),
        ({"min_confidence": 0.500001}, {1}),
        ({"user_id": "ann"}, {1}),
        ({"user_id": "an"}, set()),
        ({"user_id": "ann", "owners": (SHARED,)}, set()),
        ({"agent_id": "agent"}, {1}),
        ({"run_id": "run"}, {1}),
        ({"app": "app"}, {1}),
        ({"org_id": "org"}, {1}),
        ({"slot": "home"}, {1}),
        ({"content_hash": "hash"}, {1}),
        ({"metadata": {"k": "v"}}, {1}),
        ({"metadata": {"k": "v", "n": 1.0}}, {1}),
        ({"metadata": {"n": 1}}, {1}),
        ({"metadata": {"n": "1"}}, set()),
        ({"metadata": {"n": True}}, set()),
        ({"metadata": {"yes": True}}, {1}),
        ({"metadata": {"yes": "true"}}, set()),
        ({"metadata": {"yes": 1}}, set()),
        ({"metadata": {"half": 0.5}}, {1}),
        ({"metadata": {"missing": "v"}}, set()),
        ({"metadata": {"v": "k"}}, set()),
        ({"created_from": NOW + 4}, {4, 6}),
        ({"created_to": NOW + 4}, {1, 4}),
        ({"created_from": NOW + 4, "created_to": NOW + 4}, {4}),
        ({"happened_from": NOW - 100, "happened_to": NOW}, {4}),
        ({"happened_from": NOW + 1}, {1, 6}),
    ],
)
async def test_each_field_narrows(engine: Engine, fields: dict[str, Any], found: set[int]) -> None:
    await stored(
        engine,
        a_record(
            1,
            namespace="n",
            user_id="ann",
            tags=["red", "big"],
            categories=["food"],
            agent_id="agent",
            run_id="run",
            app="app",
            org_id="org",
            slot="home",
            content_hash="hash",
            metadata={"k": "v", "n": 1, "yes": True, "half": 0.5},
        ),
        a_record(2, namespace="n", state="archived"),
        a_record(3, namespace="n", state="deleted"),
        a_record(
            4,
            namespace="m",
            type="episodic",
            tags=["red"],
            categories=["work"],
            source="extracted",
            confidence=0.5,
            event_at=NOW - 100,
        ),
        a_record(5, namespace="n", superseded_by=1),
        a_record(6, namespace="n", credential="key", confidence=0.1),
        a_record(1, tenant="other", namespace="n", user_id="ann"),
    )
    narrowed = where(**fields)
    assert await everything(engine, narrowed) == found
    for query in (
        SearchQuery(text="tea"),
        SearchQuery(vector=a_vector("anything")),
        SearchQuery(text="tea", vector=a_vector("anything"), facts=10),
    ):
        assert {hit.id for hit in await engine.memories.search(narrowed, query)} == found


async def test_a_user_whose_name_looks_like_a_credentials_owner_is_not_it(engine: Engine) -> None:
    await stored(engine, a_record(1, credential="key"), a_record(2, user_id="c:key"), a_record(3, user_id=""))
    assert await everything(engine, where(owners=("c:key",))) == {1}
    assert await everything(engine, where(owners=(user_owner("c:key"),))) == {2}
    assert await everything(engine, where(owners=(SHARED,))) == set()


NAMES = st.sampled_from(["a", "ab", "b", "a:b", "*", "", "a b", "|"]) | st.sampled_from(HOSTILE)
MAYBE = st.none() | NAMES
SCALARS = st.sampled_from(["", "1", "true", "v", 0, 1, 1.0, 0.5, -3, True, False])
TYPES = st.sampled_from(["semantic", "episodic", "working", "structured", "procedural"])
STATES = st.sampled_from(["active", "active", "paused", "archived", "deleted"])
TIMES = st.integers(NOW - 3, NOW + 3)
CONFIDENCES = st.sampled_from([0.0, 0.25, 0.5, 1.0])


@st.composite
def _names(draw: st.DrawFn) -> list[str]:
    """A few names for one example, so that memories and filters meet."""
    return draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Record], list[Filter]]:
    name = st.sampled_from(draw(_names()))
    maybe = st.none() | name
    few = st.lists(name, max_size=2, unique=True)
    owner = st.one_of(name.map(user_owner), name.map("c:{}".format), st.just(SHARED))
    metadata = st.dictionaries(name, SCALARS, max_size=2)
    records = []
    for id in range(draw(st.integers(0, 9))):
        fields: dict[str, Any] = {
            "tenant": draw(name),
            "namespace": draw(name),
            "user_id": draw(maybe),
            "credential": draw(maybe),
            "agent_id": draw(maybe),
            "run_id": draw(maybe),
            "app": draw(maybe),
            "slot": draw(maybe),
            "tags": draw(few),
            "categories": draw(few),
            "metadata": draw(metadata),
            "type": draw(TYPES),
            "state": draw(STATES),
            "superseded_by": draw(st.none() | st.just(7)),
            "confidence": draw(CONFIDENCES),
            "created_at": draw(TIMES),
            "event_at": draw(st.none() | TIMES),
            "seq": draw(st.none() | st.integers(1, 3)),
        }
        records.append(a_record(id, f"common word{id}", **fields))

    def rarely(values: st.SearchStrategy[Any], otherwise: Any = None) -> Any:
        return draw(values) if draw(st.integers(0, 5)) == 0 else otherwise

    filters = [
        Filter(
            tenant=draw(name),
            namespaces=draw(st.none() | few.map(tuple)),
            owners=draw(st.none() | st.lists(owner, max_size=3).map(tuple)),
            current=draw(st.booleans()),
            states=rarely(st.lists(STATES, max_size=2).map(tuple)),
            types=rarely(st.lists(TYPES, max_size=3).map(tuple)),
            tags=rarely(few.map(tuple), ()),
            categories=rarely(few.map(tuple), ()),
            metadata=rarely(metadata, {}),
            min_confidence=rarely(CONFIDENCES),
            user_id=rarely(name),
            agent_id=rarely(name),
            run_id=rarely(name),
            app=rarely(name),
            slot=rarely(name),
            created_from=rarely(TIMES),
            created_to=rarely(TIMES),
            happened_from=rarely(TIMES),
            happened_to=rarely(TIMES),
        )
        for _ in range(3)
    ]
    return records, filters


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds())
async def test_whatever_is_asked_the_answer_is_what_the_filter_allows(
    engine: Engine, world: tuple[list[Record], list[Filter]]
) -> None:
    records, filters = world
    tenants = {record.memory.tenant for record in records}
    try:
        await stored(engine, *records)
        for narrowed in filters:
            allowed = {r.memory.id: r.memory for r in records if matches(narrowed, r.memory)}
            await _every_question_agrees(engine, narrowed, allowed)
    finally:
        for tenant in tenants:
            await engine.memories.erase(tenant)


async def _every_question_agrees(engine: Engine, narrowed: Filter, allowed: dict[int, Memory]) -> None:
    page = await engine.memories.list(narrowed, sort="created_at", descending=False)
    assert page.total == len(allowed)
    assert page.memories == sorted(allowed.values(), key=lambda memory: (memory.created_at, memory.id))
    for query in (SearchQuery(text="common"), SearchQuery(vector=a_vector("q"))):
        assert {hit.id for hit in await engine.memories.search(narrowed, query)} == allowed.keys()
    facts = await engine.memories.search(narrowed, SearchQuery(facts=20))
    assert {hit.id for hit in facts} == {memory.id for memory in allowed.values() if memory.type != "episodic"}
    around = [
        Neighbourhood(namespace=memory.namespace, owner=memory.owner, run_id=memory.run_id, seq=memory.seq)
        for memory in allowed.values()
        if memory.run_id is not None and memory.seq is not None
    ]
    turns = {hit.id for hit in await engine.memories.neighbours(narrowed, around)}
    assert turns <= allowed.keys()
    assert turns == {m.id for m in allowed.values() if m.run_id is not None and m.seq is not None}

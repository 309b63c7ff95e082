"""What becomes of memories that are brought in."""

import asyncio
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine, Limit
from memory.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded, RemoraError
from memory.model import Link, Memory, NamespaceConfig
from memory.service import directory
from memory.service.drafts import MemoryDraft, MemoryPatch
from memory.service.events import STREAM
from memory.service.imports import Arrival, Outcome
from memory.service.namespaces import NamespaceDraft
from tests.support.services import START, Services, a_caller, services_over


class Allowance:
    def __init__(self, *limits: Limit) -> None:
        self.granted = limits

    async def limits(self, tenant: str) -> tuple[Limit, ...]:  # noqa: ARG002
        return self.granted


def a_memory(id: int, content: str = "likes tea", **given: Any) -> Memory:
    times = dict.fromkeys(("created_at", "updated_at", "accessed_at"), START)
    return Memory(id=id, content=content, **{"tenant": "default", "namespace": "default", **times, **given})


def kinds(outcomes: list[Outcome]) -> list[object]:
    return [type(one) if isinstance(one, RemoraError) else one for one in outcomes]


async def bring(services: Services, caller: Caller, *memories: Memory, **given: Any) -> list[object]:
    return kinds(await services.imports.write(caller, [Arrival(memory=memory, **given) for memory in memories]))


async def found(services: Services, *ids: int, tenant: str = "default") -> list[Memory]:
    memories = await services.engine.memories.get(tenant, ids)
    return [memory for memory in memories if memory is not None]


async def test_a_memory_is_kept_as_it_was_but_for_what_is_counted_and_read_anew(
    services: Services, caller: Caller
) -> None:
    given = a_memory(
        7,
        "write to ada@example.org",
        version=4,
        type="procedural",
        user_id="ada",
        run_id="monday",
        seq=12,
        metadata={"a": {"b": [None, 1.5]}},
        tags=["mail"],
        state="archived",
        slot="mail",
        source="extracted",
        source_ids=[1, 2],
        links=[Link(3, "because")],
        superseded_by=9,
        created_at=START - 9_000,
        updated_at=START - 8_000,
        accessed_at=START - 7_000,
        derived_at=START - 6_000,
        event_at=START - 5_000,
        access_count=5,
        search_count=6,
        token_count=1,
        fields={"emails": ["made up"]},
        tenant="somebody else's",
    )
    assert await bring(services, caller, given) == ["imported"]
    [memory] = await found(services, 7)
    assert memory == structs.replace(
        given,
        tenant="default",
        content_hash=memory.content_hash,
        token_count=3,
        fields={"emails": ["ada@example.org"]},
    )
    assert memory.content_hash
    assert await found(services, 7, tenant="somebody else's") == []


async def test_bringing_it_in_twice_changes_nothing(services: Services, caller: Caller) -> None:
    memories = [a_memory(1), a_memory(2, "plays chess")]
    assert await bring(services, caller, *memories) == ["imported", "imported"]
    await services.engine.memories.touch("default", [1], now=START + 1)
    before = await found(services, 1, 2)
    assert await bring(services, caller, *memories, a_memory(3)) == ["skipped", "skipped", "imported"]
    assert await found(services, 1, 2) == before


async def test_a_memory_that_was_edited_since_stays_as_it_is(services: Services, caller: Caller) -> None:
    await bring(services, caller, a_memory(1))
    await services.revise.update(caller, 1, MemoryPatch(content="likes coffee"))
    assert await bring(services, caller, a_memory(1)) == ["skipped"]
    assert [memory.content for memory in await found(services, 1)] == ["likes coffee"]


async def test_many_who_bring_in_the_same_store_it_once(services: Services, caller: Caller) -> None:
    outcomes = await asyncio.gather(*(bring(services, caller, a_memory(1), a_memory(2)) for _ in range(8)))
    assert sorted(str(one) for both in outcomes for one in both) == ["imported"] * 2 + ["skipped"] * 14


@pytest.mark.parametrize("other", [{"namespace": "notes"}, {"user_id": "ada"}, {"credential": "somebody"}])
async def test_an_id_of_another_memory_is_a_conflict(services: Services, caller: Caller, other: dict[str, Any]) -> None:
    await bring(services, caller, a_memory(1))
    assert await bring(services, caller, structs.replace(a_memory(1), **other)) == [Conflict]
    assert [memory.content for memory in await found(services, 1)] == ["likes tea"]


async def test_two_of_one_id_in_one_batch_are_told_apart(services: Services, caller: Caller) -> None:
    assert await bring(services, caller, a_memory(1), a_memory(1), a_memory(1, namespace="notes")) == [
        "imported",
        "skipped",
        Conflict,
    ]


async def test_a_bad_one_does_not_stop_the_rest(services: Services, caller: Caller) -> None:
    memories = [
        a_memory(1, " "),
        a_memory(2, "x" * 10_241),
        a_memory(3, metadata={"a": 2**70}),
        a_memory(4, user_id="a/b"),
        a_memory(5, namespace="a/b"),
        a_memory(6),
    ]
    outcomes = await services.imports.write(caller, [Arrival(memory=memory) for memory in memories])
    assert kinds(outcomes) == [*[Invalid] * 5, "imported"]
    fields = [one.details["field"] for one in outcomes if isinstance(one, Invalid)]
    assert fields == ["content", "content", "metadata", "user_id", "name"]


async def test_missing_namespaces_are_made_where_the_key_may(services: Services, caller: Caller) -> None:
    assert await bring(services, caller, a_memory(1, namespace="new"), a_memory(2, namespace="new")) == ["imported"] * 2
    assert (await services.namespaces.resolve(caller, "new")).name == "new"
    restricted = a_caller(namespaces=frozenset(["mine"]))
    assert await bring(services, restricted, a_memory(3, namespace="new"), a_memory(4, namespace="mine")) == [
        NotFound,
        "imported",
    ]
    assert [memory.namespace for memory in await found(services, 3, 4)] == ["mine"]


async def test_a_restricted_key_learns_nothing_of_a_memory_elsewhere(services: Services, caller: Caller) -> None:
    await bring(services, caller, a_memory(1, "the secret", namespace="closed"))
    restricted = a_caller(namespaces=frozenset(["mine"]))
    [outcome] = await services.imports.write(restricted, [Arrival(memory=a_memory(1, "the secret", namespace="mine"))])
    assert isinstance(outcome, Conflict)
    assert "secret" not in outcome.message
    assert "closed" not in str(outcome.details)


async def test_a_namespace_s_rules_hold(services: Services, caller: Caller) -> None:
    config = NamespaceConfig(allowed_types=["episodic"], max_memories=2)
    await services.namespaces.create(caller, NamespaceDraft(name="small", config=config))
    given = [a_memory(id, type="episodic", namespace="small") for id in (1, 2, 3)]
    outcomes = await bring(services, caller, a_memory(4, namespace="small"), *given, a_memory(5))
    assert outcomes == [Invalid, "imported", "imported", QuotaExceeded, "imported"]


async def test_the_tenant_s_quotas_hold(either_engine: Engine, embedder: BundledEmbedder, caller: Caller) -> None:
    services = services_over(either_engine, embedder, quotas=Allowance(Limit(memories=2)))
    outcomes = await services.imports.write(caller, [Arrival(memory=a_memory(id)) for id in (1, 2, 3)])
    assert kinds(outcomes) == ["imported", "imported", QuotaExceeded]
    assert isinstance(outcomes[2], QuotaExceeded)
    assert outcomes[2].details["quota"] == "max_memories"
    # What is there already needs no room.
    assert await bring(services, caller, a_memory(1), a_memory(2)) == ["skipped", "skipped"]


async def test_it_needs_the_scope_to_write(services: Services) -> None:
    with pytest.raises(Forbidden):
        await services.imports.write(a_caller(scopes=frozenset(["read"])), [])


async def test_an_embedding_is_made_unless_it_is_given(services: Services, caller: Caller) -> None:
    [tea, chess] = await services.embedder.embed(["likes tea", "plays chess"])
    arrivals = [Arrival(memory=a_memory(1)), Arrival(memory=a_memory(2), vector=chess), Arrival(memory=a_memory(3))]
    await services.imports.write(caller, arrivals)
    assert np.array_equal(
        np.array(await services.engine.memories.vectors("default", [1, 2, 3])), np.array([tea, chess, tea])
    )


async def test_later_turns_follow_the_imported_ones_of_their_session(services: Services, caller: Caller) -> None:
    turns = [a_memory(id, run_id="monday", seq=id, type="episodic") for id in (1, 2, 5)]
    await bring(services, caller, *turns)
    await bring(services, caller, *turns)
    later = await services.remember.one(caller, MemoryDraft(content="later", run_id="monday"), "default")
    assert later.memory.seq == 6


async def test_turns_without_a_place_take_the_next_ones_in_their_order(services: Services, caller: Caller) -> None:
    await services.remember.one(caller, MemoryDraft(content="earlier", run_id="monday"), "default")
    turns = [a_memory(id, f"turn {id}", run_id="monday") for id in (3, 1, 2)]
    await bring(services, caller, *turns[:2], next_in_session=True)
    await bring(services, caller, *turns, next_in_session=True)
    await bring(services, caller, a_memory(9, "a fact", run_id="monday"))
    assert [(one.id, one.seq) for one in await found(services, 3, 1, 2, 9)] == [(3, 2), (1, 3), (2, 4), (9, None)]


async def test_the_feed_is_told_of_what_was_new(services: Services, caller: Caller) -> None:
    await bring(services, caller, a_memory(1))
    await bring(services, caller, a_memory(1), a_memory(2))
    entries = await services.engine.log.read("default", STREAM)
    assert [b"memory.created" in entry.entry for entry in entries] == [True, True]


async def test_what_would_need_one_namespace_too_many_is_refused_and_the_rest_comes_in(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    await services.namespaces.resolve(caller, "default")
    monkeypatch.setattr(directory, "MAX_NAMESPACES", 1)
    assert await bring(services, caller, a_memory(1, namespace="new"), a_memory(2)) == [QuotaExceeded, "imported"]

import asyncio
from typing import Any

import numpy as np
import pytest

from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Record
from memory.errors import Forbidden, Invalid, NotFound, QuotaExceeded, RemoraError
from memory.ids import IdSource
from memory.model import Memory, NamespaceConfig, content_hash
from memory.service.directory import NamespacePatch
from memory.service.drafts import MemoryDraft
from memory.service.namespaces import NamespaceDraft
from tests.support.services import START, Services, SetClock, a_caller


def turns(*contents: str, **given: Any) -> list[MemoryDraft]:
    return [MemoryDraft(content=content, **given) for content in contents]


def nested(depth: int) -> list[Any]:
    return [] if depth == 1 else [nested(depth - 1)]


def memories(outcomes: list[Memory | RemoraError]) -> list[Memory]:
    assert all(isinstance(outcome, Memory) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Memory)]


async def test_what_is_written_can_be_read_with_all_it_said(services: Services, caller: Caller) -> None:
    draft = MemoryDraft(
        content="Write to ada@example.org today",
        type="episodic",
        metadata={"a": 1},
        tags=["mail"],
        categories=["work"],
        confidence=0.5,
        importance=0.9,
        source="extracted",
        user_id="ada",
        agent_id="bot",
        app="mailer",
        org_id="acme",
        role="user",
        slot="mail",
        source_ids=[1, 2],
        event_at=START - 5,
        derived_at=START - 3,
    )

    record = await services.remember.one(caller, draft, "default")

    memory = await services.read.get(caller, record.memory.id, touch=False)
    assert memory == record.memory
    for name in ("content", "type", "metadata", "tags", "categories", "confidence", "importance", "source", "user_id"):
        assert getattr(memory, name) == getattr(draft, name)
    for name in ("agent_id", "app", "org_id", "role", "slot", "source_ids", "event_at", "derived_at"):
        assert getattr(memory, name) == getattr(draft, name)
    assert memory.content_hash == content_hash(draft.content)
    assert memory.token_count == 4
    assert memory.fields == {"emails": ["ada@example.org"]}
    assert (memory.created_at, memory.updated_at, memory.accessed_at) == (START, START, START)
    assert memory.version == 1


async def test_the_embedding_is_stored_beside_it(services: Services, caller: Caller, embedder: BundledEmbedder) -> None:
    record = await services.remember.one(caller, MemoryDraft(content="peanuts"), "default")

    [stored] = await services.engine.memories.vectors("default", [record.memory.id])

    [expected] = await embedder.embed(["peanuts"])
    assert stored is not None
    np.testing.assert_allclose(stored, expected, atol=1e-6)
    np.testing.assert_allclose(record.vector, expected, atol=1e-6)


async def test_a_given_creation_time_stands_for_all_three(services: Services, caller: Caller) -> None:
    [memory] = memories(await services.remember.add(caller, turns("old", created_at=1000), "default"))

    assert (memory.created_at, memory.updated_at, memory.accessed_at) == (1000, 1000, 1000)


async def test_a_batch_keeps_positions_and_its_ids_rise(services: Services, caller: Caller) -> None:
    outcomes = await services.remember.add(caller, turns("one", " ", "two", "x" * 10_241, "three"), "default")

    assert [type(outcome) for outcome in outcomes] == [Memory, Invalid, Memory, Invalid, Memory]
    stored = [outcome for outcome in outcomes if isinstance(outcome, Memory)]
    assert [memory.content for memory in stored] == ["one", "two", "three"]
    assert [memory.id for memory in stored] == sorted(memory.id for memory in stored)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": "\n \t"}, "content"),
        ({"content": "é" * 5121}, "content"),
        ({"content": 5}, "content"),
        ({"type": "nonsense"}, "type"),
        ({"confidence": 1.1}, "confidence"),
        ({"importance": -0.1}, "importance"),
        ({"source": "hearsay"}, "source"),
        ({"user_id": ""}, "user_id"),
        ({"run_id": "a/b"}, "run_id"),
        ({"agent_id": "a\0b"}, "agent_id"),
        ({"app": ".."}, "app"),
        ({"org_id": "x" * 129}, "org_id"),
        ({"tags": ["ok", ""]}, "tags[1]"),
        ({"tags": ["t"] * 101}, "tags"),
        ({"metadata": {"big": "x" * 70_000}}, "metadata"),
        ({"metadata": {"huge": 2**64}}, "metadata"),
        ({"metadata": {"deep": nested(32)}}, "metadata"),
        ({"created_at": "yesterday"}, "created_at"),
    ],
)
async def test_a_broken_rule_names_its_field(
    services: Services, caller: Caller, given: dict[str, Any], field: str
) -> None:
    [outcome] = await services.remember.add(caller, [MemoryDraft(**{"content": "fine"} | given)], "default")

    assert isinstance(outcome, Invalid)
    assert outcome.details["field"] == field
    assert outcome.message.startswith(field)


async def test_lone_surrogates_are_refused_wherever_they_are(services: Services, caller: Caller) -> None:
    drafts = [*turns("\ud800"), *turns("fine", metadata={"a": "\udfff"}), *turns("fine", tags=["\ud800"])]

    assert [type(outcome) for outcome in await services.remember.add(caller, drafts, "default")] == [Invalid] * 3


async def test_content_and_metadata_of_exactly_the_limit_are_taken(services: Services, caller: Caller) -> None:
    metadata = {"deep": nested(31), "low": -(2**63), "high": 2**64 - 1}
    [memory] = memories(await services.remember.add(caller, turns("é" * 5120, metadata=metadata), "default"))

    read = await services.read.get(caller, memory.id)
    assert len(read.content.encode()) == 10_240
    assert read.metadata == metadata


async def test_turns_of_a_session_are_numbered_on(services: Services, caller: Caller) -> None:
    first = memories(await services.remember.add(caller, turns("a", "b", run_id="s", user_id="u"), "default"))
    mixed = [
        *turns("c", run_id="s", user_id="u"),
        *turns("d", run_id="other", user_id="u"),
        *turns("e", run_id="s", user_id="someone else"),
        *turns("f"),
        *turns("g", run_id="s", user_id="u", in_session=False),
        *turns("h", run_id="s", user_id="u"),
    ]
    then = memories(await services.remember.add(caller, mixed, "default"))

    assert [memory.seq for memory in first] == [1, 2]
    assert [memory.seq for memory in then] == [3, 1, 1, None, None, 4]


async def test_a_refused_turn_takes_no_place_in_its_session(services: Services, caller: Caller) -> None:
    await services.remember.add(caller, turns("a", "", run_id="s"), "default")
    [memory] = memories(await services.remember.add(caller, turns("b", run_id="s"), "default"))

    assert memory.seq == 2


async def test_the_same_session_of_two_namespaces_is_two_sessions(services: Services, caller: Caller) -> None:
    await services.namespaces.create(caller, NamespaceDraft(name="other"))
    await services.remember.add(caller, turns("a", run_id="s"), "default")
    [memory] = memories(await services.remember.add(caller, turns("b", run_id="s"), "other"))

    assert memory.seq == 1


async def test_an_id_that_is_taken_is_replaced(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    [taken] = memories(await services.remember.add(caller, turns("first"), "default"))
    free = IdSource().take
    answers = iter([[taken.id, taken.id + 1]])
    monkeypatch.setattr(services.remember._ids, "take", lambda count=1: next(answers, None) or free(count))

    second, third = memories(await services.remember.add(caller, turns("second", "third"), "default"))

    assert second.id != taken.id
    assert third.id == taken.id + 1
    stored = await services.engine.memories.get("default", [taken.id, second.id, third.id])
    assert [memory and memory.content for memory in stored] == ["first", "second", "third"]
    history = await services.history.of(caller, taken.id)
    assert [change.content for change in history] == ["first"]


async def test_an_unknown_namespace_is_not_found_and_nothing_is_stored(services: Services, caller: Caller) -> None:
    with pytest.raises(NotFound):
        await services.remember.add(caller, turns("a"), "nowhere")

    assert (await services.engine.memories.usage("default")).memories == 0


async def test_a_namespace_takes_only_its_allowed_types(services: Services, caller: Caller) -> None:
    config = NamespaceConfig(allowed_types=["episodic"])
    await services.namespaces.create(caller, NamespaceDraft(name="diary", config=config))

    fact, episode = await services.remember.add(caller, [*turns("a"), *turns("b", type="episodic")], "diary")

    assert isinstance(fact, Invalid)
    assert fact.details["field"] == "type"
    assert isinstance(episode, Memory)


async def test_rules_are_inherited_and_can_be_lifted_below(services: Services, caller: Caller) -> None:
    rules = NamespaceConfig(allowed_types=["episodic"], max_memories=1)
    inheriting = NamespaceConfig(inherit_from_parent=True)
    free = NamespaceConfig(inherit_from_parent=True, allowed_types=["semantic"], max_memories=0)
    for name, parent, config in (("top", None, rules), ("heir", "top", inheriting), ("free", "top", free)):
        await services.namespaces.create(caller, NamespaceDraft(name=name, parent=parent, config=config))
    drafts = [MemoryDraft(content=content, type="episodic") for content in ("a", "b")]
    drafts += [MemoryDraft(content=content) for content in ("c", "d")]

    heir = await services.remember.add(caller, drafts, "heir")
    free_one = await services.remember.add(caller, drafts, "free")

    assert [type(outcome) for outcome in heir] == [Memory, QuotaExceeded, Invalid, Invalid]
    assert [type(outcome) for outcome in free_one] == [Invalid, Invalid, Memory, Memory]


async def test_a_full_namespace_refuses_what_does_not_fit(services: Services, caller: Caller) -> None:
    config = NamespaceConfig(max_memories=3)
    await services.namespaces.create(caller, NamespaceDraft(name="small", config=config))
    await services.remember.add(caller, turns("one"), "small")

    outcomes = await services.remember.add(caller, turns("two", "", "three", "four"), "small")

    assert [type(outcome) for outcome in outcomes] == [Memory, Invalid, Memory, QuotaExceeded]
    assert (await services.engine.memories.usage("default", "small")).memories == 3


async def test_a_limit_of_zero_is_none(services: Services, caller: Caller) -> None:
    await services.namespaces.update(caller, "default", NamespacePatch(config={"max_memories": 0}))

    memories(await services.remember.add(caller, turns("one"), "default"))


async def test_writing_needs_the_scope_write(services: Services) -> None:
    with pytest.raises(Forbidden):
        await services.remember.add(a_caller(scopes=frozenset({"read", "delete"})), turns("a"), "default")


async def test_a_restricted_key_does_not_write_elsewhere(services: Services, caller: Caller) -> None:
    await services.namespaces.create(caller, NamespaceDraft(name="closed"))
    restricted = a_caller(namespaces=frozenset({"default"}))

    with pytest.raises(NotFound):
        await services.remember.add(restricted, turns("a"), "closed")


async def test_ids_of_writers_at_once_differ(services: Services, caller: Caller, clock: SetClock) -> None:
    batches = await asyncio.gather(
        *(services.remember.write(caller, turns("a", "b", run_id="s"), "default") for _ in range(10))
    )

    records = [record for batch in batches for record in batch if isinstance(record, Record)]
    assert len({record.memory.id for record in records}) == 20
    assert sorted(record.memory.seq or 0 for record in records) == list(range(1, 21))

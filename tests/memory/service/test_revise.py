import asyncio
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Filter
from memory.errors import Conflict, Forbidden, Invalid, NotFound
from memory.service.drafts import MemoryDraft, MemoryPatch
from memory.service.namespaces import NamespaceDraft
from tests.support.services import Services, SetClock, a_caller


async def remembered(services: Services, caller: Caller, content: str, **given: Any) -> int:
    record = await services.remember.one(caller, MemoryDraft(content=content, **given), "default")
    return record.memory.id


def where(caller: Caller) -> Filter:
    return Filter(tenant=caller.tenant)


async def test_only_what_is_given_changes(services: Services, caller: Caller, clock: SetClock) -> None:
    id = await remembered(services, caller, "likes tea", tags=["drinks"], metadata={"a": 1})
    before = await services.read.get(caller, id, touch=False)
    clock.pass_(seconds=5)

    after = await services.revise.update(caller, id, MemoryPatch(confidence=0.25))

    assert after == structs.replace(before, confidence=0.25, version=2, updated_at=clock.now)
    assert await services.read.get(caller, id, touch=False) == after


async def test_new_content_is_read_and_embedded_anew(
    services: Services, caller: Caller, embedder: BundledEmbedder
) -> None:
    id = await remembered(services, caller, "mail me")

    after, vector = (
        await services.revise.update(caller, id, MemoryPatch(content="mail bob@example.org")),
        await services.engine.memories.vectors("default", [id]),
    )

    [expected] = await embedder.embed(["mail bob@example.org"])
    assert vector[0] is not None
    np.testing.assert_allclose(vector[0], expected, atol=1e-6)
    assert after.fields == {"emails": ["bob@example.org"]}
    assert after.token_count == 2
    found = await services.search.find(caller, where(caller), "bob@example.org")
    assert [memory.id for memory, _ in found.results] == [id]


async def test_metadata_is_merged_and_null_removes(services: Services, caller: Caller) -> None:
    id = await remembered(services, caller, "a", metadata={"keep": 1, "drop": 2, "deep": {"x": 1}})

    after = await services.revise.update(
        caller, id, MemoryPatch(metadata={"drop": None, "deep": {"y": 2}, "new": True, "none": None})
    )

    assert after.metadata == {"keep": 1, "deep": {"y": 2}, "new": True}


async def test_tags_are_replaced_and_sources_added(services: Services, caller: Caller) -> None:
    id = await remembered(services, caller, "a", tags=["x", "y"], source_ids=[1])

    after = await services.revise.update(caller, id, MemoryPatch(tags=[], add_source_ids=[2, 1]))

    assert after.tags == []
    assert after.source_ids == [1, 2]


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        (MemoryPatch(content=" "), "content"),
        (MemoryPatch(content="x" * 10_241), "content"),
        (MemoryPatch(confidence=2), "confidence"),
        (MemoryPatch(tags=[""]), "tags[0]"),
    ],
)
async def test_a_broken_rule_changes_nothing(
    services: Services, caller: Caller, patch: MemoryPatch, field: str
) -> None:
    id = await remembered(services, caller, "a")

    with pytest.raises(Invalid) as raised:
        await services.revise.update(caller, id, patch)

    assert raised.value.details["field"] == field
    assert (await services.read.get(caller, id, touch=False)).version == 1


async def test_changes_at_once_all_take_place(services: Services, caller: Caller) -> None:
    id = await remembered(services, caller, "a")

    await asyncio.gather(
        *(services.revise.update(caller, id, MemoryPatch(metadata={str(n): n})) for n in range(5)),
    )

    memory = await services.read.get(caller, id, touch=False)
    assert memory.metadata == {str(n): n for n in range(5)}
    assert memory.version == 6


async def test_changing_needs_the_scope_write_and_the_namespace(services: Services, caller: Caller) -> None:
    id = await remembered(services, caller, "a")

    with pytest.raises(Forbidden):
        await services.revise.update(a_caller(scopes=frozenset({"read"})), id, MemoryPatch(tags=[]))
    for stranger in (a_caller(tenant="other"), a_caller(namespaces=frozenset({"else"}))):
        with pytest.raises(NotFound):
            await services.revise.update(stranger, id, MemoryPatch(tags=[]))
        with pytest.raises(NotFound):
            await services.revise.supersede(stranger, id, id)


async def test_a_superseded_memory_leaves_lists_and_searches(services: Services, caller: Caller) -> None:
    old = await remembered(services, caller, "lives in Lisbon", user_id="u")
    new = await remembered(services, caller, "lives in Porto", user_id="u")

    told = await services.revise.supersede(caller, old, new)

    assert told.superseded_by == new
    listed = await services.read.list(caller, where(caller))
    assert [memory.id for memory in listed.memories] == [new]
    found = await services.search.find(caller, where(caller), "lives in Lisbon")
    assert [memory.id for memory, _ in found.results] == [new]
    assert (await services.read.get(caller, old)).superseded_by == new


async def test_superseding_twice_by_the_same_changes_nothing(services: Services, caller: Caller) -> None:
    old, new = await remembered(services, caller, "a"), await remembered(services, caller, "b")

    first = await services.revise.supersede(caller, old, new)

    assert await services.revise.supersede(caller, old, new) == first
    assert len(await services.history.of(caller, old)) == 2


async def test_a_superseded_memory_is_not_superseded_by_another(services: Services, caller: Caller) -> None:
    old, new = await remembered(services, caller, "a"), await remembered(services, caller, "b")
    await services.revise.supersede(caller, old, new)

    with pytest.raises(Conflict):
        await services.revise.supersede(caller, old, await remembered(services, caller, "c"))


async def test_only_memories_of_one_owner_and_namespace_supersede_each_other(
    services: Services, caller: Caller
) -> None:
    await services.namespaces.create(caller, NamespaceDraft(name="other"))
    mine = await remembered(services, caller, "a", user_id="me")
    yours = await remembered(services, caller, "b", user_id="you")
    elsewhere = (await services.remember.one(caller, MemoryDraft(content="c", user_id="me"), "other")).memory.id

    for by in (yours, elsewhere, mine):
        with pytest.raises(Invalid):
            await services.revise.supersede(caller, mine, by)

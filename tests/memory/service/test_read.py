from typing import Any

import numpy as np
import pytest

from memory.caller import Caller
from memory.engines.base import Filter
from memory.errors import Forbidden, NotFound
from memory.service.drafts import MemoryDraft, MemoryPatch
from tests.support.services import Services, SetClock, a_caller


async def remembered(services: Services, caller: Caller, content: str, namespace: str = "default", **given: Any) -> int:
    await services.namespaces.ensure(caller, namespace)
    return (await services.remember.one(caller, MemoryDraft(content=content, **given), namespace)).memory.id


async def test_reading_counts_as_an_access_unless_told_not_to(
    services: Services, caller: Caller, clock: SetClock
) -> None:
    id = await remembered(services, caller, "a")
    clock.pass_(seconds=1)

    answered = await services.read.get(caller, id)

    assert (answered.access_count, answered.accessed_at) == (1, clock.now)
    assert await services.read.get(caller, id, touch=False) == answered


async def test_a_memory_comes_with_its_vector(services: Services, caller: Caller) -> None:
    record = await services.remember.one(caller, MemoryDraft(content="peanuts"), "default")

    memory, vector = await services.read.with_vector(caller, record.memory.id)

    assert memory.access_count == 1
    np.testing.assert_allclose(vector, record.vector, atol=1e-6)
    np.testing.assert_allclose(await services.read.vector(memory), record.vector, atol=1e-6)


async def test_what_may_not_be_seen_reads_like_what_is_not_there(services: Services, caller: Caller) -> None:
    id = await remembered(services, caller, "a")
    deleted = await remembered(services, caller, "b")
    await services.revise.update(caller, deleted, MemoryPatch(state="deleted"))
    strangers = [
        (a_caller(tenant="other"), id),
        (a_caller(namespaces=frozenset({"else"})), id),
        (caller, deleted),
        (caller, 1),
    ]

    for stranger, wanted in strangers:
        for read in (services.read.get, services.read.with_vector):
            with pytest.raises(NotFound, match="Memory not found"):
                await read(stranger, wanted)
    assert (await services.read.get(caller, id, touch=False)).access_count == 0


async def test_reading_needs_the_scope_read(services: Services, caller: Caller) -> None:
    id = await remembered(services, caller, "a")
    blind = a_caller(scopes=frozenset({"write", "delete"}))

    with pytest.raises(Forbidden):
        await services.read.get(blind, id)
    with pytest.raises(Forbidden):
        await services.read.with_vector(blind, id)
    with pytest.raises(Forbidden):
        await services.read.list(blind, Filter(tenant="default"))
    with pytest.raises(Forbidden):
        await services.search.find(blind, Filter(tenant="default"), "a")
    with pytest.raises(Forbidden):
        await services.search.find(blind, Filter(tenant="default"), None)


@pytest.mark.parametrize("query", ["secret", None])
async def test_lists_and_searches_stay_inside_the_callers_tenant_and_namespaces(
    services: Services, caller: Caller, query: str | None
) -> None:
    mine = await remembered(services, caller, "a secret of mine", "mine")
    await remembered(services, caller, "a secret elsewhere", "closed")
    await remembered(services, a_caller(tenant="other"), "a secret of others", "mine")
    restricted = a_caller(namespaces=frozenset({"mine"}))

    for where in (Filter(tenant="default"), Filter(tenant="other"), Filter(tenant="x", namespaces=("mine", "closed"))):
        found = await services.search.find(restricted, where, query)
        assert [memory.id for memory, _ in found.results] == [mine]
        assert found.total == 1
        page = await services.read.list(restricted, where)
        assert [memory.id for memory in page.memories] == [mine]
    nothing = await services.search.find(restricted, Filter(tenant="default", namespaces=("closed",)), query)
    assert nothing.results == []

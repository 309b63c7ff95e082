import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine, Filter, Limit
from memory.errors import Forbidden, QuotaExceeded
from memory.model import NamespaceConfig
from memory.service.drafts import MemoryDraft, MemoryPatch
from memory.service.namespaces import NamespaceDraft
from tests.support.services import Services, a_caller, services_over


class Plan:
    """What every tenant may store; a test changes it as an operator would."""

    def __init__(self, memories: int, storage: int | None = None) -> None:
        self._limit = Limit(memories=memories, bytes=storage)
        self.gone = False

    async def limits(self, tenant: str) -> Sequence[Limit]:
        if self.gone:
            raise Forbidden("this tenant does not exist any more", tenant=tenant)
        return [self._limit]


@pytest.fixture
def plan() -> Plan:
    return Plan(memories=3, storage=100)


@pytest.fixture
def services(either_engine: Engine, embedder: BundledEmbedder, plan: Plan) -> Services:
    return services_over(either_engine, embedder, quotas=plan)


def drafts(*contents: str, **given: Any) -> list[MemoryDraft]:
    return [MemoryDraft(content=content, **given) for content in contents]


async def small(services: Services, most: int) -> None:
    config = NamespaceConfig(max_memories=most)
    await services.namespaces.create(a_caller(), NamespaceDraft(name="small", config=config))


async def stored(services: Services, namespace: str | None = None) -> int:
    return (await services.engine.memories.usage("default", namespace)).memories


async def test_a_full_tenant_stores_nothing_more_in_any_namespace(services: Services, caller: Caller) -> None:
    await services.namespaces.create(caller, NamespaceDraft(name="other"))
    await services.remember.write(caller, drafts("a", "b"), "default")
    await services.remember.write(caller, drafts("c"), "other")

    for namespace in ("default", "other"):
        with pytest.raises(QuotaExceeded, match="tenant holds its maximum of 3 memories") as raised:
            await services.remember.one(caller, MemoryDraft(content="d"), namespace)
        assert raised.value.details == {"quota": "max_memories", "limit": 3}

    assert await stored(services) == 3
    assert (await services.search.find(caller, Filter(tenant="default"), "a")).total == 3
    await services.remember.one(a_caller(tenant="another"), MemoryDraft(content="d"), "default")


async def test_room_that_was_made_can_be_used(services: Services, caller: Caller) -> None:
    first, *_ = await services.remember.add(caller, drafts("a", "b", "c"), "default")
    assert not isinstance(first, Exception)

    await services.forget.one(caller, first.id)

    assert (await services.remember.one(caller, MemoryDraft(content="d"), "default")).memory.content == "d"


async def test_a_full_namespace_is_named_before_its_tenant(services: Services, caller: Caller) -> None:
    await small(services, 2)

    outcome = await services.remember.write(caller, drafts("a", "b", "c"), "small")

    assert [isinstance(one, QuotaExceeded) for one in outcome] == [False, False, True]
    assert isinstance(outcome[2], QuotaExceeded)
    assert outcome[2].message == "the namespace holds its maximum of 2 memories"
    assert outcome[2].details == {"quota": "max_memories", "limit": 2, "namespace": "small"}
    assert (await services.remember.one(caller, MemoryDraft(content="d"), "default")).memory.content == "d"


async def test_a_batch_stores_what_its_storage_has_room_for(services: Services, caller: Caller) -> None:
    outcome = await services.remember.write(caller, drafts("x" * 90, "é" * 6, "y" * 10), "default")

    assert [isinstance(one, QuotaExceeded) for one in outcome] == [False, True, False]
    assert isinstance(outcome[1], QuotaExceeded)
    assert outcome[1].details == {"quota": "max_storage_bytes", "limit": 100}
    assert (await services.engine.memories.usage("default")).bytes == 100


async def test_a_memory_may_shrink_but_not_grow_in_a_full_storage(services: Services, caller: Caller) -> None:
    id = (await services.remember.one(caller, MemoryDraft(content="x" * 100), "default")).memory.id

    with pytest.raises(QuotaExceeded, match="no room for 1 more") as raised:
        await services.revise.update(caller, id, MemoryPatch(content="x" * 101))
    assert raised.value.details == {"quota": "max_storage_bytes", "limit": 100}
    assert (await services.read.get(caller, id)).content == "x" * 100
    await services.revise.update(caller, id, MemoryPatch(tags=["kept"]))
    assert (await services.revise.update(caller, id, MemoryPatch(content="x" * 99))).tags == ["kept"]


@pytest.mark.parametrize("namespace", ["default", "small"])
async def test_limits_hold_exactly_whoever_writes_at_once(
    either_engine: Engine, embedder: BundledEmbedder, namespace: str
) -> None:
    processes = [services_over(either_engine, embedder, quotas=Plan(memories=30)) for _ in range(3)]
    await small(processes[0], 20)

    outcomes = await asyncio.gather(
        *(
            processes[n % 3].remember.add(a_caller(), drafts(f"{n} a", f"{n} b", run_id=f"{n}"), namespace)
            for n in range(40)
        )
    )

    written = [one for outcome in outcomes for one in outcome]
    room = 20 if namespace == "small" else 30
    assert await stored(processes[0], namespace) == room
    assert sum(not isinstance(one, Exception) for one in written) == room
    assert all(isinstance(one, QuotaExceeded) for one in written if isinstance(one, Exception))


async def test_what_a_refused_turn_counted_goes_with_its_namespace(services: Services, caller: Caller) -> None:
    turns = drafts("a", "b", "c", "d", "e", run_id="session")
    first, *_, refused = await services.remember.add(caller, turns, "default")
    assert isinstance(refused, QuotaExceeded)
    assert not isinstance(first, Exception)
    await services.forget.one(caller, first.id)

    next_turn = (await services.remember.one(caller, MemoryDraft(content="f", run_id="session"), "default")).memory

    assert next_turn.seq == 6
    with pytest.raises(QuotaExceeded):
        await services.remember.one(caller, MemoryDraft(content="f", run_id="new", user_id="ada"), "default")
    await services.namespaces.delete(caller, "default", force=True)
    again = await services.remember.one(caller, MemoryDraft(content="f", run_id="new", user_id="ada"), "default")
    assert again.memory.seq == 1


async def test_no_place_in_a_session_is_taken_twice_where_some_turns_are_refused(
    services: Services, caller: Caller
) -> None:
    turns = drafts("a", "b" * 200, "c", run_id="s")
    first, refused, third = await services.remember.add(caller, turns, "default")
    assert not isinstance(first, Exception)
    assert isinstance(refused, QuotaExceeded)
    assert not isinstance(third, Exception)

    then = (await services.remember.one(caller, MemoryDraft(content="d", run_id="s"), "default")).memory

    assert [first.seq, third.seq] == [1, 3]
    assert then.seq is not None
    assert then.seq > 3


async def test_a_tenant_that_is_gone_is_written_nothing_for(services: Services, caller: Caller, plan: Plan) -> None:
    id = (await services.remember.one(caller, MemoryDraft(content="a"), "default")).memory.id
    plan.gone = True

    with pytest.raises(Forbidden):
        await services.remember.one(caller, MemoryDraft(content="b"), "default")
    with pytest.raises(Forbidden):
        await services.revise.update(caller, id, MemoryPatch(content="b"))

    assert await stored(services) == 1

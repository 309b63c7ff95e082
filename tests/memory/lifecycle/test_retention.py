import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from memory import ids
from memory.caller import SYSTEM, Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine, Enqueue, Filter
from memory.errors import NotFound, StoreUnavailable
from memory.extraction.worker import Worker
from memory.lifecycle.retention import JOB_KIND, SWEEP_SECONDS, Retention, sweep_regularly
from memory.model import NamespaceConfig
from memory.service import audit
from memory.service.audit import Audited
from memory.service.directory import NamespacePatch
from memory.service.drafts import MemoryDraft, MemoryPatch
from memory.service.namespaces import NamespaceDraft
from tests.support.services import START, Services, a_caller, services_over

DAY_MS = 24 * 3600 * 1000
SWEEP = Enqueue(kind=JOB_KIND, tenant=SYSTEM, payload=b"", dedupe=JOB_KIND)


@pytest.fixture
def services(either_engine: Engine, embedder: BundledEmbedder) -> Services:
    return services_over(either_engine, embedder)


@pytest.fixture
def caller() -> Caller:
    return a_caller()


async def named(services: Services, name: str, parent: str | None = None, *, tenant: str = "t", **config: Any) -> None:
    draft = NamespaceDraft(name=name, parent=parent, config=NamespaceConfig(**config))
    await services.namespaces.create(a_caller(tenant=tenant), draft)


async def remembered(services: Services, namespace: str, *days: float, tenant: str = "t", **given: Any) -> list[int]:
    """Memories that were created so many days ago."""
    drafts = [MemoryDraft(content=f"of {age}", created_at=START - round(age * DAY_MS), **given) for age in days]
    written = await services.remember.add(a_caller(tenant=tenant), drafts, namespace)
    return [memory.id for memory in written if not isinstance(memory, Exception)]


async def left(services: Services, namespace: str, *, tenant: str = "t") -> set[str]:
    where = Filter(tenant=tenant, namespaces=(namespace,), current=False)
    return {memory.content for memory in (await services.engine.memories.list(where)).memories}


async def sweep(services: Services, *tenants: str) -> int:
    async def every() -> AsyncIterator[str]:
        for tenant in tenants or ("t",):
            yield tenant

    retention = Retention(services.engine, services.namespaces.directory, every, clock=services.clock)
    assert await services.engine.jobs.enqueue(SWEEP)
    [job] = await services.engine.jobs.lease("w")
    result = await retention.handle(job)
    await services.engine.jobs.bury("w", job, error="to free its dedupe key")
    return int(msgspec.json.decode(result)["memories"])


async def audited(services: Services, tenant: str) -> list[Audited]:
    entries = await services.engine.log.read(tenant, audit.STREAM)
    return [msgspec.json.decode(entry.entry, type=Audited) for entry in entries]


async def places(services: Services, namespace: str) -> list[int | None]:
    where = Filter(tenant="t", namespaces=(namespace,), current=False)
    page = await services.engine.memories.list(where, descending=False)
    return [memory.seq for memory in page.memories]


async def test_a_session_that_goes_on_goes_on_counting_its_turns(services: Services) -> None:
    await named(services, "month", retention_days=30)
    await remembered(services, "month", 40, 10, run_id="s")
    await remembered(services, "month", 40, run_id="over")

    assert await sweep(services) == 2
    await remembered(services, "month", 1, run_id="s")

    assert await places(services, "month") == [2, 3]
    await remembered(services, "month", 0, run_id="over")
    assert await places(services, "month") == [2, 3, 1]


async def test_what_is_older_than_its_namespace_keeps_it_goes(services: Services) -> None:
    await named(services, "month", retention_days=30)
    await remembered(services, "month", 29.9, 30, 31, 400)

    assert await sweep(services) == 3

    assert await left(services, "month") == {"of 29.9"}
    services.clock.pass_(seconds=0.1 * 24 * 3600)
    assert await sweep(services) == 1


@pytest.mark.parametrize("config", [{}, {"retention_days": 0}, {"retention_days": 10**15}])
async def test_without_a_retention_nothing_goes(services: Services, config: dict[str, Any]) -> None:
    await named(services, "ever", **config)
    await remembered(services, "ever", 0, 5000)

    assert await sweep(services) == 0

    assert len(await left(services, "ever")) == 2


async def test_a_retention_is_inherited_and_can_be_lifted_below(services: Services) -> None:
    await named(services, "team", retention_days=7)
    await named(services, "heir", "team", inherit_from_parent=True)
    await named(services, "exempt", "team", inherit_from_parent=True, retention_days=0)
    await named(services, "apart", "team")
    for name in ("heir", "exempt", "apart"):
        await remembered(services, name, 8)

    await sweep(services)

    assert [len(await left(services, name)) for name in ("heir", "exempt", "apart")] == [0, 1, 1]


async def test_a_retention_set_later_holds_for_what_is_there(services: Services, caller: Caller) -> None:
    await remembered(services, "default", 8, tenant="default")
    await services.namespaces.update(caller, "default", NamespacePatch(config={"retention_days": 7}))

    assert await sweep(services, "default") == 1


async def test_superseded_and_archived_memories_go_too(services: Services) -> None:
    await named(services, "week", retention_days=7)
    owner = a_caller(tenant="t")
    old, newer, archived = await remembered(services, "week", 9, 8, 10)
    await services.revise.supersede(owner, old, newer)
    await services.revise.update(owner, archived, MemoryPatch(state="archived"))

    assert await sweep(services) == 3


async def test_what_goes_leaves_no_history_and_no_place_in_its_session(services: Services) -> None:
    await named(services, "week", retention_days=7)
    owner = a_caller(tenant="t")
    [id] = await remembered(services, "week", 8, run_id="session")
    await services.revise.update(owner, id, MemoryPatch(content="changed"))

    await sweep(services)

    with pytest.raises(NotFound):
        await services.history.of(owner, id)
    [again] = await services.remember.write(owner, [MemoryDraft(content="new", run_id="session")], "week")
    assert not isinstance(again, Exception)
    assert again.memory.seq == 1


async def test_many_go_in_batches_and_are_told_in_one_entry_of_the_audit_log(services: Services) -> None:
    await named(services, "week", retention_days=7)
    await named(services, "quiet", retention_days=7)
    await remembered(services, "week", *(8 + n / 1000 for n in range(120)))
    await remembered(services, "quiet", 1)
    made = await services.namespaces.resolve(a_caller(tenant="t"), "week")

    assert await sweep(services) == 120

    [entry] = await audited(services, "t")
    assert (entry.actor, entry.action, entry.target) == ("retention", "namespace.retention", ids.spell(made.id, "ns"))
    assert entry.details == {"namespace": "week", "retention_days": 7, "memories": 120}
    assert [one.target for one in await audited(services, SYSTEM)] == [entry.target]
    assert (await services.engine.memories.usage("t", "week")).memories == 0


async def test_it_goes_over_all_tenants_and_their_namespaces_apart(services: Services) -> None:
    await named(services, "user", retention_days=7)
    await named(services, "user:john")
    await named(services, "user", tenant="other")
    for name, tenant in (("user", "t"), ("user:john", "t"), ("user", "other")):
        await remembered(services, name, 8, tenant=tenant)

    assert await sweep(services, "t", "other", "empty") == 1

    assert [await left(services, name) for name in ("user", "user:john")] == [set(), {"of 8"}]
    assert await left(services, "user", tenant="other") == {"of 8"}
    assert (await services.engine.documents.list("namespace", "empty"))[1] == 0


async def test_a_lease_is_renewed_while_a_sweep_is_under_way(services: Services) -> None:
    renewed = asyncio.Event()

    class Jobs:
        def __getattr__(self, name: str) -> Any:
            return getattr(services.engine.jobs, name)

        async def renew(self, worker: str, job: Any) -> bool:
            renewed.set()
            return await services.engine.jobs.renew(worker, job)

    class Watched:
        jobs = Jobs()

    async def every() -> AsyncIterator[str]:
        await renewed.wait()
        yield "t"

    await named(services, "week", retention_days=7)
    await remembered(services, "week", 8)
    retention = Retention(services.engine, services.namespaces.directory, every, clock=services.clock)
    engine: Any = Watched()
    await services.engine.jobs.enqueue(SWEEP)

    await Worker(engine, {JOB_KIND: retention.handle}, renew_seconds=0.01).drain()

    assert await left(services, "week") == set()


class Ended(Exception):
    pass


class Hours:
    """Sleeps by moving a clock; wakes so often."""

    def __init__(self, services: Services, naps: int) -> None:
        self._services = services
        self._naps = naps
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > self._naps:
            raise Ended
        self._services.clock.pass_(seconds=seconds)
        await asyncio.sleep(0)


async def test_of_all_who_put_sweeps_among_the_jobs_one_succeeds(services: Services) -> None:
    results = await asyncio.gather(
        *(
            sweep_regularly(services.engine.jobs, clock=services.clock, sleep=Hours(services, 0).sleep)
            for _ in range(5)
        ),
        return_exceptions=True,
    )

    assert all(isinstance(result, Ended) for result in results)
    [job] = await services.engine.jobs.lease("w", limit=10)
    assert (job.kind, job.tenant) == (JOB_KIND, SYSTEM)


async def test_sweeps_come_at_once_and_then_as_each_hour_begins(services: Services) -> None:
    services.clock.pass_(seconds=600)
    hours = Hours(services, 3)

    with pytest.raises(Ended):
        await sweep_regularly(services.engine.jobs, clock=services.clock, sleep=hours.sleep)

    assert hours.slept == [SWEEP_SECONDS - 600, SWEEP_SECONDS, SWEEP_SECONDS, SWEEP_SECONDS]


@pytest.mark.parametrize("failure", [StoreUnavailable("gone fishing"), ValueError("a fault of ours")])
async def test_neither_an_outage_nor_a_fault_ends_the_sweeps(services: Services, failure: Exception) -> None:
    tried: list[str] = []

    class Away:
        async def enqueue(self, job: Enqueue) -> str | None:
            tried.append(job.kind)
            if len(tried) == 1:
                raise failure
            return await services.engine.jobs.enqueue(job)

    jobs: Any = Away()
    hours = Hours(services, 1)

    with pytest.raises(Ended):
        await sweep_regularly(jobs, clock=services.clock, sleep=hours.sleep)

    assert tried == [JOB_KIND] * 2
    assert hours.slept[0] == 60
    assert len(await services.engine.jobs.lease("w")) == 1

"""Erasing a tenant: nothing of it is left, and everything of the others."""

import asyncio

import pytest

from memory.engines.base import (
    AddCounter,
    Append,
    Backlog,
    Engine,
    Enqueue,
    Filter,
    PutDocument,
    Take,
)
from tests.contract.examples import TENANT, a_record
from tests.contract.examples import given as stored
from tests.contract.tenants import WORKER, Tenant


async def untold(share: float) -> None:
    """For an erasure whose progress nobody watches."""


async def test_nothing_of_an_erased_tenant_is_found(engine: Engine) -> None:
    tenant = Tenant(engine, TENANT)
    await tenant.fill()
    await tenant.await_worker()
    await engine.erase(TENANT, untold)
    assert await tenant.found() == await tenant.unfound()
    assert await engine.jobs.backlog() == Backlog(waiting=0, dead=0, oldest_ms=0)
    assert await engine.jobs.lease(WORKER, limit=10) == []


@pytest.mark.parametrize(
    "name", ["", "a", "*", "?", "a:b", "{a}", "}", "[a", "\\", "jobs", "nul\0byte", "é", "x" * 500]
)
async def test_erasing_a_tenant_leaves_those_of_similar_names(engine: Engine, name: str) -> None:
    similar = {name + "a", f"{{{name}}}", "a"} - {name}
    others = [Tenant(engine, other) for other in sorted(similar)]
    tenant = Tenant(engine, name)
    for each in (tenant, *others):
        await each.fill()
    for each in (tenant, *others):
        await each.await_worker()
    before = [await other.found() for other in others]
    await engine.erase(name, untold)
    assert [await other.found() for other in others] == before
    assert await tenant.found() == await tenant.unfound()
    leased = await engine.jobs.lease(WORKER, limit=100)
    assert sorted(job.tenant for job in leased) == sorted(similar)


async def test_a_name_in_anothers_keys_is_not_the_tenant(engine: Engine) -> None:
    names = ["a", "{a}", ":{a}", "x:{a}:y"]
    for n in names:
        assert await engine.documents.create(
            PutDocument(kind=n, tenant="b", key=n, value=b"v", indexes={n: n}), unique={n: n}
        )
        await engine.commit([AddCounter(tenant="b", name=n), Append(tenant="b", stream=n, entry=b"e")])
        await engine.counters.take([Take(tenant="b", name=n, limit=9, window_seconds=10**9)])
    await engine.erase("a", untold)
    for n in names:
        assert await engine.documents.find(n, "b", n, n) is not None
        assert (await engine.documents.list(n, "b", index=(n, n)))[1] == 1
        assert len(await engine.log.read("b", n)) == 1
        [look] = await engine.counters.take([Take(tenant="b", name=n, limit=9, window_seconds=10**9, amount=0)])
        assert look.remaining == 8
    assert await engine.counters.values("b", names) == dict.fromkeys(names, 1)


async def test_a_running_job_of_an_erased_tenant_is_no_longer_its_workers(engine: Engine) -> None:
    await engine.jobs.enqueue(Enqueue(kind="k", tenant=TENANT, payload=b"p", order="o", dedupe="d"))
    [job] = await engine.jobs.lease(WORKER)
    await engine.erase(TENANT, untold)
    for end in (
        engine.jobs.renew(WORKER, job),
        engine.jobs.progress(WORKER, job, 0.5),
        engine.jobs.done(WORKER, job, result=b"r"),
        engine.jobs.retry(WORKER, job, delay_seconds=0, error=""),
        engine.jobs.bury(WORKER, job, error=""),
    ):
        assert not await end
    assert await engine.jobs.status(TENANT, job.id) is None
    assert await engine.jobs.backlog() == Backlog(waiting=0, dead=0, oldest_ms=0)


async def test_jobs_of_others_are_leased_past_those_that_were_erased(engine: Engine) -> None:
    for n in range(30):
        await engine.jobs.enqueue(Enqueue(kind="k", tenant=TENANT, payload=b"%d" % n, order=f"o{n % 3}"))
    await engine.jobs.enqueue(Enqueue(kind="k", tenant="other", payload=b"other"))
    await engine.erase(TENANT, untold)
    assert [job.payload for job in await engine.jobs.lease(WORKER)] == [b"other"]


async def test_an_erased_tenant_can_begin_anew(engine: Engine) -> None:
    tenant = Tenant(engine, TENANT)
    await tenant.fill()
    before = await tenant.found()
    await engine.erase(TENANT, untold)
    await tenant.fill()
    after = await tenant.found()
    for part in ("by id", "vectors", "hits", "neighbours", "usage", "documents", "unique", "counters", "windows"):
        assert after[part] == before[part]


async def test_a_tenant_that_never_was_is_erased_at_once(engine: Engine) -> None:
    told: list[float] = []

    async def progress(share: float) -> None:
        told.append(share)

    await engine.erase("unknown", progress)
    assert told[-1] == 1.0


async def test_progress_rises_to_one(engine: Engine) -> None:
    await stored(engine, *(a_record(id) for id in range(200)))
    told: list[float] = []

    async def progress(share: float) -> None:
        told.append(share)

    await engine.erase(TENANT, progress)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert all(0 <= share <= 1 for share in told)
    assert len(set(told)) > 3


async def test_others_read_and_write_between_the_batches(engine: Engine, peer: Engine) -> None:
    await stored(engine, *(a_record(id) for id in range(1000)))
    written, erased = 0, False

    async def write_on() -> None:
        nonlocal written
        while not erased:
            await stored(peer, a_record(written, tenant="other"))
            written += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(write_on())
        await engine.erase(TENANT, untold)
        erased = True
    assert written > 10
    assert (await engine.memories.usage("other")).memories == written
    assert (await engine.memories.list(Filter(tenant=TENANT, current=False))).total == 0


async def test_an_interrupted_erasure_can_be_run_again(engine: Engine) -> None:
    tenant = Tenant(engine, TENANT)
    await tenant.fill()
    await stored(engine, *(a_record(id) for id in range(100, 400)))

    async def interrupt(share: float) -> None:
        if share > 0.2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await engine.erase(TENANT, interrupt)
    assert 0 < (await engine.memories.usage(TENANT)).memories < 305
    await engine.erase(TENANT, untold)
    assert await tenant.found() == await tenant.unfound()


async def test_what_is_written_during_an_erasure_stays_counted(engine: Engine, peer: Engine) -> None:
    await stored(engine, *(a_record(id) for id in range(300)))
    written, erased = 1000, False

    async def write_on() -> None:
        nonlocal written
        while not erased:
            await stored(peer, a_record(written))
            written += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(write_on())
        await engine.erase(TENANT, untold)
        erased = True
    left = (await engine.memories.list(Filter(tenant=TENANT, current=False), limit=1000)).memories
    usage = await engine.memories.usage(TENANT)
    assert usage.memories == len(left)
    assert usage.bytes == sum(len(memory.content) for memory in left)
    await engine.erase(TENANT, untold)
    assert (await engine.memories.usage(TENANT)).memories == 0

"""Jobs: leases, order keys, dedupe keys, retries, the dead, and what a crash leaves."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest

from memory.engines.base import Backlog, Engine, Enqueue, Job
from tests.contract.examples import HOSTILE, TENANT
from tests.contract.stores import Store

LONG = 20.0
"""Seconds to wait for what must come; the test ends as soon as it has."""


def a_job(payload: bytes = b"payload", **fields: object) -> Enqueue:
    defaults: dict[str, object] = {"kind": "learn", "tenant": TENANT}
    return Enqueue(payload=payload, **(defaults | fields))  # type: ignore[arg-type]


async def enqueued(engine: Engine, payload: bytes = b"payload", **fields: object) -> str:
    id = await engine.jobs.enqueue(a_job(payload, **fields))
    assert id is not None
    return id


async def one(engine: Engine, worker: str = "w", *, wait_seconds: float = LONG) -> Job:
    (job,) = await engine.jobs.lease(worker, wait_seconds=wait_seconds)
    return job


async def payloads(engine: Engine, worker: str = "w", *, limit: int = 10) -> list[bytes]:
    return [job.payload for job in await engine.jobs.lease(worker, limit=limit)]


@pytest.fixture
async def hasty(store: Store) -> AsyncIterator[Engine]:
    """An engine whose leases are short."""
    async with store.engine(lease_seconds=0.3) as engine:
        yield engine


# ------------------------------------------------------------------------------------------------------------ leases


async def test_an_enqueued_job_is_leased_as_it_was_given(engine: Engine) -> None:
    before = int(time.time() * 1000) - 50
    id = await enqueued(engine, b"\0\xffpayload")
    job = await one(engine)
    assert (job.id, job.kind, job.tenant, job.payload, job.attempt) == (id, "learn", TENANT, b"\0\xffpayload", 1)
    assert before <= job.due_at <= time.time() * 1000 + 50


async def test_there_is_nothing_to_lease_in_an_empty_queue(engine: Engine) -> None:
    assert await engine.jobs.lease("w") == []


async def test_a_leased_job_is_nobody_elses(engine: Engine, peer: Engine) -> None:
    await enqueued(engine)
    await one(engine)
    assert await peer.jobs.lease("other") == []
    assert await engine.jobs.lease("w") == []


async def test_jobs_are_leased_oldest_first_up_to_the_limit(engine: Engine) -> None:
    for n in range(5):
        await enqueued(engine, b"%d" % n)
    assert await payloads(engine, limit=3) == [b"0", b"1", b"2"]
    assert await payloads(engine, limit=3) == [b"3", b"4"]


async def test_concurrent_workers_never_lease_the_same_job(engine: Engine, peer: Engine) -> None:
    for n in range(50):
        await enqueued(engine, b"%d" % n)
    leases = await asyncio.gather(
        *((engine if n % 2 else peer).jobs.lease(f"worker {n}", limit=3, wait_seconds=0.1) for n in range(25))
    )
    leased = [job.payload for jobs in leases for job in jobs]
    assert sorted(leased, key=int) == [b"%d" % n for n in range(50)]


async def test_a_waiting_worker_gets_a_job_as_soon_as_it_is_enqueued(engine: Engine) -> None:
    started = time.monotonic()
    jobs, id = await asyncio.gather(engine.jobs.lease("w", wait_seconds=LONG), engine.jobs.enqueue(a_job()))
    assert [job.id for job in jobs] == [id]
    assert time.monotonic() - started < LONG / 2


async def test_a_waiting_worker_gets_a_job_that_a_commit_enqueued(engine: Engine) -> None:
    started = time.monotonic()
    jobs, _ = await asyncio.gather(engine.jobs.lease("w", wait_seconds=LONG), engine.commit([a_job(b"committed")]))
    assert [job.payload for job in jobs] == [b"committed"]
    assert time.monotonic() - started < LONG / 2


async def test_a_waiting_worker_gets_a_job_that_another_process_enqueued(engine: Engine, peer: Engine) -> None:
    started = time.monotonic()
    jobs, id = await asyncio.gather(engine.jobs.lease("w", wait_seconds=LONG), peer.jobs.enqueue(a_job()))
    assert [job.id for job in jobs] == [id]
    assert time.monotonic() - started < LONG / 2


async def test_a_worker_waits_no_longer_than_it_said(engine: Engine) -> None:
    started = time.monotonic()
    assert await engine.jobs.lease("w", wait_seconds=0.2) == []
    assert 0.15 < time.monotonic() - started < LONG


async def test_a_cancelled_wait_ends_at_once_and_takes_no_job_with_it(engine: Engine) -> None:
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for turns in range(40):
            waiting = group.create_task(engine.jobs.lease("gone", wait_seconds=LONG))
            for _ in range(turns):
                await asyncio.sleep(0)
            waiting.cancel()
    assert time.monotonic() - started < LONG / 2
    await enqueued(engine)
    assert (await one(engine, wait_seconds=0)).attempt == 1


async def test_an_expired_lease_is_taken_over_by_another_worker(hasty: Engine) -> None:
    id = await enqueued(hasty, b"left behind")
    lost = await one(hasty, "crashed")
    taken = await one(hasty, "other")
    assert (taken.id, taken.payload, taken.attempt) == (id, b"left behind", 2)
    assert not await hasty.jobs.renew("crashed", lost)
    assert not await hasty.jobs.progress("crashed", lost, 0.5)
    assert not await hasty.jobs.done("crashed", lost)
    assert not await hasty.jobs.retry("crashed", lost, delay_seconds=0, error="late")
    assert not await hasty.jobs.bury("crashed", lost, error="late")
    assert await hasty.jobs.done("other", taken)


async def test_a_renewed_lease_is_kept(store: Store) -> None:
    async with store.engine(lease_seconds=2.0) as engine:
        await enqueued(engine)
        job = await one(engine)
        for _ in range(4):
            assert await engine.jobs.lease("other", wait_seconds=0.7) == []
            assert await engine.jobs.renew("w", job)
        assert await engine.jobs.done("w", job)


async def test_a_job_outlives_the_engine_that_leased_it(lasting_store: Store) -> None:
    async with lasting_store.engine(lease_seconds=0.3) as engine:
        id = await enqueued(engine)
        await one(engine, "before")
    async with lasting_store.engine(lease_seconds=0.3) as engine:
        job = await one(engine, "after")
        assert (job.id, job.attempt) == (id, 2)


# ------------------------------------------------------------------------------------------------------------ endings


async def test_done_erases_the_job_and_keeps_its_status(engine: Engine) -> None:
    id = await enqueued(engine)
    job = await one(engine)
    assert await engine.jobs.done("w", job, result=b"\0result")
    assert await engine.jobs.lease("w") == []
    status = await engine.jobs.status(TENANT, id)
    assert status is not None
    assert (status.id, status.kind, status.state, status.result, status.attempt) == (
        id,
        "learn",
        "done",
        b"\0result",
        1,
    )
    assert await engine.jobs.backlog() == Backlog(waiting=0, dead=0, oldest_ms=0)


async def test_a_job_is_done_once(engine: Engine) -> None:
    await enqueued(engine)
    job = await one(engine)
    assert await engine.jobs.done("w", job)
    assert not await engine.jobs.done("w", job)
    assert not await engine.jobs.renew("w", job)
    assert not await engine.jobs.retry("w", job, delay_seconds=0, error="")


async def test_another_workers_job_cannot_be_ended(engine: Engine) -> None:
    await enqueued(engine)
    job = await one(engine, "mine")
    for end in (
        engine.jobs.done("other", job),
        engine.jobs.renew("other", job),
        engine.jobs.progress("other", job, 0.5),
        engine.jobs.retry("other", job, delay_seconds=0, error=""),
        engine.jobs.bury("other", job, error=""),
    ):
        assert not await end
    assert await engine.jobs.done("mine", job)


async def test_a_retried_job_comes_again_with_its_attempts_counted(engine: Engine) -> None:
    id = await enqueued(engine)
    for attempt in (1, 2, 3):
        job = await one(engine, f"worker {attempt}")
        assert (job.id, job.attempt, job.payload) == (id, attempt, b"payload")
        assert await engine.jobs.retry(f"worker {attempt}", job, delay_seconds=0, error=f"failed {attempt}")
        status = await engine.jobs.status(TENANT, id)
        assert status is not None
        assert (status.state, status.attempt, status.error) == ("waiting", attempt, f"failed {attempt}")


async def test_a_retry_waits_for_its_delay(engine: Engine) -> None:
    await enqueued(engine)
    started = time.monotonic()
    assert await engine.jobs.retry("w", await one(engine), delay_seconds=0.3, error="")
    assert await engine.jobs.lease("w") == []
    assert (await one(engine)).attempt == 2
    assert 0.25 < time.monotonic() - started < LONG / 2


async def test_a_buried_job_is_counted_among_the_dead_and_never_leased(engine: Engine) -> None:
    id = await enqueued(engine)
    assert await engine.jobs.bury("w", await one(engine), error="hopeless")
    assert await engine.jobs.lease("w") == []
    status = await engine.jobs.status(TENANT, id)
    assert status is not None
    assert (status.state, status.error) == ("dead", "hopeless")
    assert await engine.jobs.backlog() == Backlog(waiting=0, dead=1, oldest_ms=0)


async def test_a_delayed_job_comes_when_its_time_has_come(engine: Engine) -> None:
    started = time.monotonic()
    await enqueued(engine, b"later", delay_seconds=0.4)
    await enqueued(engine, b"now")
    assert await payloads(engine) == [b"now"]
    assert (await one(engine)).payload == b"later"
    assert 0.35 < time.monotonic() - started < LONG / 2


# ------------------------------------------------------------------------------------------------------------- status


async def test_status_follows_a_job_and_its_progress(engine: Engine) -> None:
    id = await enqueued(engine)
    status = await engine.jobs.status(TENANT, id)
    assert status is not None
    assert (status.state, status.attempt, status.progress, status.result, status.error) == (
        "waiting",
        0,
        0.0,
        None,
        None,
    )
    job = await one(engine)
    assert await engine.jobs.progress("w", job, 0.25)
    status = await engine.jobs.status(TENANT, id)
    assert status is not None
    assert (status.state, status.attempt, status.progress) == ("running", 1, 0.25)


@pytest.mark.parametrize("id", [*HOSTILE, "0", "-1", "1-1", "99999999999999999999", "0x1", "1.0", "+1", "\u0661"])
async def test_an_unknown_job_has_no_status(engine: Engine, id: str) -> None:
    assert await engine.jobs.status(TENANT, id) is None


async def test_another_tenants_job_has_no_status(engine: Engine) -> None:
    id = await enqueued(engine)
    assert await engine.jobs.status("other", id) is None
    assert await engine.jobs.done("w", await one(engine))
    assert await engine.jobs.status("other", id) is None


async def test_the_backlog_counts_what_is_due_and_not_done_and_its_age(engine: Engine) -> None:
    await enqueued(engine, delay_seconds=100)
    assert await engine.jobs.backlog() == Backlog(waiting=0, dead=0, oldest_ms=0)
    await enqueued(engine)
    assert await engine.jobs.retry("w", await one(engine), delay_seconds=100, error="")
    await enqueued(engine, order="o")
    await enqueued(engine, order="o")
    await engine.jobs.lease("w", limit=2)
    backlog = await engine.jobs.backlog()
    assert (backlog.waiting, backlog.dead) == (3, 0)
    assert 0 <= backlog.oldest_ms < 60_000


# ------------------------------------------------------------------------------------------------------------- dedupe


async def test_a_duplicate_is_kept_out_while_its_like_waits_runs_and_after_it_is_done(engine: Engine) -> None:
    await enqueued(engine, dedupe="d")
    assert await engine.jobs.enqueue(a_job(dedupe="d")) is None
    job = await one(engine)
    assert await engine.jobs.enqueue(a_job(dedupe="d")) is None
    assert await engine.jobs.retry("w", job, delay_seconds=0, error="")
    assert await engine.jobs.enqueue(a_job(dedupe="d")) is None
    assert await engine.jobs.done("w", await one(engine))
    assert await engine.jobs.enqueue(a_job(dedupe="d")) is None
    assert await engine.jobs.lease("w") == []


async def test_a_dedupe_key_is_of_its_kind_and_tenant(engine: Engine) -> None:
    await enqueued(engine, dedupe="d")
    await enqueued(engine, dedupe="d", kind="other")
    await enqueued(engine, dedupe="d", tenant="other")
    await enqueued(engine, dedupe="dd")
    await enqueued(engine)
    await enqueued(engine)
    assert (await engine.jobs.backlog()).waiting == 6


async def test_burying_a_job_frees_its_dedupe_key(engine: Engine) -> None:
    await enqueued(engine, dedupe="d")
    assert await engine.jobs.bury("w", await one(engine), error="")
    await enqueued(engine, dedupe="d")


async def test_of_fifty_concurrent_duplicates_one_is_enqueued(engine: Engine, peer: Engine) -> None:
    ids = await asyncio.gather(*((engine if n % 2 else peer).jobs.enqueue(a_job(dedupe="d")) for n in range(50)))
    assert len([id for id in ids if id is not None]) == 1
    assert (await engine.jobs.backlog()).waiting == 1


# -------------------------------------------------------------------------------------------------------------- order


async def test_jobs_of_one_order_key_run_one_at_a_time_in_their_order(engine: Engine) -> None:
    for n in range(3):
        await enqueued(engine, b"%d" % n, order="o")
    for n in range(3):
        (job,) = await engine.jobs.lease("w", limit=10, wait_seconds=LONG)
        assert job.payload == b"%d" % n
        assert await engine.jobs.lease("other") == []
        assert await engine.jobs.done("w", job)
    assert await engine.jobs.lease("w") == []


async def test_order_keys_do_not_hold_up_each_other(engine: Engine) -> None:
    await enqueued(engine, b"a1", order="a")
    await enqueued(engine, b"a2", order="a")
    await enqueued(engine, b"b1", order="b")
    await enqueued(engine, b"t1", order="a", tenant="other")
    await enqueued(engine, b"k1", order="a", kind="other")
    await enqueued(engine, b"free")
    assert await payloads(engine) == [b"a1", b"b1", b"t1", b"k1", b"free"]


async def test_a_job_that_waits_for_its_retry_holds_up_those_behind_it(engine: Engine) -> None:
    await enqueued(engine, b"first", order="o")
    await enqueued(engine, b"second", order="o")
    assert await engine.jobs.retry("w", await one(engine), delay_seconds=0.3, error="")
    assert await engine.jobs.lease("w") == []
    first = await one(engine)
    assert (first.payload, first.attempt) == (b"first", 2)
    assert await engine.jobs.lease("w") == []
    assert await engine.jobs.done("w", first)
    assert (await one(engine)).payload == b"second"


async def test_burying_a_job_lets_the_next_of_its_order_run(engine: Engine) -> None:
    await enqueued(engine, b"first", order="o")
    await enqueued(engine, b"second", order="o")
    assert await engine.jobs.bury("w", await one(engine), error="")
    assert (await one(engine)).payload == b"second"


async def test_a_waiting_worker_gets_the_next_of_an_order_as_soon_as_the_first_is_done(engine: Engine) -> None:
    await enqueued(engine, b"first", order="o")
    await enqueued(engine, b"second", order="o")
    first = await one(engine)
    started = time.monotonic()
    jobs, done = await asyncio.gather(engine.jobs.lease("other", wait_seconds=LONG), engine.jobs.done("w", first))
    assert done
    assert [job.payload for job in jobs] == [b"second"]
    assert time.monotonic() - started < LONG / 2


async def test_a_taken_over_job_keeps_its_place_in_the_order(hasty: Engine) -> None:
    await enqueued(hasty, b"first", order="o")
    await enqueued(hasty, b"second", order="o")
    await one(hasty, "crashed")
    first = await one(hasty, "other")
    assert (first.payload, first.attempt) == (b"first", 2)
    assert await hasty.jobs.done("other", first)
    assert (await one(hasty, "other")).payload == b"second"


async def test_a_job_of_an_order_whose_jobs_are_all_done_runs_at_once(engine: Engine) -> None:
    await enqueued(engine, b"first", order="o")
    assert await engine.jobs.done("w", await one(engine))
    await enqueued(engine, b"second", order="o")
    assert await payloads(engine) == [b"second"]


async def test_many_workers_do_every_job_once_and_keep_every_order(engine: Engine, peer: Engine) -> None:
    expected: dict[str, list[bytes]] = defaultdict(list)
    for n in range(60):
        order = f"order {n % 7}"
        expected[order].append(b"%s|%d" % (order.encode(), n))
        await enqueued(engine, expected[order][-1], order=order)
    ran: dict[str, list[bytes]] = defaultdict(list)
    running: set[str] = set()

    async def work(name: str, mine: Engine) -> None:
        while (await mine.jobs.backlog()).waiting:
            for job in await mine.jobs.lease(name, limit=2, wait_seconds=0.05):
                order = job.payload.split(b"|")[0].decode()
                assert order not in running
                running.add(order)
                ran[order].append(job.payload)
                await asyncio.sleep(0)
                running.remove(order)
                assert await mine.jobs.done(name, job)

    await asyncio.gather(*(work(f"worker {n}", engine if n % 2 else peer) for n in range(6)))
    assert ran == expected


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_string_is_a_kind_a_tenant_a_worker_and_a_key(engine: Engine, name: str) -> None:
    id = await engine.jobs.enqueue(Enqueue(kind=name, tenant=name, payload=b"p", dedupe=name, order=name))
    assert id is not None
    near = await engine.jobs.enqueue(
        Enqueue(kind=name, tenant=name, payload=b"near", dedupe=name + "a", order=name + "a")
    )
    assert near is not None
    assert await engine.jobs.enqueue(Enqueue(kind=name, tenant=name, payload=b"p", dedupe=name)) is None
    first, second = await engine.jobs.lease(name, limit=5)
    assert (first.kind, first.tenant, first.payload, second.payload) == (name, name, b"p", b"near")
    assert await engine.jobs.renew(name, first)
    assert await engine.jobs.done(name, first)
    assert await engine.jobs.bury(name, second, error=name)
    status = await engine.jobs.status(name, near)
    assert status is not None
    assert (status.kind, status.error) == (name, name)

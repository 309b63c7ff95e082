import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest

from config.supervisor import Supervisor
from memory.engines.base import Engine, Enqueue, Job, JobStatus
from memory.errors import EmbedderUnavailable, StoreUnavailable
from memory.extraction.worker import ATTEMPTS, Handler, Progress, Reporting, Worker, backoff
from tests.contract.stores import Store
from tests.support.redis_server import RedisServer


@pytest.fixture(params=["sqlite", "redis"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    if request.param == "sqlite":
        store = Store()
    else:
        store = Store(url=request.getfixturevalue("redis_url"), prefix=request.getfixturevalue("redis_prefix"))
    async with store.engine(lease_seconds=0.5) as entered:
        yield entered


def a_worker(engine: Engine, handlers: Mapping[str, Handler | Reporting], *, concurrency: int = 4) -> Worker:
    return Worker(engine, handlers, concurrency=concurrency, renew_seconds=0.1, delay=lambda _: 0.0)


async def enqueue(engine: Engine, payload: bytes = b"x", *, kind: str = "learn", order: str | None = None) -> str:
    id = await engine.jobs.enqueue(Enqueue(kind=kind, tenant="t", payload=payload, order=order))
    assert id is not None
    return id


async def status(engine: Engine, id: str) -> JobStatus:
    found = await engine.jobs.status("t", id)
    assert found is not None
    return found


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - a store tells nobody that a job has ended
            await asyncio.sleep(0.01)


async def test_each_job_goes_to_the_handler_of_its_kind_and_its_result_is_kept(engine: Engine) -> None:
    async def learn(job: Job) -> bytes:
        return b"learned " + job.payload

    async def forget(job: Job) -> None:
        assert job.payload == b"b"

    first, second = await enqueue(engine, b"a"), await enqueue(engine, b"b", kind="forget")
    await a_worker(engine, {"learn": learn, "forget": forget}).drain()
    assert (await status(engine, first)).result == b"learned a"
    assert (await status(engine, second)).state == "done"


async def test_jobs_run_at_once_up_to_the_concurrency(engine: Engine) -> None:
    running: set[str] = set()
    most = 0
    three = asyncio.Event()

    async def handle(job: Job) -> None:
        nonlocal most
        running.add(job.id)
        most = max(most, len(running))
        if len(running) == 3:
            three.set()
        async with asyncio.timeout(20):
            await three.wait()
        running.discard(job.id)

    for _ in range(7):
        await enqueue(engine)
    async with Supervisor() as supervisor:
        supervisor.start(a_worker(engine, {"learn": handle}, concurrency=3).run(), name="worker")
        await until(lambda: _empty(engine))
    assert most == 3


async def test_a_job_longer_than_its_lease_is_renewed_and_done_once(engine: Engine) -> None:
    begun = 0

    async def handle(_: Job) -> None:
        nonlocal begun
        begun += 1
        await asyncio.sleep(1.2)

    await enqueue(engine)
    async with Supervisor() as supervisor:
        for _ in range(2):
            supervisor.start(a_worker(engine, {"learn": handle}).run(), name="worker")
        await until(lambda: _empty(engine))
    assert begun == 1


async def test_a_long_job_tells_how_far_it_is(engine: Engine) -> None:
    shares = []

    async def handle(job: Job, progress: Progress) -> bytes:
        for share in (0.25, 0.75):
            await progress(share)
            shares.append((await status(engine, job.id)).progress)
        return b"erased"

    id = await enqueue(engine)
    await a_worker(engine, {"learn": Reporting(handle)}).drain()
    assert shares == [0.25, 0.75]
    assert (await status(engine, id)).result == b"erased"


async def test_a_long_job_that_went_to_another_worker_ends_where_it_tells_how_far_it_is(engine: Engine) -> None:
    ended = False

    async def handle(job: Job, progress: Progress) -> None:
        nonlocal ended
        if job.attempt > 1:
            return
        [again] = await engine.jobs.lease("another", wait_seconds=5)
        assert again.id == job.id
        await engine.jobs.done("another", again)
        await progress(0.5)
        ended = True

    id = await enqueue(engine)
    worker = Worker(engine, {"learn": Reporting(handle)}, renew_seconds=60)
    await worker.drain()
    assert not ended
    assert (await status(engine, id)).state == "done"


async def test_a_failing_job_is_tried_again(engine: Engine) -> None:
    async def handle(job: Job) -> bytes:
        if job.attempt < 3:
            raise ValueError
        return b"at last"

    id = await enqueue(engine)
    await a_worker(engine, {"learn": handle}).drain()
    assert (await status(engine, id)).result == b"at last"


async def test_a_job_that_keeps_failing_is_buried_and_its_words_stay_out_of_the_error(engine: Engine) -> None:
    async def handle(_: Job) -> None:
        raise ValueError("the user said: I live in Porto")

    id = await enqueue(engine)
    await a_worker(engine, {"learn": handle}).drain()
    buried = await status(engine, id)
    assert (buried.state, buried.attempt, buried.error) == ("dead", ATTEMPTS, "ValueError")


async def test_a_job_is_not_given_up_for_what_it_depends_on(engine: Engine) -> None:
    async def handle(job: Job) -> bytes:
        if job.attempt < 2 * ATTEMPTS:
            raise EmbedderUnavailable("the embedder does not answer")
        return b"at last"

    id = await enqueue(engine)
    await a_worker(engine, {"learn": handle}).drain()
    assert (await status(engine, id)).result == b"at last"


async def test_whoever_watches_is_told_what_came_of_each_attempt(engine: Engine) -> None:
    async def handle(job: Job) -> None:
        if job.payload == b"bad" or job.attempt == 1:
            raise ValueError

    told: list[tuple[str, str]] = []

    def watch(kind: str, outcome: str, seconds: float) -> None:
        assert seconds > 0
        told.append((kind, outcome))

    await enqueue(engine, b"good")
    await enqueue(engine, b"bad", kind="forget")
    handlers = {"learn": handle, "forget": handle}
    await Worker(engine, handlers, delay=lambda _: 0.0, watch=watch).drain()
    assert sorted(told) == [
        ("forget", "buried"),
        *[("forget", "retried")] * (ATTEMPTS - 1),
        ("learn", "done"),
        ("learn", "retried"),
    ]


async def test_a_job_of_an_unknown_kind_ends_among_the_dead(engine: Engine) -> None:
    id = await enqueue(engine, kind="mystery")
    await a_worker(engine, {}).drain()
    assert (await status(engine, id)).state == "dead"


async def test_what_a_dead_worker_was_doing_another_takes_over(engine: Engine) -> None:
    id = await enqueue(engine)
    [taken] = await engine.jobs.lease("a worker that dies here")
    assert taken.id == id

    async def handle(job: Job) -> bytes:
        return str(job.attempt).encode()

    async with Supervisor() as supervisor:
        supervisor.start(a_worker(engine, {"learn": handle}).run(), name="worker")
        await until(lambda: _empty(engine))
    assert (await status(engine, id)).result == b"2"


async def test_a_stopped_worker_gives_its_job_back_at_once(engine: Engine) -> None:
    begun = asyncio.Event()

    async def hang(_: Job) -> None:
        begun.set()
        await asyncio.Event().wait()

    id = await enqueue(engine)
    async with Supervisor(drain_seconds=0) as supervisor:
        supervisor.start(a_worker(engine, {"learn": hang}).run(), name="worker")
        async with asyncio.timeout(20):
            await begun.wait()
    assert (await status(engine, id)).state == "waiting"
    [again] = await engine.jobs.lease("other")
    assert again.id == id


async def test_a_worker_outlasts_an_outage_of_the_store(private_redis_server: RedisServer) -> None:
    done: list[bytes] = []

    async def handle(job: Job) -> None:
        done.append(job.payload)

    async with (
        Store(url=private_redis_server.url, prefix="test").engine() as engine,
        Supervisor(drain_seconds=0) as supervisor,
    ):
        task = supervisor.start(Worker(engine, {"learn": handle}, delay=lambda _: 0.05).run(), name="worker")
        await enqueue(engine, b"before")
        await until(lambda: _is(done, [b"before"]))
        private_redis_server.stop()
        with pytest.raises(StoreUnavailable):
            await engine.jobs.backlog()
        private_redis_server.start()
        await until(lambda: _enqueued(engine, b"after"))
        await until(lambda: _is(done, [b"before", b"after"]))
        assert not task.done()


def test_delays_grow_to_five_minutes() -> None:
    for attempt, longest in [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (1000, 300)]:
        assert longest / 2 <= backoff(attempt) <= longest


async def _empty(engine: Engine) -> bool:
    return (await engine.jobs.backlog()).waiting == 0


async def _is(value: list[bytes], expected: list[bytes]) -> bool:
    return value == expected


async def _enqueued(engine: Engine, payload: bytes) -> bool:
    try:
        await enqueue(engine, payload)
    except StoreUnavailable:
        return False
    return True

"""What happens to ended jobs in hours and days, by a clock that the test turns."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory.engines.base import Enqueue, Job
from memory.engines.sqlite.engine import SqliteEngine
from tests.contract.stores import SPEC

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
JOB = Enqueue(kind="learn", tenant="t", payload=b"p", dedupe="d")


class Clock:
    def __init__(self) -> None:
        self.now = 1_750_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def engine(clock: Clock) -> AsyncIterator[SqliteEngine]:
    async with SqliteEngine(None, embedding=SPEC, clock=clock) as entered:
        yield entered


async def leased(engine: SqliteEngine) -> Job:
    await engine.jobs.enqueue(JOB)
    (job,) = await engine.jobs.lease("w")
    return job


async def test_a_dedupe_key_is_free_ten_minutes_after_the_job_was_done(engine: SqliteEngine, clock: Clock) -> None:
    await engine.jobs.done("w", await leased(engine))
    clock.now += 10 * MINUTE - 1
    assert await engine.jobs.enqueue(JOB) is None
    clock.now += 1
    assert await engine.jobs.enqueue(JOB) is not None


async def test_a_dedupe_key_is_never_free_while_the_job_waits(engine: SqliteEngine, clock: Clock) -> None:
    await engine.jobs.enqueue(JOB)
    clock.now += 30 * DAY
    assert await engine.jobs.enqueue(JOB) is None


async def test_the_status_of_a_done_job_stays_for_an_hour(engine: SqliteEngine, clock: Clock) -> None:
    job = await leased(engine)
    await engine.jobs.done("w", job)
    clock.now += HOUR - 1
    assert await engine.jobs.status("t", job.id) is not None
    clock.now += 1
    assert await engine.jobs.status("t", job.id) is None


async def test_the_dead_stay_for_seven_days(engine: SqliteEngine, clock: Clock) -> None:
    job = await leased(engine)
    await engine.jobs.bury("w", job, error="hopeless")
    clock.now += 7 * DAY - 1
    assert (await engine.jobs.backlog()).dead == 1
    clock.now += 1
    assert (await engine.jobs.backlog()).dead == 0
    assert await engine.jobs.status("t", job.id) is None


async def test_a_lease_lasts_thirty_seconds_and_renewing_begins_it_anew(engine: SqliteEngine, clock: Clock) -> None:
    job = await leased(engine)
    clock.now += 29_000
    assert await engine.jobs.renew("w", job)
    clock.now += 29_999
    assert await engine.jobs.lease("other") == []
    clock.now += 1
    assert [taken.attempt for taken in await engine.jobs.lease("other")] == [2]


async def test_the_age_of_the_oldest_job_is_told(engine: SqliteEngine, clock: Clock) -> None:
    await engine.jobs.enqueue(JOB)
    clock.now += 5 * MINUTE
    assert (await engine.jobs.backlog()).oldest_ms == 5 * MINUTE


async def test_opening_the_database_frees_what_the_last_process_was_at(tmp_path: Path) -> None:
    path = tmp_path / "remora.db"
    async with SqliteEngine(path, embedding=SPEC) as before:
        id = await before.jobs.enqueue(Enqueue(kind="k", tenant="t", payload=b"p"))
        await before.jobs.lease("the one that dies")
    async with SqliteEngine(path, embedding=SPEC) as after:
        [job] = await after.jobs.lease("the next")

    assert (job.id, job.attempt) == (id, 2)

import asyncio

import pytest

from admin.limits import DAY, MINUTE, REQUESTS
from admin.meter import FLUSH_SECONDS, REQUESTS_TOTAL, Meter, count_of, micros_of
from config.supervisor import Supervisor
from memory.engines.base import BOUNDLESS, Engine, Take
from memory.service.clock import system_clock
from tests.contract.stores import Store
from tests.support.redis_server import RedisServer
from tests.support.services import SetClock

READS, MICROS = count_of("read"), micros_of("read")
EVENTUALLY_SECONDS = 20.0


@pytest.fixture
def meter(either_engine: Engine, supervisor: Supervisor) -> Meter:
    return Meter(either_engine, supervisor)


async def counted(engine: Engine, tenant: str, seconds: int = DAY) -> int:
    take = Take(tenant=tenant, name=REQUESTS, limit=BOUNDLESS, window_seconds=seconds, amount=0)
    return BOUNDLESS - (await engine.counters.take([take]))[0].remaining


async def test_what_was_recorded_is_added_to_its_tenants_counters(meter: Meter, either_engine: Engine) -> None:
    meter.record("a", "read", 1.5)
    meter.record("a", "read", 0.25)
    meter.record("b", "write", 3)
    await meter.flush()
    meter.record("a", "read", 1)
    await meter.flush()

    values = either_engine.counters.values
    assert await values("a", [READS, MICROS]) == {READS: 3, MICROS: 2750}
    assert await values("b", [READS, count_of("write")]) == {READS: 0, count_of("write"): 1}


async def test_requests_that_the_engine_has_not_counted_are_in_the_tenants_windows_later(
    meter: Meter, either_engine: Engine
) -> None:
    for known in (False, False, True):
        meter.admitted("a", counted=known)
    await meter.flush()

    assert await counted(either_engine, "a") == 2
    assert await either_engine.counters.values("a", [REQUESTS_TOTAL]) == {REQUESTS_TOTAL: 3}


async def test_what_belongs_to_a_window_that_is_over_is_in_no_other(
    either_engine: Engine, supervisor: Supervisor
) -> None:
    clock = SetClock()
    clock.now = system_clock()
    meter = Meter(either_engine, supervisor, clock)
    meter.admitted("a", counted=False)
    clock.pass_(seconds=2 * DAY)
    meter.admitted("a", counted=False)
    await meter.flush()

    assert await counted(either_engine, "a") == 1
    assert await counted(either_engine, "a", MINUTE) in (0, 1)


async def test_it_flushes_by_itself_and_when_it_ends(either_engine: Engine, supervisor: Supervisor) -> None:
    async with Meter(either_engine, supervisor) as meter:
        meter.record("a", "read", 1)
        async with asyncio.timeout(FLUSH_SECONDS + EVENTUALLY_SECONDS):
            while not (await either_engine.counters.values("a", [READS]))[READS]:  # noqa: ASYNC110 - it is the engine's
                await asyncio.sleep(0.02)
        meter.record("a", "read", 1)

    assert await either_engine.counters.values("a", [READS]) == {READS: 2}


async def test_what_the_engine_does_not_take_is_kept_until_it_does(
    private_redis_server: RedisServer, supervisor: Supervisor
) -> None:
    async with Store(url=private_redis_server.url, prefix="meter").engine() as engine:
        meter = Meter(engine, supervisor)
        private_redis_server.stop()
        for _ in range(2):
            meter.record("a", "read", 1)
            meter.admitted("a", counted=False)
            await meter.flush()
        private_redis_server.start()
        await meter.flush()
        await meter.flush()

        assert await engine.counters.values("a", [READS, REQUESTS_TOTAL]) == {READS: 2, REQUESTS_TOTAL: 2}
        assert await counted(engine, "a") == 2


async def test_what_comes_during_a_flush_is_in_the_next_one(meter: Meter, either_engine: Engine) -> None:
    async def record() -> None:
        for _ in range(200):
            meter.record("a", "read", 1)
            await asyncio.sleep(0)

    await asyncio.gather(record(), *(meter.flush() for _ in range(5)))
    await meter.flush()

    assert await either_engine.counters.values("a", [READS]) == {READS: 200}


def test_what_it_keeps_is_bounded(meter: Meter) -> None:
    for tenant in range(60_000):
        meter.record(f"tenant_{tenant}", "read", 1)
        meter.admitted(f"tenant_{tenant}", counted=False)

    assert len(meter._sums) <= 50_000
    assert len(meter._windows) <= 50_000

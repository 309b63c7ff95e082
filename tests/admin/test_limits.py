import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.limits import DAY, MINUTE, FailedKeys, Limiter, LocalWindows, network_of, windows
from admin.plans import UNLIMITED, Quotas
from memory.caller import SYSTEM
from memory.engines.base import BOUNDLESS, Engine, Take
from memory.errors import RateLimited
from tests.contract.stores import Store
from tests.support.redis_server import RedisServer
from tests.support.services import START, SetClock, a_caller

ADDRESS = "192.0.2.7"
KEYED = a_caller(tenant="tenant_a", key="key_1")
NOTICED_SECONDS = 0.25
SLACK_SECONDS = 0.4
"""For a machine that is busy with other tests."""


def quotas(*, per_minute: int = 0, per_day: int = 0) -> Quotas:
    return Quotas(max_memories=0, max_storage_bytes=0, requests_per_minute=per_minute, requests_per_day=per_day)


def a_take(limit: int, name: str = "requests", *, amount: int = 1, seconds: int = DAY) -> Take:
    return Take(tenant="t", name=name, limit=limit, window_seconds=seconds, amount=amount)


# ----------------------------------------------------------------------------------------------- which windows


def test_nothing_is_taken_where_nothing_is_limited() -> None:
    assert windows(KEYED, ADDRESS, UNLIMITED, 0) == []


def test_a_tenants_request_takes_from_its_minute_and_its_day() -> None:
    assert windows(KEYED, ADDRESS, quotas(per_minute=3, per_day=50), 0) == [
        Take(tenant="tenant_a", name="requests", limit=3, window_seconds=MINUTE),
        Take(tenant="tenant_a", name="requests", limit=50, window_seconds=DAY),
    ]


def test_a_window_without_a_limit_is_counted_beside_one_with() -> None:
    assert [take.limit for take in windows(KEYED, ADDRESS, quotas(per_day=50), 0)] == [BOUNDLESS, 50]
    assert [take.limit for take in windows(KEYED, ADDRESS, UNLIMITED, 5)] == [BOUNDLESS, BOUNDLESS, 5]


@pytest.mark.parametrize(
    ("caller", "tenant", "name"),
    [
        (KEYED, "tenant_a", "key:key_1"),
        (a_caller(operator=True), "default", "key:operator"),
        (a_caller(), SYSTEM, f"address:{ADDRESS}"),
    ],
)
def test_the_servers_own_limit_is_per_key_or_per_address(caller: object, tenant: str, name: str) -> None:
    take = windows(caller, ADDRESS, UNLIMITED, 5)[-1]  # type: ignore[arg-type]

    assert (take.tenant, take.name, take.limit, take.window_seconds) == (tenant, name, 5, MINUTE)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("no address", "no address"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_an_address_stands_for_what_one_machine_may_have(address: str, network: str) -> None:
    assert network_of(address) == network


# ----------------------------------------------------------------------------------------------- local windows

wishes = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=3, unique_by=lambda w: w[0]),
    max_size=30,
)


@given(wishes, st.integers(0, 8))
def test_all_is_taken_or_nothing_and_never_more_than_the_limit(wished: list[list[tuple[str, int]]], limit: int) -> None:
    local, taken = LocalWindows(SetClock()), dict.fromkeys("abc", 0)
    for wish in wished:
        answers = local.take([a_take(limit, name, amount=amount) for name, amount in wish])
        assert [answer.allowed for answer in answers] == [taken[name] + amount <= limit for name, amount in wish]
        if all(answer.allowed for answer in answers):
            for name, amount in wish:
                taken[name] += amount
        assert [answer.remaining for answer in answers] == [limit - taken[name] for name, _ in wish]


def test_a_window_is_the_clocks_minute_and_ends_with_it() -> None:
    clock = SetClock()
    clock.pass_(seconds=45)
    local = LocalWindows(clock)
    (last,) = local.take([a_take(1, seconds=MINUTE)])
    assert last.reset_at == START + 60_000

    clock.pass_(seconds=14.999)
    assert not local.take([a_take(1, seconds=MINUTE)])[0].allowed
    clock.pass_(ms=1)
    assert local.take([a_take(1, seconds=MINUTE)])[0].allowed


def test_a_look_takes_up_no_room() -> None:
    local = LocalWindows(SetClock(), capacity=1)
    local.take([a_take(5)])
    for name in "abc":
        local.take([a_take(5, name, amount=0)])

    assert local.take([a_take(5, amount=0)])[0].remaining == 4


def test_the_least_used_windows_are_forgotten_first() -> None:
    local = LocalWindows(SetClock(), capacity=2)
    for name in ("busy", "idle", "busy", "new"):
        local.take([a_take(5, name)])

    assert [local.take([a_take(5, name, amount=0)])[0].remaining for name in ("busy", "new")] == [3, 4]


# ------------------------------------------------------------------------------------------------- failed keys


def test_wrong_keys_shut_an_address_out_until_the_minute_is_over() -> None:
    clock = SetClock()
    failed = FailedKeys(2, clock)
    for _ in range(2):
        assert failed.refusal(ADDRESS) is None
        failed.count(ADDRESS)

    refusal = failed.refusal(ADDRESS)
    assert refusal is not None
    assert (refusal.limit, refusal.reset_at) == (2, START + 60_000)
    assert failed.refusal("192.0.2.8") is None
    clock.pass_(seconds=60)
    assert failed.refusal(ADDRESS) is None


# ------------------------------------------------------------------------------------------------- the limiter


async def test_requests_at_the_same_time_get_exactly_as_many_places_as_there_are(either_engine: Engine) -> None:
    limiter = Limiter(either_engine.counters)
    wanted = [a_take(30, "a"), a_take(17, "b")]

    answers = await asyncio.gather(*(limiter.admit(wanted) for _ in range(40)), return_exceptions=True)

    admitted = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(admitted) == 17
    assert all(admission.counted for admission in admitted)
    assert {type(answer) for answer in answers if isinstance(answer, BaseException)} == {RateLimited}
    (seen,) = await either_engine.counters.take([a_take(30, "a", amount=0)])
    assert seen.remaining == 30 - 17


async def test_what_is_left_is_told_of_the_tightest_window(either_engine: Engine) -> None:
    limiter = Limiter(either_engine.counters)

    admission = await limiter.admit([a_take(BOUNDLESS, "a"), a_take(9, "b"), a_take(5, "c"), a_take(7, "d")])

    assert (admission.allowance.limit, admission.allowance.remaining) == (5, 4)
    assert admission.allowance.reset_at % (1000 * DAY) == 0


async def test_a_refusal_names_the_window_that_stays_closed_the_longest(either_engine: Engine) -> None:
    limiter = Limiter(either_engine.counters)

    with pytest.raises(RateLimited, match="0 requests a day") as refused:
        await limiter.admit([a_take(0, "a", seconds=DAY), a_take(0, "b", seconds=MINUTE)])

    assert refused.value.reset_at % (1000 * DAY) == 0


async def test_answers_that_a_busy_process_reads_late_are_no_outage(either_engine: Engine) -> None:
    limiter = Limiter(either_engine.counters)
    await asyncio.gather(*(limiter.admit([a_take(100)]) for _ in range(50)))  # opens the connections
    asking = asyncio.gather(*(limiter.admit([a_take(100)]) for _ in range(50)))
    for _ in range(4):
        await asyncio.sleep(0)
        time.sleep(1.2 * NOTICED_SECONDS)  # noqa: ASYNC251 - the process is busy

    assert all(admission.counted for admission in await asking)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_while_redis_hangs_each_process_counts_on_from_what_it_was_told(
    private_redis_server: RedisServer,
) -> None:
    async with Store(url=private_redis_server.url, prefix="limits").engine() as engine:
        limiter = Limiter(engine.counters)
        await limiter.admit([a_take(3)])
        with stopped(private_redis_server.pid):
            started = time.monotonic()
            assert not (await limiter.admit([a_take(3)])).counted
            assert time.monotonic() - started < NOTICED_SECONDS + SLACK_SECONDS
            started = time.monotonic()
            assert not (await limiter.admit([a_take(3)])).counted
            assert time.monotonic() - started < NOTICED_SECONDS
            with pytest.raises(RateLimited):
                await limiter.admit([a_take(3)])


async def test_once_redis_is_back_it_counts_again(private_redis_server: RedisServer) -> None:
    clock = SetClock()
    async with Store(url=private_redis_server.url, prefix="limits").engine() as engine:
        limiter = Limiter(engine.counters, timer=clock.seconds)
        private_redis_server.stop()
        assert not (await limiter.admit([a_take(9)])).counted
        private_redis_server.start()
        assert not (await limiter.admit([a_take(9)])).counted
        clock.pass_(seconds=1)
        assert (await limiter.admit([a_take(9)])).counted
        assert (await limiter.admit([a_take(9)])).counted


async def test_a_database_that_takes_no_writes_holds_no_request_up(tmp_path: Path) -> None:
    path = tmp_path / "remora.db"
    async with Store(path=path).engine() as engine:
        limiter = Limiter(engine.counters)
        assert (await limiter.admit([a_take(9)])).counted
        with locked(path):
            started = time.monotonic()
            assert not (await limiter.admit([a_take(9)])).counted
            assert time.monotonic() - started < NOTICED_SECONDS + SLACK_SECONDS


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """By another process: within one, locks of two SQLite libraries don't exclude each other."""
    hold = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("BEGIN IMMEDIATE")
    print(flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        try:
            yield
        finally:
            other.communicate(b"\n")

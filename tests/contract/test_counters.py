"""Counters: windows, reservations, sums, exact however many writers there are."""

import asyncio
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.engines.base import BOUNDLESS, Engine, Take, Taken
from tests.contract.examples import HOSTILE, TENANT, eventually

HOUR = 3600


def calls(limit: int, amount: int = 1, *, name: str = "calls", tenant: str = TENANT, seconds: int = HOUR) -> Take:
    return Take(tenant=tenant, name=name, limit=limit, window_seconds=seconds, amount=amount)


async def taken(engine: Engine, take: Take) -> Taken:
    [answer] = await engine.counters.take([take])
    return answer


async def test_take_allows_up_to_the_limit_and_tells_what_remains(engine: Engine) -> None:
    answers = [await taken(engine, calls(3)) for _ in range(4)]
    assert [(answer.allowed, answer.remaining) for answer in answers] == [(True, 2), (True, 1), (True, 0), (False, 0)]


async def test_take_tells_when_the_window_ends(engine: Engine) -> None:
    before = time.time() * 1000
    first = await taken(engine, calls(3))
    assert before < first.reset_at <= time.time() * 1000 + HOUR * 1000
    again = await taken(engine, calls(3))
    assert again.reset_at >= first.reset_at


async def test_a_refused_take_takes_nothing(engine: Engine) -> None:
    await taken(engine, calls(10, 6))
    refused = await taken(engine, calls(10, 5))
    assert (refused.allowed, refused.remaining) == (False, 4)
    fits = await taken(engine, calls(10, 4))
    assert (fits.allowed, fits.remaining) == (True, 0)


async def test_all_are_taken_or_none_and_each_says_whether_it_is_to_blame(engine: Engine) -> None:
    narrow, wide, others = calls(1, name="narrow"), calls(10, 2, name="wide"), calls(5, tenant="other")
    first = await engine.counters.take([narrow, wide, others])
    assert [(answer.allowed, answer.remaining) for answer in first] == [(True, 0), (True, 8), (True, 4)]
    second = await engine.counters.take([wide, narrow, others])
    assert [(answer.allowed, answer.remaining) for answer in second] == [(True, 8), (False, 0), (True, 4)]
    assert (await taken(engine, wide)).remaining == 6


async def test_a_window_wanted_twice_gives_both_or_none(engine: Engine) -> None:
    assert [answer.allowed for answer in await engine.counters.take([calls(3, 2), calls(3, 2)])] == [True, False]
    assert [answer.remaining for answer in await engine.counters.take([calls(3, 2), calls(3, 1)])] == [0, 0]


async def test_taking_nothing_only_looks(engine: Engine) -> None:
    assert await engine.counters.take([]) == []
    unused = await taken(engine, calls(3, 0))
    assert (unused.allowed, unused.remaining) == (True, 3)
    await taken(engine, calls(3, 3))
    for _ in range(2):
        used_up = await taken(engine, calls(3, 0))
        assert (used_up.allowed, used_up.remaining) == (True, 0)
    assert (await taken(engine, calls(1, 0))).allowed is False


async def test_a_boundless_window_counts_exactly(engine: Engine) -> None:
    whole = 2**53 - 4
    assert (await taken(engine, calls(BOUNDLESS, whole))).remaining == BOUNDLESS - whole
    assert (await taken(engine, calls(BOUNDLESS, 2))).remaining == 1
    refused = await taken(engine, calls(BOUNDLESS, 2))
    assert (refused.allowed, refused.remaining) == (False, 1)
    assert (await taken(engine, calls(BOUNDLESS, 0))).remaining == 1


async def test_windows_of_one_name_but_two_lengths_are_apart(engine: Engine) -> None:
    # Until the year 2033 both of these end at the same moment.
    short, long = (calls(2, seconds=seconds) for seconds in (10**9, 2 * 10**9))
    answers = await engine.counters.take([short, long])
    assert answers[0].reset_at == answers[1].reset_at == 2 * 10**12
    assert [answer.remaining for answer in answers] == [1, 1]
    assert (await taken(engine, short)).remaining == 0
    assert (await taken(engine, long)).remaining == 0


async def test_a_new_window_begins_afresh(engine: Engine) -> None:
    async def both() -> bool:
        """True when the two fell into one window."""
        first, second = await taken(engine, calls(1, seconds=1)), await taken(engine, calls(1, seconds=1))
        return first.allowed and not second.allowed

    await eventually(both)

    async def allowed() -> bool:
        return (await taken(engine, calls(1, seconds=1))).allowed

    await eventually(allowed)


async def test_of_two_hundred_concurrent_takes_exactly_the_limit_is_allowed(engine: Engine, peer: Engine) -> None:
    day = calls(37, seconds=24 * HOUR)
    takes = await asyncio.gather(*(taken(engine if n % 2 else peer, day) for n in range(200)))
    assert sum(take.allowed for take in takes) == 37
    assert sorted(take.remaining for take in takes if take.allowed) == list(range(37))


async def test_concurrent_takes_of_several_windows_are_whole(engine: Engine, peer: Engine) -> None:
    wanted = [calls(37, name=name, seconds=24 * HOUR) for name in "ab"]
    await asyncio.gather(
        *((engine if n % 2 else peer).counters.take(wanted if n % 4 < 2 else wanted[::-1]) for n in range(60)),
        *(taken(engine if n % 2 else peer, wanted[0]) for n in range(10)),
    )
    first, second = await engine.counters.take([calls(BOUNDLESS, 0, name=name, seconds=24 * HOUR) for name in "ab"])
    assert first.remaining == BOUNDLESS - 37
    assert BOUNDLESS - 37 <= second.remaining <= BOUNDLESS - 27


async def test_a_window_is_apart_from_the_plain_counter_of_its_name(engine: Engine) -> None:
    await engine.counters.add(TENANT, {"calls": 100})
    assert (await taken(engine, calls(1))).allowed
    assert await engine.counters.values(TENANT, ["calls"]) == {"calls": 100}


async def test_add_gives_the_new_values_of_all_it_named(engine: Engine) -> None:
    assert await engine.counters.add(TENANT, {"a": 2, "b": 5}) == {"a": 2, "b": 5}
    assert await engine.counters.add(TENANT, {"a": 1, "c": 0}) == {"a": 3, "c": 0}
    assert await engine.counters.add(TENANT, {}) == {}


async def test_a_counter_never_goes_below_zero(engine: Engine) -> None:
    await engine.counters.add(TENANT, {"a": 2})
    assert await engine.counters.add(TENANT, {"a": -5, "new": -1}) == {"a": 0, "new": 0}
    assert await engine.counters.add(TENANT, {"a": 1}) == {"a": 1}


async def test_a_missing_counter_is_zero(engine: Engine) -> None:
    await engine.counters.add(TENANT, {"a": 2})
    assert await engine.counters.values(TENANT, ["a", "b"]) == {"a": 2, "b": 0}
    assert await engine.counters.values(TENANT, []) == {}


async def test_reset_makes_them_zero_and_leaves_the_others(engine: Engine) -> None:
    await engine.counters.add(TENANT, {"a": 2, "b": 3, "c": 4})
    await engine.counters.reset(TENANT, ["a", "b", "missing"])
    assert await engine.counters.values(TENANT, ["a", "b", "c"]) == {"a": 0, "b": 0, "c": 4}


async def test_a_counter_holds_large_numbers_exactly(engine: Engine) -> None:
    await engine.counters.add(TENANT, {"a": 2**53 - 1})
    assert await engine.counters.add(TENANT, {"a": 1}) == {"a": 2**53}
    assert await engine.counters.add(TENANT, {"a": 1}) == {"a": 2**53 + 1}


async def test_concurrent_adds_are_all_counted(engine: Engine, peer: Engine) -> None:
    await asyncio.gather(*((engine if n % 2 else peer).counters.add(TENANT, {"a": 1, "b": 2}) for n in range(100)))
    assert await engine.counters.values(TENANT, ["a", "b"]) == {"a": 100, "b": 200}


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_string_names_a_counter_of_any_tenant(engine: Engine, name: str) -> None:
    await engine.counters.add(name, {name: 7})
    await engine.counters.add(name + "a", {name: 1})
    await engine.counters.add(name, {name + "a": 2})
    assert await engine.counters.values(name, [name, name + "a"]) == {name: 7, name + "a": 2}
    assert (await taken(engine, calls(1, tenant=name, name=name))).allowed
    assert (await taken(engine, calls(1, tenant=name + "a", name=name))).allowed
    assert not (await taken(engine, calls(1, tenant=name, name=name))).allowed


async def test_joined_names_are_not_confused(engine: Engine) -> None:
    await engine.counters.add("a", {"b:c": 1})
    await engine.counters.add("a:b", {"c": 2})
    assert await engine.counters.values("a", ["b:c", "c"]) == {"b:c": 1, "c": 0}
    assert await engine.counters.values("a:b", ["c"]) == {"c": 2}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.integers(-20, 20), max_size=12))
async def test_sums_follow_plain_arithmetic(engine: Engine, amounts: list[int]) -> None:
    await engine.counters.reset(TENANT, ["n"])
    value = 0
    for amount in amounts:
        value = max(0, value + amount)
        assert await engine.counters.add(TENANT, {"n": amount}) == {"n": value}
    assert await engine.counters.values(TENANT, ["n"]) == {"n": value}

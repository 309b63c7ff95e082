import pytest

from memory.engines.redis.client import REST_SECONDS, SLOW_SECONDS, Breaker
from memory.errors import StoreUnavailable


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, clock: Clock, seconds: float) -> None:
    began = breaker.enter()
    clock.now += seconds
    breaker.failed(began)


def test_quick_failures_never_open_it(breaker: Breaker, clock: Clock) -> None:
    for _ in range(100):
        fail(breaker, clock, SLOW_SECONDS / 2)


def test_a_slow_failure_makes_the_next_calls_fail_at_once(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, clock, SLOW_SECONDS)
    clock.now += REST_SECONDS * 0.9
    with pytest.raises(StoreUnavailable):
        breaker.enter()


def test_a_call_given_up_while_others_are_answered_does_not_open_it(breaker: Breaker, clock: Clock) -> None:
    began = breaker.enter()
    clock.now += SLOW_SECONDS
    breaker.answered()
    breaker.failed(began)
    breaker.enter()


def test_after_the_rest_one_call_probes_and_the_others_still_fail(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, clock, SLOW_SECONDS)
    clock.now += REST_SECONDS
    breaker.enter()
    with pytest.raises(StoreUnavailable):
        breaker.enter()


def test_an_answered_probe_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, clock, SLOW_SECONDS)
    clock.now += REST_SECONDS
    breaker.enter()
    breaker.answered()
    breaker.enter()
    breaker.enter()


def test_a_failed_probe_however_quick_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, clock, SLOW_SECONDS)
    clock.now += REST_SECONDS
    fail(breaker, clock, 0.0)
    with pytest.raises(StoreUnavailable):
        breaker.enter()
    clock.now += REST_SECONDS
    breaker.enter()

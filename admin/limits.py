"""Rate limits: from which windows of time a request takes, and the taking, with or without the engine."""

import asyncio
import contextlib
import ipaddress
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import lru_cache

from cachetools import TLRUCache
from msgspec import Struct

from admin.plans import Quotas
from memory.caller import SYSTEM, Caller
from memory.engines.base import BOUNDLESS, Counters, Take, Taken
from memory.errors import RateLimited, StoreUnavailable
from memory.service.clock import Clock, system_clock

log = logging.getLogger("remora.limits")

MINUTE, DAY = 60, 86_400
REQUESTS = "requests"
"""The name of a tenant's windows of a minute and of a day, which count all its requests."""

REST_SECONDS = 0.5
"""For so long an engine that did not answer is not asked again."""

_TICKS, _TICK_SECONDS = 10, 0.025
"""An engine that answers nobody anything during as many ticks is taken to be away. So does the breaker of the Redis
client (`SLOW_SECONDS`), so that retrieval, which follows, does not wait for it once more."""

_WINDOWS = 20_000
"""How many windows one process counts by itself; the least used are forgotten first."""


class Allowance(Struct, frozen=True):
    """What is left of a window."""

    limit: int
    remaining: int
    reset_at: int
    """Unix milliseconds."""


class Admission(Struct, frozen=True):
    allowance: Allowance
    """Of the tightest window."""
    counted: bool
    """Whether the engine has counted the request in its tenant's windows."""


def windows(caller: Caller, address: str, quotas: Quotas, requests_per_minute: int) -> list[Take]:
    """What a request takes: from its key's window (its address's, where no key is asked for) and from its tenant's.
    Nothing where nothing is limited, else also from the tenant's windows without a limit, so that they count."""
    quota = ((quotas.requests_per_minute, MINUTE), (quotas.requests_per_day, DAY))
    if not (requests_per_minute or any(limit for limit, _ in quota)):
        return []
    takes = [requests(caller.tenant, seconds, 1, limit=limit or BOUNDLESS) for limit, seconds in quota]
    if requests_per_minute:
        keyed = caller.key is not None or caller.operator
        tenant, name = (caller.tenant, f"key:{caller.name}") if keyed else (SYSTEM, f"address:{address}")
        takes.append(Take(tenant=tenant, name=name, limit=requests_per_minute, window_seconds=MINUTE))
    return takes


def requests(tenant: str, seconds: int, amount: int, *, limit: int = BOUNDLESS) -> Take:
    """So many of a tenant's requests, from its window of so many seconds; an `amount` of 0 only looks."""
    return Take(tenant=tenant, name=REQUESTS, limit=limit, window_seconds=seconds, amount=amount)


def requests_in(window: Taken) -> int:
    """How many there were in a window without a limit."""
    return BOUNDLESS - window.remaining


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Whom an address stands for: of IPv6 the /64, within which a machine may choose its address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # a socket file's, or what a trusted proxy passed on unread
        return address[:64]
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))


def window_end(now: int, seconds: int) -> int:
    """When the window of so many seconds ends in which `now` lies; all in Unix milliseconds."""
    return (now // (1000 * seconds) + 1) * 1000 * seconds


class _Count(Struct):
    taken: int


class LocalWindows:
    """Windows as `Counters` has them, but of this process alone."""

    def __init__(self, clock: Clock = system_clock, *, capacity: int = _WINDOWS) -> None:
        self._now = clock
        self._counts: TLRUCache[tuple[str, str, int], _Count] = TLRUCache(capacity, lambda key, *_: key[2], clock)

    def take(self, wanted: Sequence[Take]) -> list[Taken]:
        """As `Counters.take`."""
        now = self._now()
        ends = [window_end(now, take.window_seconds) for take in wanted]
        held = [self._taken(take, end) for take, end in zip(wanted, ends, strict=True)]
        allowed = [taken + take.amount <= take.limit for take, taken in zip(wanted, held, strict=True)]
        if all(allowed):
            held = [taken + take.amount for take, taken in zip(wanted, held, strict=True)]
            for take, end, taken in zip(wanted, ends, held, strict=True):
                self._set(take, end, taken)
        return [
            Taken(allowed=ok, remaining=max(0, take.limit - taken), reset_at=end)
            for take, taken, end, ok in zip(wanted, held, ends, allowed, strict=True)
        ]

    def learn(self, wanted: Sequence[Take], taken: Sequence[Taken]) -> None:
        """Go on from here what the engine answered."""
        for take, answer in zip(wanted, taken, strict=True):
            end = answer.reset_at
            self._set(take, end, max(self._taken(take, end), take.limit - answer.remaining))

    def _taken(self, take: Take, end: int) -> int:
        count = self._counts.get((take.tenant, take.name, end))
        return 0 if count is None else count.taken

    def _set(self, take: Take, end: int, taken: int) -> None:
        if not taken:
            return
        key = (take.tenant, take.name, end)
        count = self._counts.get(key)
        if count is None:
            self._counts[key] = _Count(taken)
        else:  # which costs less than to store it again
            count.taken = taken


class FailedKeys:
    """Who tries keys is soon told nothing of them any more. Counted by each process for itself."""

    def __init__(self, per_minute: int, clock: Clock = system_clock) -> None:
        self._per_minute = per_minute
        self._now = clock
        self._windows = LocalWindows(clock)
        self._quiet_from = 0
        """From then on nothing is counted of anyone."""

    def refusal(self, address: str) -> RateLimited | None:
        """What to answer an address from which too many wrong keys came within this minute."""
        if self._now() >= self._quiet_from:
            return None
        (seen,) = self._windows.take([self._take(address, 0)])
        if seen.remaining:
            return None
        return RateLimited("Too many invalid API keys", limit=self._per_minute, reset_at=seen.reset_at)

    def count(self, address: str) -> None:
        (seen,) = self._windows.take([self._take(address, 1)])
        self._quiet_from = seen.reset_at

    def _take(self, address: str, amount: int) -> Take:
        return Take(
            tenant=SYSTEM,
            name=f"failed:{address}",
            limit=self._per_minute,
            window_seconds=MINUTE,
            amount=amount,
        )


class Limiter:
    """Takes from the engine's windows; while the engine is away from this process's own, which go on from what the
    engine said last. A refused connection is noticed at once and a hanging engine within a quarter of a second, and
    then it costs no request anything."""

    def __init__(
        self, counters: Counters, clock: Clock = system_clock, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._counters = counters
        self._local = LocalWindows(clock)
        self._timer = timer
        self._ask_again_at: float | None = None
        self._answers = 0

    async def admit(self, wanted: Sequence[Take]) -> Admission:
        """Take all that is wanted. Raises RateLimited, and nothing is taken, where a window has too little left."""
        try:
            taken = await self._ask(wanted)
        except StoreUnavailable as error:
            self._note(away=True, reason=error.message)
            taken, counted = self._local.take(wanted), False
        else:
            self._note(away=False)
            self._local.learn(wanted, taken)
            counted = True
        refuse(wanted, taken)
        return Admission(_tightest(wanted, taken), counted)

    async def _ask(self, wanted: Sequence[Take]) -> list[Taken]:
        if self._ask_again_at is not None:
            now = self._timer()
            if now < self._ask_again_at:
                raise StoreUnavailable("the engine did not answer a moment ago")
            self._ask_again_at = now + REST_SECONDS  # this request asks for all
        try:
            async with self._while_answering():
                taken = await self._counters.take(wanted)
        except TimeoutError:
            raise StoreUnavailable("the engine does not answer") from None
        self._answers += 1
        return taken

    @contextlib.asynccontextmanager
    async def _while_answering(self) -> AsyncIterator[None]:
        """Raises TimeoutError where the engine answers no request for a while. It is ticks that count and not the
        time: in a process with much to do answers wait long to be read, and then every tick is late too."""
        loop = asyncio.get_running_loop()
        answers, ticks = self._answers, 0
        timer: asyncio.TimerHandle

        def tick() -> None:
            nonlocal answers, ticks, timer
            ticks = ticks + 1 if answers == self._answers else 0
            answers = self._answers
            if ticks == _TICKS:
                patience.reschedule(loop.time())
            else:
                timer = loop.call_later(_TICK_SECONDS, tick)

        async with asyncio.timeout(None) as patience:
            timer = loop.call_later(_TICK_SECONDS, tick)
            try:
                yield
            finally:
                timer.cancel()

    def _note(self, *, away: bool, reason: str = "") -> None:
        """Logs that an outage begins or ends, and not each request that it touches."""
        if away and self._ask_again_at is None:
            log.warning("each process counts requests by itself: %s", reason)
            self._ask_again_at = self._timer() + REST_SECONDS
        elif not away and self._ask_again_at is not None:
            log.info("the engine counts requests again")
            self._ask_again_at = None


def refuse(wanted: Sequence[Take], taken: Sequence[Taken]) -> None:
    """Raises RateLimited where something was not allowed, naming the window that stays closed the longest."""
    closed = [(answer.reset_at, take) for take, answer in zip(wanted, taken, strict=True) if not answer.allowed]
    if closed:
        reset_at, take = max(closed, key=lambda window: window[0])
        span = "a minute" if take.window_seconds == MINUTE else "a day"
        raise RateLimited(f"Rate limit exceeded: {take.limit:,} requests {span}", limit=take.limit, reset_at=reset_at)


def _tightest(wanted: Sequence[Take], taken: Sequence[Taken]) -> Allowance:
    """Of the limited windows that which has the least left; of two alike that which stays so the longer."""
    limited = [
        Allowance(take.limit, answer.remaining, answer.reset_at)
        for take, answer in zip(wanted, taken, strict=True)
        if take.limit != BOUNDLESS
    ]
    return min(limited, key=lambda window: (window.remaining, -window.reset_at))

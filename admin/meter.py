"""What each tenant's requests were and how long they took, summed up in the process and now and then added to the
engine's counters, so that no request waits for them."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Literal, NamedTuple, Self, TypeVar

from admin.limits import DAY, MINUTE, requests, window_end
from config.supervisor import Supervisor, stop_if_cancelled
from memory.engines.base import AddCounter, Engine
from memory.errors import StoreUnavailable
from memory.service.clock import Clock, system_clock

log = logging.getLogger("remora.meter")

Operation = Literal["write", "read", "search", "context", "chat", "other"]

REQUESTS_TOTAL = "stats.requests"
"""The counter of all requests that a tenant was answered, but for those over a limit."""

FLUSH_SECONDS = 1.0

_LAST_SECONDS = 2.0
"""How long a process that ends waits for what it has counted to be stored."""

_PENDING = 50_000
"""So many sums are kept while the engine is away; what would make a further one is not counted."""

_BATCH = 500
"""How many go into one round trip."""

K = TypeVar("K")


class _Sum(NamedTuple):
    tenant: str
    name: str


class _Window(NamedTuple):
    """One of a tenant's windows of requests."""

    tenant: str
    seconds: int
    ends_at: int


def count_of(operation: Operation) -> str:
    """The counter of how often it took place."""
    return f"stats.{operation}.count"


def micros_of(operation: Operation) -> str:
    """The counter of how many microseconds it took in all."""
    return f"stats.{operation}.micros"


class Meter:
    """An async context manager: between entering and leaving it flushes once in FLUSH_SECONDS, and at the end."""

    def __init__(self, engine: Engine, supervisor: Supervisor, clock: Clock = system_clock) -> None:
        self._engine = engine
        self._supervisor = supervisor
        self._now = clock
        self._sums: dict[_Sum, int] = {}
        self._windows: dict[_Window, int] = {}
        self._flushing = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._flusher = self._supervisor.start(self._flush_on(), name="meter")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.wait((self._flusher,))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self.flush()

    def admitted(self, tenant: str, *, counted: bool) -> None:
        """A request of the tenant is let in; `counted`: the engine has it in the tenant's windows already."""
        _count(self._sums, _Sum(tenant, REQUESTS_TOTAL), 1)
        if not counted:
            now = self._now()
            for seconds in (MINUTE, DAY):
                _count(self._windows, _Window(tenant, seconds, window_end(now, seconds)), 1)

    def record(self, tenant: str, operation: Operation, milliseconds: float) -> None:
        """It took place, and took so long."""
        _count(self._sums, _Sum(tenant, count_of(operation)), 1)
        _count(self._sums, _Sum(tenant, micros_of(operation)), round(1000 * milliseconds))

    async def flush(self) -> None:
        """Add what was counted to the engine's counters. What it does not take is kept for the next time, and of that
        what belongs to windows which are over by then is dropped."""
        async with self._flushing:
            now = self._now()
            for window in [window for window in self._windows if window.ends_at <= now]:
                del self._windows[window]
            try:
                await _drain(self._sums, self._add)
                await _drain(self._windows, self._take)
            except StoreUnavailable as error:
                log.debug("what was counted is kept: %s", error.message)

    async def _flush_on(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except Exception:
                log.exception("what was counted could not be stored")
            stop_if_cancelled()

    async def _add(self, sums: Sequence[tuple[_Sum, int]]) -> None:
        await self._engine.commit(
            [AddCounter(tenant=each.tenant, name=each.name, amount=amount) for each, amount in sums]
        )

    async def _take(self, windows: Sequence[tuple[_Window, int]]) -> None:
        await self._engine.counters.take(
            [requests(window.tenant, window.seconds, amount) for window, amount in windows]
        )


def _count(pending: dict[K, int], key: K, amount: int) -> None:
    if key in pending:
        pending[key] += amount
    elif len(pending) < _PENDING:
        pending[key] = amount


async def _drain(pending: dict[K, int], store: Callable[[Sequence[tuple[K, int]]], Awaitable[None]]) -> None:
    """`store` all that is pending; what comes meanwhile stays."""
    taken = list(pending.items())
    for start in range(0, len(taken), _BATCH):
        batch = taken[start : start + _BATCH]
        await store(batch)
        for key, amount in batch:
            pending[key] -= amount
            if not pending[key]:
                del pending[key]

"""What was looked up in the store, believed for a while, and for longer while the store is down."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from cachetools import TTLCache

from memory.errors import StoreUnavailable

DEADLINE_SECONDS = 0.25
"""How long a lookup is waited for where there is something else to answer."""

ABSENT_SECONDS = 1.0
"""For how long it is believed that there is nothing."""

K = TypeVar("K")
V = TypeVar("V")


class Lookups(Generic[K, V]):
    """`load` by key. What it found is believed for `fresh_seconds`, and for `stale_seconds` if a later lookup fails or
    takes too long. Lookups of one key at the same time are one."""

    def __init__(
        self,
        load: Callable[[K], Awaitable[V | None]],
        *,
        fresh_seconds: float,
        stale_seconds: float,
        size: int,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._fresh_seconds = fresh_seconds
        self._timer = timer
        self._found: TTLCache[K, tuple[V, float]] = TTLCache(size, stale_seconds, timer)
        # Apart, so that made-up keys push out no real ones.
        self._absent: TTLCache[K, None] = TTLCache(size, ABSENT_SECONDS, timer)
        self._flights: dict[K, asyncio.Future[V | None]] = {}

    async def get(self, key: K, *, otherwise: V | None = None) -> V | None:
        """None where there is none. Raises StoreUnavailable where the store is down and neither an old finding nor
        `otherwise` can stand in."""
        known = self._known(key)
        if known is not None and self._timer() - known[1] < self._fresh_seconds:
            return known[0]
        if key in self._absent:
            return None
        substitute = otherwise if known is None else known[0]
        if substitute is None:
            return await self._look(key)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await self._look(key)
        except (StoreUnavailable, TimeoutError):
            return substitute

    def learn(self, key: K, found: V) -> None:
        """What was just written, in place of a lookup."""
        self.forget(key)
        self._keep(key, found)

    def forget(self, key: K) -> None:
        """The next `get` looks anew, whatever is known or under way."""
        self._found.pop(key, None)
        self._absent.pop(key, None)
        self._flights.pop(key, None)

    def _known(self, key: K) -> tuple[V, float] | None:
        try:
            return self._found[key]  # `get` looks twice, and takes [M] three times as long
        except KeyError:
            return None

    async def _look(self, key: K) -> V | None:
        while (flight := self._flights.get(key)) is not None:
            # Unlike awaiting it, this neither cancels it nor mistakes its cancellation for one's own.
            await asyncio.wait((flight,))
            if not flight.cancelled():
                return flight.result()
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            found = await self._load(key)
        except asyncio.CancelledError:
            self._land(key, flight)
            flight.cancel()
            raise
        except BaseException as error:
            self._land(key, flight)
            flight.set_exception(error)
            flight.exception()  # seen: nobody else may be waiting for it
            raise
        if self._land(key, flight):
            self._keep(key, found)
        flight.set_result(found)
        return found

    def _land(self, key: K, flight: asyncio.Future[V | None]) -> bool:
        """Whether what it brings may be kept: nobody said `forget` meanwhile."""
        if self._flights.get(key) is not flight:
            return False
        del self._flights[key]
        return True

    def _keep(self, key: K, found: V | None) -> None:
        if found is None:
            self._found.pop(key, None)
            self._absent[key] = None
        else:
            self._found[key] = (found, self._timer())

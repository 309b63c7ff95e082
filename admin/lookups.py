"""What was looked up in the store, believed for a while, and for longer while the store is down."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from cachetools import TTLCache

from config.supervisor import Supervisor
from memory.errors import StoreUnavailable

DEADLINE_SECONDS = 0.25
"""How long a lookup is waited for where an old finding can answer."""

ABSENT_SECONDS = 1.0
"""For how long it is believed that there is nothing."""

K = TypeVar("K")
V = TypeVar("V")


class _Flight(NamedTuple, Generic[V]):
    """A lookup under way. That the store is down it returns: raised, the supervisor would log it as an accident."""

    task: "asyncio.Task[V | StoreUnavailable]"
    began: float


class Lookups(Generic[K, V]):
    """`load` by key. What it found is believed for `fresh_seconds`, and for `stale_seconds` if a later lookup fails or
    takes too long. Lookups of one key at the same time are one, and go on when those who wait for it leave."""

    def __init__(
        self,
        load: Callable[[K], Awaitable[V | None]],
        supervisor: Supervisor,
        *,
        fresh_seconds: float,
        stale_seconds: float,
        size: int,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._supervisor = supervisor
        self._fresh_seconds = fresh_seconds
        self._timer = timer
        self._found: TTLCache[K, tuple[V, float]] = TTLCache(size, stale_seconds, timer)
        # Apart, so that made-up keys push out no real ones.
        self._absent: TTLCache[K, None] = TTLCache(size, ABSENT_SECONDS, timer)
        self._flights: dict[K, _Flight[V | None]] = {}

    async def get(self, key: K, *, otherwise: V | None = None) -> V | None:
        """None where there is none. `otherwise` stands in where the store is down and nothing was found before: never
        for a store that is merely slow, which may hold something else. Raises StoreUnavailable where nothing can."""
        known = self._known(key)
        if known is None:
            try:
                return await self.sure(key)
            except StoreUnavailable:
                if otherwise is None:
                    raise
                return otherwise
        if self._timer() - known[1] < self._fresh_seconds:
            return known[0]
        flight = self._flight(key)
        # All who wait for one flight wait DEADLINE_SECONDS in all, not each of them.
        left = flight.began + DEADLINE_SECONDS - asyncio.get_running_loop().time()
        try:
            return await _landed(flight, left) if left > 0 else known[0]
        except (StoreUnavailable, TimeoutError):
            return known[0]

    async def sure(self, key: K) -> V | None:
        """As `get`, but nothing stands in for what is no longer fresh."""
        known = self._known(key)
        if known is not None and self._timer() - known[1] < self._fresh_seconds:
            return known[0]
        if key in self._absent:
            return None
        return await _landed(self._flight(key))

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

    def _flight(self, key: K) -> _Flight[V | None]:
        flight = self._flights.get(key)
        if flight is None:
            task = self._supervisor.start(self._fly(key), name="lookup")
            flight = self._flights[key] = _Flight(task, asyncio.get_running_loop().time())
        return flight

    async def _fly(self, key: K) -> V | StoreUnavailable | None:
        try:
            found = await self._load(key)
        except StoreUnavailable as error:
            return error
        else:
            if self._is_this(key):
                self._keep(key, found)
            return found
        finally:
            if self._is_this(key):
                del self._flights[key]

    def _is_this(self, key: K) -> bool:
        """Whether the running flight is still the key's: nobody said `forget` meanwhile."""
        flight = self._flights.get(key)
        return flight is not None and flight.task is asyncio.current_task()

    def _keep(self, key: K, found: V | None) -> None:
        if found is None:
            self._found.pop(key, None)
            self._absent[key] = None
        else:
            self._found[key] = (found, self._timer())


async def _landed(flight: _Flight[V], seconds: float | None = None) -> V:
    """What it brought. Raises StoreUnavailable, and TimeoutError after so many seconds."""
    # Unlike awaiting it, this neither cancels it nor mistakes its cancellation for one's own.
    await asyncio.wait((flight.task,), timeout=seconds)
    if not flight.task.done():
        raise TimeoutError
    if flight.task.cancelled():
        raise StoreUnavailable("this server is ending")
    found = flight.task.result()
    if isinstance(found, StoreUnavailable):
        raise found
    return found

"""What calls leave behind (receipts, jobs), on its way into the engine."""

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Sequence
from itertools import islice

from admin.metrics import Metrics
from config.logging import unbind_request
from config.supervisor import Supervisor
from memory.engines.base import Engine, Write
from memory.errors import StoreUnavailable

log = logging.getLogger("remora.outbox")

CAPACITY = 5_000
"""How many calls' writes are kept while the engine is away."""

_BATCH = 64
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


class Outbox:
    """One round trip at a time, which takes along what has gathered meanwhile, from however many calls.

    Writes that the engine does not take are kept in memory and tried again until it does. They don't survive the
    process; those left when it ends orderly are given the supervisor's drain time.
    """

    def __init__(self, engine: Engine, supervisor: Supervisor, metrics: Metrics, *, wait_seconds: float = 0.25) -> None:
        """`wait_seconds`: how long an answer waits for what it leaves behind to be stored."""
        self._engine = engine
        self._supervisor = supervisor
        self._metrics = metrics
        self._wait_seconds = wait_seconds
        self._waiting: deque[_Parcel] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._away = False
        self._lost = 0

    async def commit(self, writes: Sequence[Write]) -> bool:
        """Store `writes`: True when that is done, False when it was not in time and is tried on beside the call.
        While the engine is known to be away, that is said at once."""
        parcel = self._put(writes)
        if not self._away:
            try:
                async with asyncio.timeout(self._wait_seconds):
                    if await parcel.stored:
                        return True
            except TimeoutError:
                pass
        self._metrics.write_deferred()
        return False

    def post(self, writes: Sequence[Write]) -> None:
        """Store `writes` beside the call."""
        self._put(writes)

    def _put(self, writes: Sequence[Write]) -> "_Parcel":
        parcel = _Parcel(writes)
        if len(self._waiting) >= CAPACITY:
            self._give_up(parcel, "too many wait for an engine that is away")
            return parcel
        self._waiting.append(parcel)
        if self._sender is None or self._sender.done():
            self._sender = self._supervisor.start(self._send(), name="outbox", drain=True)
        return parcel

    async def _send(self) -> None:
        unbind_request()  # it works for whichever calls come
        pause, most = _FIRST_PAUSE, _BATCH
        while self._waiting:
            batch = list(islice(self._waiting, most))
            try:
                await self._engine.commit([write for parcel in batch for write in parcel.writes])
            except StoreUnavailable:
                self._away = True
                for parcel in self._waiting:
                    parcel.settle(stored=False)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            except Exception:
                log.exception("what calls left behind was not stored")
                if len(batch) > 1:
                    most = 1  # one of them is to blame
                    continue
                batch[0].context.run(self._give_up, batch[0], "the engine refuses it")
            pause, self._away = _FIRST_PAUSE, False
            for _ in batch:
                self._waiting.popleft().settle(stored=True)

    def _give_up(self, parcel: "_Parcel", reason: str) -> None:
        parcel.settle(stored=False)
        self._metrics.write_lost()
        self._lost += 1
        if self._lost & (self._lost - 1) == 0:  # 1, 2, 4, 8 …: a log is not to be flooded
            log.error("what a call left behind is lost (%s); %d so far", reason, self._lost)


class _Parcel:
    """One call's writes."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self.writes = writes
        self.context = contextvars.copy_context()
        """Names the call in the log."""
        self.stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def settle(self, *, stored: bool) -> None:
        if not self.stored.done():
            self.stored.set_result(stored)

"""What calls leave behind (receipts, jobs), on its way into the engine."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from config.supervisor import Supervisor
from memory.engines.base import Engine, Write
from memory.errors import StoreUnavailable

log = logging.getLogger("remora.outbox")

DEADLINE_SECONDS = 0.25
"""How long an answer waits for what it leaves behind to be stored."""

CAPACITY = 1_000
"""How many calls' writes are kept while the engine is away; beyond that the oldest are lost."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


class Outbox:
    """Writes that the engine does not take in time are kept in memory and tried again until it does.

    They don't survive the process; those left when it ends orderly are given the supervisor's drain time.
    """

    def __init__(self, engine: Engine, supervisor: Supervisor) -> None:
        self._engine = engine
        self._supervisor = supervisor
        self._waiting: deque[Sequence[Write]] = deque()
        self._sender: asyncio.Task[None] | None = None
        self.deferred = 0
        """How many calls' writes were not stored when their answer went out."""
        self.lost = 0
        """How many calls' writes were given up."""

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def commit(self, writes: Sequence[Write]) -> bool:
        """Store `writes`: True when that is done, False when it will be tried again beside the call (or can't be)."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._engine.commit(writes)
        except (StoreUnavailable, TimeoutError):
            self.deferred += 1
            self.post(writes)
        except Exception:
            log.exception("what a call left behind could not be stored")
            self.lost += 1
        else:
            return True
        return False

    def post(self, writes: Sequence[Write]) -> None:
        """Store `writes` beside the call."""
        if len(self._waiting) == CAPACITY:
            self._waiting.popleft()
            self.lost += 1
            log.error("the engine is away for too long: what %d calls left behind is lost", self.lost)
        self._waiting.append(writes)
        if self._sender is None or self._sender.done():
            self._sender = self._supervisor.start(self._send(), name="outbox", drain=True)

    async def _send(self) -> None:
        pause = _FIRST_PAUSE
        while self._waiting:
            writes = self._waiting[0]
            try:
                await self._engine.commit(writes)
            except StoreUnavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            except Exception:
                log.exception("what a call left behind could not be stored")
                self.lost += 1
            pause = _FIRST_PAUSE
            # Another may have been pushed out meanwhile, this one even.
            if self._waiting and self._waiting[0] is writes:
                self._waiting.popleft()

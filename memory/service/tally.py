"""Counting how often memories were found, off the searches' own path."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NoReturn

from config.supervisor import stop_if_cancelled
from memory.engines.base import Memories
from memory.errors import StoreUnavailable
from memory.service.clock import Clock, system_clock

_GATHER_SECONDS = 1.0


class Tally:
    """Gathers in this process what `run` writes once a second. What an outage, or the process's end, finds unwritten
    is not counted: these counts are worth no wait."""

    def __init__(self, memories: Memories, *, clock: Clock = system_clock) -> None:
        self._memories = memories
        self._now = clock
        self._found: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._any = asyncio.Event()

    def add(self, tenant: str, ids: Sequence[int]) -> None:
        """Each of these memories was found once more."""
        if ids:
            self._found[tenant].update(ids)
            self._any.set()

    async def run(self) -> NoReturn:
        while True:
            await self._any.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            await self.flush()
            stop_if_cancelled()

    async def flush(self) -> None:
        """Write what has gathered."""
        found, self._found = self._found, defaultdict(Counter)
        self._any.clear()
        try:
            for tenant, counts in found.items():
                for times in set(counts.values()):
                    ids = [id for id, count in counts.items() if count == times]
                    await self._memories.touch(tenant, ids, now=self._now(), accesses=0, searches=times)
        except StoreUnavailable:
            return

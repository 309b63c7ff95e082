"""Counting how often memories were found, off the searches' own path."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NoReturn

from config.supervisor import stop_if_cancelled
from memory.engines.base import Memories
from memory.errors import StoreUnavailable
from memory.service.clock import Clock, system_clock

log = logging.getLogger("remora.tally")

_GATHER_SECONDS = 1.0

_PENDING = 50_000
"""Of so many memories it gathers counts at once; what would be a further one's is not counted."""


class Tally:
    """Gathers in this process what `run` writes once a second. What an outage, or the process's end, finds unwritten
    is not counted: these counts are worth no wait."""

    def __init__(self, memories: Memories, *, clock: Clock = system_clock) -> None:
        self._memories = memories
        self._now = clock
        self._found: Counter[tuple[str, int]] = Counter()
        self._any = asyncio.Event()

    def add(self, tenant: str, ids: Sequence[int]) -> None:
        """Each of these memories was found once more."""
        if ids and len(self._found) + len(ids) <= _PENDING:
            self._found.update((tenant, id) for id in ids)
            self._any.set()

    async def run(self) -> NoReturn:
        while True:
            await self._any.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            try:
                await self.flush()
            except Exception:
                log.exception("what was found could not be counted")
            stop_if_cancelled()

    async def flush(self) -> None:
        """Write what has gathered."""
        found, self._found = self._found, Counter()
        self._any.clear()
        alike: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        for (tenant, id), times in found.items():
            alike[tenant, times].append(id)
        try:
            for (tenant, times), ids in alike.items():
                await self._memories.touch(tenant, ids, now=self._now(), accesses=0, searches=times)
        except StoreUnavailable:
            return

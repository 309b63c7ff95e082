"""Retention: memories older than their namespace keeps them are deleted, by a job that comes round every hour."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NoReturn

import msgspec

from config.supervisor import stop_if_cancelled
from memory import ids
from memory.caller import SYSTEM
from memory.engines.base import Append, Engine, Enqueue, Filter, Job, Jobs
from memory.errors import StoreUnavailable
from memory.model import Namespace
from memory.service.audit import audit
from memory.service.clock import Clock, system_clock
from memory.service.directory import Directory
from memory.service.erase import erase_old_memories

log = logging.getLogger("remora.retention")

JOB_KIND = "sweep"
SWEEP_SECONDS = 3600
ACTOR = "retention"
"""In the audit log."""

_DAY_MS = 24 * 3600 * 1000
_PAGE = 500
_OUTAGE_SECONDS = 60.0


class Retention:
    def __init__(
        self,
        engine: Engine,
        directory: Directory,
        tenants: Callable[[], AsyncIterator[str]],
        *,
        clock: Clock = system_clock,
    ) -> None:
        """`tenants` gives those whose memories may be written."""
        self._engine = engine
        self._directory = directory
        self._tenants = tenants
        self._now = clock

    async def handle(self, job: Job) -> bytes:  # noqa: ARG002
        """Sweeps all there is; interrupted, it can be done again. The result is `{"memories": …}`, how many went."""
        deleted = 0
        async for tenant in self._tenants():
            async for namespace in self._directory.every(tenant):
                deleted += await self._sweep(namespace)
        return msgspec.json.encode({"memories": deleted})

    async def _sweep(self, namespace: Namespace) -> int:
        """By `created_at`, in every state. What goes is told by one entry in the audit log, written with the first of
        it; not by events, of which the feed keeps too few."""
        now = self._now()
        days = (await self._directory.effective(namespace)).retention_days or 0
        oldest = now - days * _DAY_MS
        if not days or oldest < 0:
            return 0
        due = Filter(tenant=namespace.tenant, namespaces=(namespace.name,), current=False, created_to=oldest)
        deleted, told = 0, None
        while (page := await self._engine.memories.list(due, descending=False, limit=_PAGE)).memories:
            entries: Sequence[Append] = ()
            if told is None:
                told = {"retention_days": days, "memories": page.total}
                entries = audit(
                    ACTOR,
                    "namespace.retention",
                    ids.spell(namespace.id, "ns"),
                    tenant=namespace.tenant,
                    at=now,
                    details=told,
                    names={"namespace": namespace.name},
                )
            await erase_old_memories(self._engine, namespace.tenant, page.memories, entries)
            deleted += len(page.memories)
        return deleted


async def sweep_regularly(
    jobs: Jobs, *, clock: Clock = system_clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> NoReturn:
    """Puts a sweep among the jobs at once, and then whenever a new hour of the clock begins: of all the processes that
    do so, one succeeds each time."""
    while True:
        try:
            await jobs.enqueue(Enqueue(kind=JOB_KIND, tenant=SYSTEM, payload=b"", dedupe=JOB_KIND))
        except StoreUnavailable as error:
            log.warning("no sweep could be put among the jobs, trying on: %s", error.message)
            seconds = _OUTAGE_SECONDS
        except Exception:
            log.exception("no sweep could be put among the jobs, trying on")
            seconds = _OUTAGE_SECONDS
        else:
            seconds = SWEEP_SECONDS - clock() / 1000 % SWEEP_SECONDS
        stop_if_cancelled()
        await sleep(seconds)

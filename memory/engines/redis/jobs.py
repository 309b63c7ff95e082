"""The Jobs port."""

import asyncio
import re
import secrets
import time
from typing import Any

from memory.engines.base import Backlog, Enqueue, Job, JobStatus
from memory.engines.redis.client import Client
from memory.engines.redis.keys import Keys
from memory.engines.redis.wire import Argument

LOOK_SECONDS = 1.0
"""How long a waiting worker goes without looking for what came due of the jobs that others delayed or leased since."""
LATE_SECONDS = 0.1
"""By so much may an idle Redis be late to end a blocking read."""

_ID = re.compile(r"job_[0-9a-f]{24}")


class RedisJobs:
    def __init__(self, client: Client, keys: Keys, lease_seconds: float) -> None:
        self._client = client
        self._keys = keys
        self._lease_ms = round(lease_seconds * 1000)

    async def enqueue(self, job: Enqueue) -> str | None:
        id = _new_id()
        return id if await self._client.run("enqueue", *_enqueue(self._keys, job, id)) else None

    async def lease(self, worker: str, *, limit: int = 1, wait_seconds: float = 0.0) -> list[Job]:
        until = time.monotonic() + wait_seconds
        while True:
            leased, last, next_ms = await self._client.run("lease", self._keys.jobs, worker, limit, self._lease_ms)
            left = until - time.monotonic()
            if leased or left <= 0:
                return [_job(one) for one in leased]
            pause = min(left, LOOK_SECONDS) if next_ms < 0 else min(left, LOOK_SECONDS, next_ms / 1000)
            if pause <= LATE_SECONDS:
                await asyncio.sleep(pause)
                continue
            # Waits by reading without a lease: a wait given up, or a worker that dies in it, takes no job along.
            block_ms = round((pause - LATE_SECONDS) * 1000)
            stream = f"{self._keys.jobs}ready"
            await self._client.wait(pause, "XREAD", "BLOCK", max(block_ms, 1), "STREAMS", stream, last)

    async def renew(self, worker: str, job: Job) -> bool:
        return await self._own("renew", worker, job)

    async def done(self, worker: str, job: Job, *, result: bytes | None = None) -> bool:
        return await self._own("done", worker, job, *(() if result is None else (result,)))

    async def retry(self, worker: str, job: Job, *, delay_seconds: float, error: str) -> bool:
        return await self._own("retry", worker, job, round(delay_seconds * 1000), error)

    async def bury(self, worker: str, job: Job, *, error: str) -> bool:
        return await self._own("bury", worker, job, error)

    async def progress(self, worker: str, job: Job, share: float) -> bool:
        return await self._own("progress", worker, job, share)

    async def status(self, tenant: str, id: str) -> JobStatus | None:
        if not _ID.fullmatch(id):
            return None
        fields = ("tenant", "kind", "state", "attempt", "progress", "result", "error")
        owner, kind, state, attempt, progress, result, error = await self._client.one(
            "HMGET", self._keys.job(id), *fields
        )
        if owner is None or owner.decode() != tenant:
            return None
        return JobStatus(
            id=id,
            kind=kind.decode(),
            state=state.decode(),
            attempt=int(attempt),
            progress=float(progress or 0),
            result=result,
            error=None if error is None else error.decode(),
        )

    async def backlog(self) -> Backlog:
        waiting, dead, oldest_ms = await self._client.run("backlog", self._keys.jobs)
        return Backlog(waiting=waiting, dead=dead, oldest_ms=oldest_ms)

    async def _own(self, operation: str, worker: str, job: Job, *arguments: Argument) -> bool:
        return bool(await self._client.run(operation, self._keys.jobs, worker, job.id, job.attempt, *arguments))


def enqueue(keys: Keys, job: Enqueue) -> list[Argument]:
    """A job as jobs.lua reads it, under a new id."""
    return _enqueue(keys, job, _new_id())


def _enqueue(keys: Keys, job: Enqueue, id: str) -> list[Argument]:
    return [
        keys.jobs,
        id,
        job.kind,
        job.tenant,
        job.payload,
        "" if job.dedupe is None else keys.dedupe(job.kind, job.tenant, job.dedupe),
        "" if job.order is None else keys.order(job.kind, job.tenant, job.order),
        round(job.delay_seconds * 1000),
    ]


def _new_id() -> str:
    return f"job_{secrets.token_hex(12)}"


def _job(leased: list[Any]) -> Job:
    id, kind, tenant, payload, attempt, due_at = leased
    return Job(
        id=id.decode(),
        kind=kind.decode(),
        tenant=tenant.decode(),
        payload=payload,
        attempt=attempt,
        due_at=int(due_at),
    )

"""Jobs on SQLite. A waiting worker of this process sleeps until something changes or the next job comes due."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import apsw

from memory.engines.base import Backlog, Enqueue, Job, JobStatus
from memory.engines.sqlite.database import Database

_DEDUPE_MS = 10 * 60 * 1000
_DONE_MS = 60 * 60 * 1000
_DEAD_MS = 7 * 24 * 60 * 60 * 1000

_LONGEST_SLEEP = 1.0
"""Seconds: a job whose enqueueing was cancelled after it took place rings no bell."""

_MINE = "number = ? AND state = 'running' AND worker = ? AND attempt = ?"


class SqliteJobs:
    def __init__(self, database: Database, *, lease_seconds: float, clock: Callable[[], int]) -> None:
        self._database = database
        self._lease_ms = int(lease_seconds * 1000)
        self._clock = clock
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Let waiting workers look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def enqueue(self, job: Enqueue) -> str | None:
        now = self._clock()
        id = await self._database.write(lambda connection: enqueue(connection, job, now=now))
        self.wake()
        return id

    async def lease(self, worker: str, *, limit: int = 1, wait_seconds: float = 0.0) -> list[Job]:
        deadline = time.monotonic() + wait_seconds
        while True:
            changed = self._changed
            jobs, sleep = await self._database.write(lambda connection: self._lease(connection, worker, limit))
            left = deadline - time.monotonic()
            if jobs or left <= 0:
                return jobs
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, sleep)):
                    await changed.wait()

    async def renew(self, worker: str, job: Job) -> bool:
        return await self._update(worker, job, "ready_at = ?", (self._clock() + self._lease_ms,))

    async def progress(self, worker: str, job: Job, share: float) -> bool:
        return await self._update(worker, job, "progress = ?", (float(share),))

    async def retry(self, worker: str, job: Job, *, delay_seconds: float, error: str) -> bool:
        ready_at = self._clock() + int(delay_seconds * 1000)
        changes = "state = 'waiting', worker = NULL, ready_at = ?, error = ?"
        return await self._update(worker, job, changes, (ready_at, error))

    async def done(self, worker: str, job: Job, *, result: bytes | None = None) -> bool:
        changes = "state = 'done', payload = NULL, result = ?, head = 0, ended_at = ?"
        return await self._update(worker, job, changes, (result, self._clock()))

    async def bury(self, worker: str, job: Job, *, error: str) -> bool:
        changes = "state = 'dead', error = ?, head = 0, ended_at = ?"
        return await self._update(worker, job, changes, (error, self._clock()))

    async def status(self, tenant: str, id: str) -> JobStatus | None:
        now = self._clock()
        number = _number(id)

        def read(connection: apsw.Connection) -> JobStatus | None:
            row = connection.execute(
                "SELECT kind, state, attempt, progress, result, error FROM jobs WHERE number = ? AND tenant = ? "
                "AND (ended_at IS NULL OR ended_at > iif(state = 'done', ?, ?))",
                (number, tenant, now - _DONE_MS, now - _DEAD_MS),
            ).fetchone()
            if row is None:
                return None
            kind, state, attempt, progress, result, error = row
            return JobStatus(
                id=id, kind=kind, state=state, attempt=attempt, progress=progress, result=result, error=error
            )

        return None if number is None else await self._database.read(read)

    async def backlog(self) -> Backlog:
        now = self._clock()

        def read(connection: apsw.Connection) -> Backlog:
            waiting, oldest = connection.execute(
                "SELECT count(*), min(due_at) FROM jobs WHERE ended_at IS NULL AND due_at <= ?", (now,)
            ).get
            dead = connection.execute(
                "SELECT count(*) FROM jobs WHERE state = 'dead' AND ended_at > ?", (now - _DEAD_MS,)
            ).get
            return Backlog(waiting=waiting, dead=dead, oldest_ms=0 if oldest is None else max(0, now - oldest))

        return await self._database.read(read)

    def _lease(self, connection: apsw.Connection, worker: str, limit: int) -> tuple[list[Job], float]:
        """The jobs; where there are none, how many seconds to sleep until one may be due."""
        now = self._clock()
        numbers = connection.execute(
            "SELECT number FROM jobs INDEXED BY jobs_head WHERE head AND ready_at <= ? ORDER BY number LIMIT ?",
            (now, limit),
        ).fetchall()
        if not numbers:
            due = connection.execute("SELECT min(ready_at) FROM jobs INDEXED BY jobs_head WHERE head").get
            return [], _LONGEST_SLEEP if due is None else min(_LONGEST_SLEEP, (due - now) / 1000)
        jobs = []
        for (number,) in numbers:
            kind, tenant, payload, attempt, due_at = connection.execute(
                "UPDATE jobs SET state = 'running', worker = ?, attempt = attempt + 1, ready_at = ? WHERE number = ? "
                "RETURNING kind, tenant, payload, attempt, due_at",
                (worker, now + self._lease_ms, number),
            ).get
            jobs.append(Job(id=str(number), kind=kind, tenant=tenant, payload=payload, attempt=attempt, due_at=due_at))
        return jobs, 0.0

    async def _update(self, worker: str, job: Job, changes: str, values: "tuple[apsw.SQLiteValue, ...]") -> bool:
        """Change the job if it is still this worker's; where that ends it, the next of its order may run."""

        def write(connection: apsw.Connection) -> bool:
            ended = connection.execute(
                f"UPDATE jobs SET {changes} WHERE {_MINE} RETURNING ended_at IS NOT NULL, kind, tenant, sequence",
                (*values, _number(job.id), worker, job.attempt),
            ).fetchone()
            if ended is None:
                return False
            has_ended, *line = ended
            if has_ended:
                connection.execute(
                    "UPDATE jobs SET head = 1 WHERE number = (SELECT min(number) FROM jobs "
                    "WHERE kind = ? AND tenant = ? AND sequence = ? AND ended_at IS NULL)",
                    line,
                )
            return True

        updated = await self._database.write(write)
        self.wake()
        return updated


def enqueue(connection: apsw.Connection, job: Enqueue, *, now: int) -> str | None:
    """Its id, None if a duplicate keeps it out."""
    connection.execute(
        "DELETE FROM jobs WHERE (state = 'done' AND ended_at <= ?) OR (state = 'dead' AND ended_at <= ?)",
        (now - _DONE_MS, now - _DEAD_MS),
    )
    if job.dedupe is not None and _is_duplicate(connection, job, now=now):
        return None
    due_at = now + int(job.delay_seconds * 1000)
    number = connection.execute(
        "INSERT INTO jobs (kind, tenant, payload, dedupe, sequence, state, head, ready_at, due_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', NOT EXISTS (SELECT 1 FROM jobs WHERE kind = ?1 AND tenant = ?2 "
        "AND sequence = ?5 AND ended_at IS NULL), ?6, ?7) RETURNING number",
        (
            job.kind,
            job.tenant,
            job.payload,
            job.dedupe,
            job.order,
            due_at,
            due_at,
        ),
    ).get
    return str(number)


def _is_duplicate(connection: apsw.Connection, job: Enqueue, *, now: int) -> bool:
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM jobs WHERE kind = ? AND tenant = ? AND dedupe = ? "
        "AND (ended_at IS NULL OR (state = 'done' AND ended_at > ?)))",
        (job.kind, job.tenant, job.dedupe, now - _DEDUPE_MS),
    ).get
    return bool(found)


def release(connection: apsw.Connection, *, now: int) -> None:
    """End every lease: for a database just opened, whose lock says that no other process is at work on it."""
    connection.execute("UPDATE jobs SET ready_at = ? WHERE state = 'running' AND ready_at > ?", (now, now))


def _number(id: str) -> int | None:
    """The number that `id` spells; None where it spells none of ours."""
    if not id.isascii() or not id.isdigit() or len(id) > 18 or str(int(id)) != id:
        return None
    return int(id)

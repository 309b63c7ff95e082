"""The durable worker: leases jobs, does them, retries or buries what fails."""

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Literal

from msgspec import Struct

from config.supervisor import cause, stop_if_cancelled
from memory.engines.base import LEASE_SECONDS, Engine, Job
from memory.errors import Misconfigured, RemoraError, StoreUnavailable, Unavailable

log = logging.getLogger("remora.worker")

Handler = Callable[[Job], Awaitable[bytes | None]]
"""Does one job, any number of times with the effect of once; what it returns is the job's result."""

Progress = Callable[[float], Awaitable[None]]
"""Told the share of a job that is done, in 0..1."""


class Reporting(Struct, frozen=True):
    """A handler of long jobs, which tells how far it is."""

    handle: Callable[[Job, Progress], Awaitable[bytes | None]]


JobOutcome = Literal["done", "retried", "buried"]

Watch = Callable[[str, JobOutcome, float], None]
"""Told of each attempt at a job: the job's kind, what came of it, and how many seconds it took."""

ATTEMPTS = 5
"""A job that fails so often is buried."""
ATTEMPTS_UNAVAILABLE = 500
"""The same where what fails is not the job but something it depends on: at the longest delay, 40 hours."""

_LEASE_WAIT_SECONDS = 1.0
_GIVE_BACK_SECONDS = 2.0


class Worker:
    """Does the jobs of one engine, up to `concurrency` at once, each by the handler of its kind.

    Any number of workers, in any number of processes, may share an engine: what one was doing when it died, another
    takes over when the lease runs out.
    """

    def __init__(
        self,
        engine: Engine,
        handlers: Mapping[str, Handler | Reporting],
        *,
        concurrency: int = 4,
        renew_seconds: float = LEASE_SECONDS / 3,
        delay: Callable[[int], float] | None = None,
        watch: Watch | None = None,
    ) -> None:
        """`delay` gives the seconds to wait after the attempt of that number, counted from 1."""
        self._engine = engine
        self._handlers = handlers
        self._concurrency = concurrency
        self._renew_seconds = renew_seconds
        self._delay = delay or backoff
        self._watch = watch
        self._name = uuid.uuid4().hex

    async def run(self) -> None:
        """Work until cancelled; what is under way then is given back at once, for another to take."""
        free = asyncio.Semaphore(self._concurrency)
        failures = 0
        async with asyncio.TaskGroup() as tasks:
            while True:
                stop_if_cancelled()
                places = await _all_of(free)
                try:
                    jobs = await self._engine.jobs.lease(self._name, limit=places, wait_seconds=_LEASE_WAIT_SECONDS)
                except RemoraError as error:
                    failures += 1
                    if failures == 1:
                        log.warning("no jobs to be had, trying on: %s", error)
                    _give(free, places)
                    await asyncio.sleep(min(self._delay(failures), _LEASE_WAIT_SECONDS))
                    continue
                failures = 0
                _give(free, places - len(jobs))
                for job in jobs:
                    task = tasks.create_task(self._work(job), name=f"{job.kind} job {job.id}")
                    task.add_done_callback(lambda _: free.release())

    async def drain(self) -> None:
        """Work until no job is left, waiting or running."""
        while (await self._engine.jobs.backlog()).waiting:
            for job in await self._engine.jobs.lease(self._name, wait_seconds=0.2):
                await self._work(job)

    async def _work(self, job: Job) -> None:
        """Never raises but CancelledError: whatever happens to a job is written to the queue, or told by its lease."""
        started = time.monotonic()
        try:
            outcome = await self._attempt(job)
        except asyncio.CancelledError:
            await self._give_back(job)
            raise
        except StoreUnavailable as error:
            log.warning("%s job %s: its outcome could not be kept, its lease will run out: %s", job.kind, job.id, error)
        else:
            if outcome is not None and self._watch is not None:
                self._watch(job.kind, outcome, time.monotonic() - started)

    async def _attempt(self, job: Job) -> JobOutcome | None:
        """None where the job is another worker's by now."""
        if job.attempt > ATTEMPTS_UNAVAILABLE:
            await self._engine.jobs.bury(self._name, job, error="it was begun and never ended, time and again")
            return "buried"
        try:
            result = await self._handle(job)
        except Exception as error:  # noqa: BLE001 - a job may fail in any way, and must not take the worker with it
            return await self._failed(job, error)
        await self._engine.jobs.done(self._name, job, result=result)
        return "done"

    async def _handle(self, job: Job) -> bytes | None:
        """Run the handler while the lease is renewed. A lost lease cancels it: another worker has the job."""
        handler = self._handlers.get(job.kind)
        if handler is None:
            raise Misconfigured(f"nothing here does jobs of the kind {job.kind!r}")
        async with asyncio.TaskGroup() as tasks:
            renewing = tasks.create_task(self._renew(job), name=f"lease of job {job.id}")
            try:
                if isinstance(handler, Reporting):
                    return await handler.handle(job, partial(self._progress, job))
                return await handler(job)
            finally:
                renewing.cancel()

    async def _progress(self, job: Job, share: float) -> None:
        if not await self._engine.jobs.progress(self._name, job, share):
            raise _LeaseLost

    async def _renew(self, job: Job) -> None:
        while True:
            stop_if_cancelled()
            await asyncio.sleep(self._renew_seconds)
            try:
                if not await self._engine.jobs.renew(self._name, job):
                    raise _LeaseLost
            except StoreUnavailable:
                continue  # the lease may outlast the outage; if not, the outcome is refused

    async def _failed(self, job: Job, error: Exception) -> JobOutcome | None:
        reason = cause(error)
        if isinstance(reason, _LeaseLost):
            log.warning("%s job %s went to another worker: its lease ran out here", job.kind, job.id)
            return None
        limit = ATTEMPTS_UNAVAILABLE if isinstance(reason, Unavailable) else ATTEMPTS
        # The text of any other error may quote what the user said.
        told = reason.message if isinstance(reason, RemoraError) else type(reason).__name__
        if job.attempt < limit:
            log.warning("%s job %s failed, to be tried again: %s", job.kind, job.id, told)
            delay = self._delay(job.attempt)
            await self._engine.jobs.retry(self._name, job, delay_seconds=delay, error=told)
            return "retried"
        log.error("%s job %s failed %d times and is buried: %s", job.kind, job.id, job.attempt, told)
        await self._engine.jobs.bury(self._name, job, error=told)
        return "buried"

    async def _give_back(self, job: Job) -> None:
        try:
            async with asyncio.timeout(_GIVE_BACK_SECONDS):
                await self._engine.jobs.retry(self._name, job, delay_seconds=0.0, error="its worker was stopped")
        except (TimeoutError, StoreUnavailable):
            log.warning("%s job %s could not be given back: its lease has to run out", job.kind, job.id)


class _LeaseLost(Exception):
    pass


async def _all_of(free: asyncio.Semaphore) -> int:
    """Waits for a place, then takes all that there are, and says how many."""
    await free.acquire()
    await asyncio.sleep(0)  # jobs that were begun together tend to end in the same turn of the event loop
    places = 1
    while not free.locked():
        await free.acquire()
        places += 1
    return places


def _give(free: asyncio.Semaphore, places: int) -> None:
    for _ in range(places):
        free.release()


def backoff(attempt: int) -> float:
    """Seconds to wait after failed attempt `attempt`, counted from 1: doubling from 1 to at most 300, less up to a
    half at random so that workers don't march in step."""
    return min(300.0, 2.0 ** min(attempt - 1, 10)) * random.uniform(0.5, 1.0)

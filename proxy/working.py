"""What a process does that works off jobs, be it `remora serve` or `remora work`."""

import asyncio

from memory.extraction.worker import Worker
from memory.lifecycle.retention import sweep_regularly
from proxy.parts import Parts


def start_working(parts: Parts) -> asyncio.Task[None]:
    """Does jobs, and sees to it that those which recur are among them, until the task is cancelled or the supervisor
    ends."""
    concurrency = parts.settings.worker.concurrency
    worker = Worker(parts.engine, parts.handlers, concurrency=concurrency, watch=parts.metrics.job_ended)
    parts.supervisor.start(sweep_regularly(parts.engine.jobs), name="retention")
    return parts.supervisor.start(worker.run(), name="learning worker")

"""`remora work`: the learning worker on its own."""

import asyncio
import signal

import structlog

from config.settings import Settings, without_credentials
from memory.extraction.worker import Worker
from proxy.parts import open_parts

log = structlog.stdlib.get_logger("remora")


async def work(settings: Settings) -> None:
    """Learn until a signal ends it; what is under way then is given back, for another worker to take."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with open_parts(settings) as parts:
        log.info("Remora's worker is ready", store=without_credentials(settings.store))
        await Worker(parts.engine, parts.handlers, concurrency=settings.worker.concurrency).run()

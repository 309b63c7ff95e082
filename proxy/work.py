"""`remora work`: the learning worker on its own."""

import asyncio
import contextlib
import signal

import structlog

from config.settings import Settings, without_credentials
from proxy.parts import open_parts
from proxy.working import start_working

log = structlog.stdlib.get_logger("remora")


async def work(settings: Settings) -> None:
    """Learn until a signal ends it; what is under way then is given back, for another worker to take.

    Raises as `open_parts` does.
    """
    async with open_parts(settings) as parts:
        working = start_working(parts)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, working.cancel)
        log.info("Remora's worker is ready", store=without_credentials(settings.store))
        with contextlib.suppress(asyncio.CancelledError):
            await working

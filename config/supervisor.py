"""Background work has one owner: named, strongly referenced, logged when it fails, ended with the application."""

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

log = logging.getLogger("remora.supervisor")


class Supervisor:
    """An async context manager that owns every background task.

    Leaving it waits up to `drain_seconds` for tasks started with `drain=True` and cancels the rest at once.
    """

    def __init__(self, *, drain_seconds: float = 5.0) -> None:
        self._drain_seconds = drain_seconds
        self._draining: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._endless:
            task.cancel()
        if self._draining:
            await asyncio.wait(self._draining, timeout=self._drain_seconds)
        for task in self._draining:
            task.cancel()
        await asyncio.gather(*self._draining, *self._endless, return_exceptions=True)

    def start(self, work: Coroutine[Any, Any, Any], *, name: str, drain: bool = False) -> asyncio.Task[Any]:
        """Run `work` beside the caller. An exception is logged, not raised; awaiting the task still raises it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        owned = self._draining if drain else self._endless
        owned.add(task)
        task.add_done_callback(owned.discard)
        task.add_done_callback(_report)
        return task

    async def join(self) -> None:
        """Wait until all work started with `drain=True` has ended, raising the first exception among it."""
        while self._draining:
            await asyncio.gather(*self._draining)


def stop_if_cancelled() -> None:
    """For endless work, between two steps: a call may have swallowed the cancellation. Before Python 3.12
    `asyncio.wait_for`, which libraries use, does so when it comes while the call completes."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def cause(error: BaseException) -> BaseException:
    """What stands behind the groups in which task groups wrap an exception."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _report(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("background work %r failed", task.get_name(), exc_info=error)

"""Remora itself, as tests run it: in a thread for speed, or as the process that users start, to be killed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from litestar import Litestar

from config import settings
from config.settings import Settings
from memory.engines.base import Engine
from proxy.app import create_app
from tests.support.asgi_server import AsgiServer

T = TypeVar("T")

WAIT_SECONDS = 20.0
PATIENCE_MS = 10_000


def settings_for(
    base_url: str, store: str = "sqlite://", *, upstream: Mapping[str, Any] | None = None, **sections: Any
) -> Settings:
    """Settings for a test: what it says, else the defaults; but memory is waited for, however busy the machine is."""
    sections.setdefault("context", settings.Context(deadline_ms=PATIENCE_MS))
    sections.setdefault("store_wait_ms", PATIENCE_MS)
    return Settings(store=store, upstream=settings.Upstream(base_url=base_url, **(upstream or {})), **sections)


class RemoraServer:
    """The application in a thread; a context manager. `url` is the base URL for an OpenAI client."""

    def __init__(self, settings: Settings, *, graceful_seconds: int = 5) -> None:
        self.app: Litestar = create_app(settings)
        self._server = AsgiServer(self.app, lifespan="on", timeout_graceful_shutdown=graceful_seconds)

    @property
    def origin(self) -> str:
        return self._server.origin

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def engine(self) -> Engine:
        """To be used through `run` only."""
        engine: Engine = self.app.state.parts.engine
        return engine

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await `work()` where the application runs."""

        async def awaited() -> T:
            return await work()

        assert self._server.loop is not None
        return asyncio.run_coroutine_threadsafe(awaited(), self._server.loop).result(WAIT_SECONDS)

    def get(self, path: str, **query: str) -> Any:
        """The answer of a native route."""
        answer = httpx.get(self.origin + path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def memories(self, **where: str) -> list[str]:
        """The contents of all memories of these scopes, newest first."""
        return [memory["content"] for memory in self.get("/v1/memories", limit="1000", **where)["items"]]

    def learned(self) -> None:
        """Returns when everything said so far has been learned."""
        self.run(outbox_emptied)
        self.run(lambda: no_backlog(self.engine))

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


async def outbox_emptied() -> None:
    """Returns when the outbox of this event loop has stored what calls left behind, which on a busy machine may come
    after their answers."""
    if sending := [task for task in asyncio.all_tasks() if task.get_name() == "outbox"]:
        await asyncio.wait(sending)


async def no_backlog(engine: Engine) -> None:
    """Returns when no job is left. Raises AssertionError where one was given up, TimeoutError in the end."""
    async with asyncio.timeout(WAIT_SECONDS):
        while (backlog := await engine.jobs.backlog()).waiting:  # noqa: ASYNC110 - the engine may be another process's
            await asyncio.sleep(0.01)
    assert backlog.dead == 0

"""How commands ask the API."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from config.logging import configure_logging
from config.settings import Log, Settings

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_PAGE = 1000


def ask(settings: Settings, url: str | None, work: Callable[["httpx.AsyncClient"], Awaitable[T]]) -> T:
    """What `work` gives for a client of the API, as `proxy.remote.open_api` opens it. Raises RemoraError."""
    from proxy.remote import open_api

    async def asked() -> T:
        async with open_api(settings, url) as api:
            return await work(api)

    configure_logging(Log(level="error"))
    return asyncio.run(asked())


async def all_of(api: "httpx.AsyncClient", path: str, name: str, **query: str) -> list[dict[str, Any]]:
    """A whole list, page by page; `name` is what its answers call it."""
    found: list[dict[str, Any]] = []
    more = True
    while more:
        page = (await api.get(path, params={**query, "limit": _PAGE, "offset": len(found)})).json()
        found += page[name]
        more = page["has_more"]
    return found

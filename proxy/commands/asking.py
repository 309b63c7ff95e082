"""How commands ask the API."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from config.logging import configure_logging
from config.settings import Log, Settings

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_PAGE = 1000
_PIPED_WIDTH = 240


def ask(settings: Settings, url: str | None, work: Callable[["httpx.AsyncClient"], Awaitable[T]]) -> T:
    """What `work` gives for a client of the API, as `proxy.remote.open_api` opens it. Raises RemoraError."""
    from proxy.remote import open_api

    async def asked() -> T:
        async with open_api(settings, url) as api:
            return await work(api)

    configure_logging(Log(level="error"))
    return asyncio.run(asked())


def tenant_path(id_or_name: str) -> str:
    return f"/admin/tenants/{quote(id_or_name, safe='')}"


async def all_of(api: "httpx.AsyncClient", path: str, name: str, **query: str) -> list[dict[str, Any]]:
    """A whole list, page by page; `name` is what its answers call it."""
    found: list[dict[str, Any]] = []
    more = True
    while more:
        page = (await api.get(path, params={**query, "limit": _PAGE, "offset": len(found)})).json()
        found += page[name]
        more = page["has_more"]
    return found


def show(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table, on standard output; the first column is whole however narrow the terminal."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, no_wrap=place == 0, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console()
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    console.print(table)

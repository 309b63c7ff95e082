"""The API as the command line uses it: over the network, or of the application in this process."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import msgspec
from msgspec import structs

from config.settings import Limits, Secret, Settings, Tracing
from config.supervisor import cause
from memory.api.errors import ErrorBody
from memory.errors import RemoraError, StoreInUse, Unauthenticated, Unavailable
from proxy.app import create_app

_IN_MEMORY = "sqlite://"
_SECONDS = 60.0


@asynccontextmanager
async def open_api(settings: Settings, url: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, with the operator's rights: of the server at `url` or, without one, of the application in
    this process, which answers to a key made for it, since who has the store has the power. Where another process has
    the store, that is asked, at the settings' own address.

    An answer that is an error raises RemoraError with the server's message and `details["status"]`; it is Unavailable
    where that is 503 or there is no answer. What the application in this process answers comes whole, not streamed.
    """
    async with AsyncExitStack() as stack:
        if url is None and settings.store != _IN_MEMORY:
            try:
                client = await stack.enter_async_context(_here(settings))
            except StoreInUse:
                url = origin(settings)
        else:
            url = url or origin(settings)
        if url is not None:
            client = await stack.enter_async_context(_there(settings, url.rstrip("/").removesuffix("/v1")))
        client.event_hooks = {"response": [_refuse_errors]}
        yield client


def origin(settings: Settings) -> str:
    """Where a server with these settings answers."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


@asynccontextmanager
async def _here(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    key = secrets.token_urlsafe(32)
    app = create_app(
        structs.replace(
            settings,
            admin_key=Secret(key),
            worker=structs.replace(settings.worker, inside=False),
            limits=Limits(),
            tracing=Tracing(),
        )
    )
    try:
        async with (
            app.lifespan(),
            httpx.AsyncClient(
                # Its type of the application differs in the mutability of what is sent.
                transport=httpx.ASGITransport(app),  # type: ignore[arg-type]
                base_url="http://localhost",
                headers={"X-API-Key": key},
            ) as client,
        ):
            yield client
    except BaseExceptionGroup as group:  # Litestar's lifespan wraps what passes through it
        raise cause(group) from None


@asynccontextmanager
async def _there(settings: Settings, origin: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {} if settings.admin_key is None else {"X-API-Key": settings.admin_key.reveal()}
    async with httpx.AsyncClient(base_url=origin, headers=headers, timeout=_SECONDS) as client:
        try:
            yield client
        except httpx.TransportError as error:
            raise Unavailable(f"no answer from a server at {origin}: start it there, or name it with --url") from error


async def _refuse_errors(response: httpx.Response) -> None:
    if not response.is_error:
        return
    try:
        message = msgspec.json.decode(await response.aread(), type=ErrorBody).error.message
    except msgspec.MsgspecError:
        message = f"the server at {response.url.host} answered {response.status_code} {response.reason_phrase}"
    if response.status_code == 401:
        raise Unauthenticated(f"{message}: set REMORA_ADMIN_KEY to that server's", status=401)
    raise (Unavailable if response.status_code == 503 else RemoraError)(message, status=response.status_code)

"""Where every request comes in: it gets a name, and leaves a line in the log."""

import asyncio
import time

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from admin.metrics import Metrics
from admin.middleware import CALLER
from config.logging import bind_request
from memory import ids
from memory.api.options import OPERATION
from memory.caller import Caller
from memory.errors import RemoraError, Unavailable
from proxy.errors import error_answer

REQUEST_ID = "request_id"
"""Where a connection's state has the name: `req_…`."""

MEMORY = "memory"
"""Where a proxied request's state has what memory did for it, or None; no other has one."""

log = structlog.stdlib.get_logger("remora.requests")


class Reception:
    """Around an application that it names each request to: in the connection's state, in the answer as
    `X-Remora-Request-ID`, whoever makes that answer, and in whatever is logged meanwhile."""

    def __init__(self, app: ASGIApp, *, log_requests: bool) -> None:
        self._app = app
        self._ids = ids.IdSource()
        self._log_requests = log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = ids.spell(self._ids.one(), "req")
        bind_request(request_id)
        scope["state"][REQUEST_ID] = request_id
        name = (b"x-remora-request-id", request_id.encode())
        status: int | None = None
        answered: float | None = None

        async def send_named(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], time.perf_counter()
                message["headers"] = [*message["headers"], name]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except asyncio.CancelledError:
            # Nothing but a stopping server cancels a request as a whole, and the traceback of it would tell nothing.
            if status is None:
                await _tell(send_named, Unavailable("the server is shutting down"))
        finally:
            ended = time.perf_counter()
            _count(scope, status, seconds=(answered or ended) - started)
            if self._log_requests:
                _write_line(scope, status, milliseconds=1000 * (ended - started))


async def _tell(send: Send, error: RemoraError) -> None:
    """In the shape that both surfaces have."""
    status, headers, body = error_answer(error)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _count(scope: HTTPScope, status: int | None, *, seconds: float) -> None:
    """`seconds`: until its status went out."""
    metrics: Metrics = scope["litestar_app"].state.parts.metrics
    if MEMORY in scope["state"]:
        metrics.proxied(status=status, memory=scope["state"][MEMORY])
    else:
        options = getattr(scope.get("route_handler"), "opt", {})  # there is no route where none was found
        metrics.native(options.get(OPERATION, "other"), status=status, seconds=seconds)


def _write_line(scope: HTTPScope, status: int | None, *, milliseconds: float) -> None:
    """`status` None: the client left before there was one. The path as it was sent, so that it has no line breaks, and
    without the query string, which may hold a key."""
    caller: Caller | None = scope["state"].get(CALLER)
    path, _, _ = scope["raw_path"].partition(b"?")  # some servers leave the query in it
    log.info(
        "request",
        who=None if caller is None else caller.name,
        method=scope["method"],
        path=path.decode("latin-1"),
        status=status,
        ms=round(milliseconds, 2),
    )

"""Lets native requests in, unless they are to a route that declares itself public, and measures them."""

import time
from typing import Any

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from admin.gate import Gate
from admin.limits import Allowance
from admin.meter import Meter
from memory.api.errors import rate_headers
from memory.api.options import OPERATION, PUBLIC
from memory.caller import Caller

CALLER = "caller"
"""Where a connection's state has its Caller."""


class GateMiddleware(ASGIMiddleware):
    """Puts the Caller into the connection's state; a route is closed unless it says `public`."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        options = scope["route_handler"].opt
        if options.get(PUBLIC):
            await next_app(scope, receive, send)
            return
        parts = scope["litestar_app"].state.parts
        gate: Gate = parts.gate
        meter: Meter = parts.meter
        caller, allowance = await gate.native(scope)  # type: ignore[arg-type]
        scope["state"][CALLER] = caller
        started = time.perf_counter()
        try:
            await next_app(scope, receive, send if allowance is None else _telling(allowance, send))
        finally:
            meter.record(caller.tenant, options.get(OPERATION, "other"), 1000 * (time.perf_counter() - started))


def _telling(allowance: Allowance, send: Send) -> Send:
    """Sends the answer on, with what is left to its caller."""
    limit, remaining, reset_at = allowance.limit, allowance.remaining, allowance.reset_at
    told = rate_headers(limit=limit, remaining=remaining, reset_at=reset_at)
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return telling


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """The Caller of this request."""
    caller = request.scope["state"][CALLER]
    assert isinstance(caller, Caller)
    return caller

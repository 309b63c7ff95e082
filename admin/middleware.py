"""Lets native requests in, unless they are to a route that declares itself public, and measures them."""

import time
from typing import Any

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from admin.capacity import Capacity, Place
from admin.gate import OPERATORS, Gate
from admin.limits import Allowance
from admin.meter import Meter
from memory.api.errors import rate_headers
from memory.api.options import LASTING, OPERATION, PUBLIC
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
        if options.get(LASTING) or scope["path"].startswith(OPERATORS):
            await self._let_in(scope, receive, send, next_app, None)
            return
        capacity: Capacity = scope["litestar_app"].state.parts.capacity
        with capacity.native.take() as place:
            await self._let_in(scope, _held(scope, receive, place), send, next_app, place)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp, place: Place | None) -> None:
        parts = scope["litestar_app"].state.parts
        gate: Gate = parts.gate
        meter: Meter = parts.meter
        caller, allowance = await gate.native(scope)  # type: ignore[arg-type]
        if place is not None:
            place.claim(caller.tenant)
        scope["state"][CALLER] = caller
        started = time.perf_counter()
        try:
            await next_app(scope, receive, send if allowance is None else _telling(allowance, send))
        finally:
            operation = scope["route_handler"].opt.get(OPERATION, "other")
            meter.record(caller.tenant, operation, 1000 * (time.perf_counter() - started))


def _held(scope: Scope, receive: Receive, place: Place) -> Receive:
    """Receives a body whose bytes are accounted for: before any of it is read, where its length is known. Raises
    Overloaded, here or there."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            place.hold(int(value))
            return receive
        if name == b"transfer-encoding":
            break
    else:
        return receive

    async def holding() -> ReceiveMessage:
        message = await receive()
        if message["type"] == "http.request":
            place.hold(len(message["body"]))
        return message

    return holding


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

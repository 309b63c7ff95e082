"""Authenticates every native route that does not declare itself public."""

from typing import Any

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from admin.auth import Authenticator
from memory.caller import Caller

PUBLIC = "public"
"""`opt={PUBLIC: True}` on a route: whoever reaches the server may call it, or it authenticates by itself."""


class AuthenticationMiddleware(ASGIMiddleware):
    """Puts the Caller into the connection's state; a route is closed unless it says `public`."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if not scope["route_handler"].opt.get(PUBLIC):
            authenticator: Authenticator = scope["litestar_app"].state.parts.authenticator
            scope["state"]["caller"] = await authenticator.caller(scope["headers"], scope["query_string"])
        await next_app(scope, receive, send)


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """The Caller of this request."""
    caller = request.scope["state"]["caller"]
    assert isinstance(caller, Caller)
    return caller

"""`GET /metrics`."""

from typing import Any

from litestar import Request, Response, get
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from admin.middleware import CALLER
from admin.scrape import Scrape
from memory.api.documentation import errors
from memory.api.options import PUBLIC
from memory.caller import Caller

_EXAMPLE = """# HELP remora_memories_injected_total Memories that went into prompts.
# TYPE remora_memories_injected_total counter
remora_memories_injected_total 1729.0
"""


def metrics_route(*, public: bool) -> HTTPRouteHandler:
    """The operator's alone, unless it is `public` or no key is asked for at all. It needs the named dependency
    `scrape`."""

    @get(
        "/metrics",
        operation_id="metrics",
        tags=["Metrics"],
        opt={PUBLIC: public},
        guards=[] if public else [_only_the_operator],
        responses={
            200: ResponseSpec(
                str,
                description="The figures",
                media_type="text/plain",
                generate_examples=False,
                examples=[Example(value=_EXAMPLE)],
            ),
            **errors(),
        },
    )
    async def metrics(request: Request[Any, Any, Any], scrape: NamedDependency[Scrape]) -> Response[bytes]:
        """The server's figures, of all tenants together, in Prometheus' text format or, if asked for, in
        OpenMetrics'."""
        text, content_type = await scrape.text(request.headers.get("accept", ""))
        return Response(text, headers={"content-type": content_type})

    return metrics


def _only_the_operator(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    caller: Caller = connection.scope["state"][CALLER]
    if caller.key is not None:  # a tenant's; where no key is asked for there is none
        caller.require_operator()

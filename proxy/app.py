"""The application, as a table of contents."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, asgi
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from admin.api.metrics import metrics_route
from admin.api.routes import admin_routes
from admin.middleware import CALLER, GateMiddleware, provide_caller
from config.settings import Settings
from context.api import context_routes
from memory.api.errors import rest_error
from memory.api.openapi import StructSchemas, Summaries
from memory.api.options import PUBLIC
from memory.api.routes import memory_routes
from memory.errors import NotFound
from memory.service.clock import system_clock
from proxy.asgi import CHAT_PATHS, OpenAIProxy
from proxy.chat import Chat
from proxy.openapi import openapi, openapi_assets
from proxy.outbox import Outbox
from proxy.parts import Parts, open_parts
from proxy.passthrough import PassThrough
from proxy.reception import Reception
from proxy.recollection import Recollector
from proxy.tracing import Tracing, open_tracing
from proxy.upstream import Upstream
from proxy.working import start_working

NATIVE = frozenset(("memories", "namespaces", "context", "stats", "receipts", "events"))
"""First path segments under `/v1` that are never an upstream's."""


def create_app(settings: Settings) -> Litestar:
    """Nothing is opened before the application starts; starting raises Misconfigured where the settings can't work."""
    app = Litestar(
        route_handlers=[
            *memory_routes(),
            *context_routes(),
            *admin_routes(),
            metrics_route(public=settings.metrics.public),
            openai_mount("/v1", without=NATIVE),
            openai_mount("/proxy/v1"),
            openapi_assets(),
        ],
        dependencies={
            CALLER: Provide(provide_caller, sync_to_thread=False),
            **{name: Provide(_provider(name), sync_to_thread=False) for name in Parts.__struct_fields__},
        },
        middleware=[GateMiddleware()],
        exception_handlers={Exception: rest_error},
        lifespan=[_running(settings)],
        openapi_config=openapi(),
        plugins=[StructSchemas(), Summaries()],
        request_max_body_size=settings.limits.body_bytes,
        logging_config=None,
    )
    # Outside the router, so that its own answers are named too.
    app.asgi_handler = Reception(_chat_first(app), log_requests=settings.log.requests)
    return app


def openai_mount(path: str, *, without: frozenset[str] = frozenset()) -> ASGIRouteHandler:
    """The OpenAI surface under `path`, but for what begins with one of the segments `without`."""

    # It passes the gate by itself, since a key may be the upstream's.
    @asgi(path, is_mount=True, copy_scope=False, opt={PUBLIC: True})
    async def openai(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].lstrip("/").partition("/")[0] in without:
            raise NotFound(f"There is no {scope['raw_path'].decode('latin-1')}")
        await scope["litestar_app"].state.openai(scope, receive, send)

    return openai


def _chat_first(app: Litestar) -> ASGIApp:
    """In front of the router, around which chat calls go to where its mounts would lead them: [M] it and what it wraps
    around them take 5 % of such a call."""
    routed = app.asgi_handler

    def handle(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        chat = scope["type"] == ScopeType.HTTP and scope["path"] in CHAT_PATHS
        handler: ASGIApp = app.state.openai if chat else routed
        return handler(scope, receive, send)

    return handle


def _running(settings: Settings) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with (
            Upstream(settings.upstream) as upstream,
            open_tracing(settings) as tracing,
            open_parts(settings) as parts,
        ):
            app.state.parts = parts
            app.state.openai = _openai(parts, upstream, tracing)
            if settings.worker.inside:
                start_working(parts)
            yield

    return lifespan


def _openai(parts: Parts, upstream: Upstream, tracing: Tracing) -> OpenAIProxy:
    settings, metrics = parts.settings, parts.metrics
    chat = Chat(
        settings,
        recollector=Recollector(parts.namespaces, parts.assembler, settings.context),
        upstream=upstream,
        outbox=Outbox(parts.engine, parts.supervisor, metrics, wait_seconds=settings.store_wait_ms / 1000),
        metrics=metrics,
        tracing=tracing,
        clock=system_clock,
    )
    return OpenAIProxy(
        settings,
        gate=parts.gate,
        meter=parts.meter,
        capacity=parts.capacity,
        chat=chat,
        pass_through=PassThrough(settings, upstream, metrics),
        supervisor=parts.supervisor,
    )


def _provider(name: str) -> Callable[[State], Any]:
    def provide(state: State) -> Any:
        return getattr(state.parts, name)

    return provide

"""`GET /v1/events`."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import anyio
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import FromQuery, HeaderParameter, QueryParameter
from litestar.types import ASGIApp, Receive, Scope, Send
from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError

from admin.api.documentation import EVENTS
from admin.auth import Authenticator
from admin.feed import Feed, Listener, Wanted, notice
from config.settings import Settings
from memory.api.documentation import errors
from memory.api.options import LASTING
from memory.caller import Caller
from memory.errors import Invalid, RemoraError, Unavailable
from memory.service.events import Kind
from memory.service.namespaces import Namespaces

CHECK_SECONDS = 30.0
"""How often a listener's key is looked at again."""

SEND_SECONDS = 30.0
"""For how long a listener may read nothing at all before it is cut."""

_STOP_SECONDS = 2.0

_RESUME = "Last-Event-ID"
_LONGEST_ID = 64

LastEventId = Annotated[
    str | None,
    HeaderParameter(name=_RESUME, description="Go on after this event.", schema_extra={"maxLength": _LONGEST_ID}),
]


class EventsController(Controller):
    path = "/v1/events"
    tags = ("Events",)

    @get(
        operation_id="listenToEvents",
        opt={LASTING: True},
        responses={
            200: ResponseSpec(
                str,
                description="Server-sent events, until either side ends it",
                media_type="text/event-stream",
                examples=[Example(value=EVENTS)],
                generate_examples=False,
            )
        }
        | errors(404),
    )
    async def listen(
        self,
        *,
        request: Request[Any, Any, Any],
        caller: NamedDependency[Caller],
        authenticator: NamedDependency[Authenticator],
        namespaces: NamedDependency[Namespaces],
        feed: NamedDependency[Feed],
        settings: NamedDependency[Settings],
        namespace: FromQuery[str | None] = None,
        kinds: Annotated[list[Kind] | None, QueryParameter(description="Any of these.")] = None,
        resume: LastEventId = None,
        last_event_id: Annotated[
            str | None,
            QueryParameter(max_length=_LONGEST_ID, description="As the header, which a browser sets only by itself."),
        ] = None,
    ) -> ASGIApp:
        """Listen to what happens in the memory: new, changed, superseded and deleted memories, and the receipts of
        proxied calls. They hold no texts. About the last 1,000 events are kept, after any of which a listener may go
        on; where the one it names is gone, the event `missed` says so and all that are kept follow. Who reads too
        slowly is ended by the event `too_slow`, and who loses the right to listen by `revoked`."""
        caller.require("read")
        if resume is not None and len(resume) > _LONGEST_ID:  # Litestar would name the argument instead of the header
            raise Invalid(f"{_RESUME}: must have at most {_LONGEST_ID} characters", field=_RESUME)
        home = None if namespace is None else (await namespaces.resolve(caller, namespace)).name
        wanted = Wanted(caller=caller, namespace=home, kinds=None if kinds is None else frozenset(kinds))

        async def check() -> None:
            again = await authenticator.caller(request.scope["headers"], request.scope["query_string"])
            again.require("read")

        async def events(scope: Scope, receive: Receive, send: Send) -> None:
            async with feed.listen(wanted, after=resume or last_event_id) as listener:
                stream = _stream(listener, check, ping_seconds=settings.stream.ping_seconds)
                with contextlib.suppress(SendTimeoutError):  # the listener is gone, though nothing has said so
                    await stream(scope, receive, send)  # type: ignore[arg-type]  # Starlette's own names for the same

        return events


def _stream(listener: Listener, check: Callable[[], Awaitable[None]], *, ping_seconds: float) -> EventSourceResponse:
    """Ends the listener, as soon as the server stops or `check` raises, so that the answer ends in order."""
    stopping = anyio.Event()

    async def watch() -> None:
        while not stopping.is_set():
            with anyio.move_on_after(CHECK_SECONDS):
                await stopping.wait()
                break
            try:
                await check()
            except Unavailable:
                continue
            except RemoraError as error:
                return listener.end(notice("revoked", error.message))
        return listener.end()

    return EventSourceResponse(
        listener.frames(),
        ping=ping_seconds,
        send_timeout=SEND_SECONDS,
        data_sender_callable=watch,
        shutdown_event=stopping,
        shutdown_grace_period=_STOP_SECONDS,
    )

"""The upstream's answer on its way to the client: the same bytes, as soon as they are there."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from admin.metrics import StreamEnd
from memory.errors import RemoraError, Unavailable
from proxy.client import Client, ClientGone
from proxy.errors import UpstreamFailed, error_event
from proxy.sse import EventSplitter
from proxy.upstream import Answer

Headers = list[tuple[bytes, bytes]]

_FAREWELL_SECONDS = 1.0


class Listener(Protocol):
    """Hears a stream of events before the client does."""

    async def hear(self, events: bytes) -> None:
        """Whole events, as they came."""
        ...

    def complaint(self) -> str | None:
        """Asked once the stream is over: what is wrong with its having ended here."""
        ...


async def relay_events(
    client: Client,
    answer: Answer,
    headers: Headers,
    *,
    ping_seconds: float,
    ended: Callable[[StreamEnd], None],
    listener: Listener | None = None,
) -> None:
    """Relay a stream of server-sent events, in one write what one read brought; `ended` is told how it ended.

    A stream that breaks off ends in an event that says so, since its status has long gone out.
    """
    # Pings and an event about a break-off come on top of what the upstream announced.
    await client.start(answer.status, [header for header in headers if header[0] != b"content-length"])
    end: StreamEnd = "complete"
    try:
        with client.pinged(ping_seconds):
            await _relay_whole_events(client, answer, listener)
    except (UpstreamFailed, OverflowError) as error:
        end = "upstream_broke"
        await _end_with(client, error if isinstance(error, UpstreamFailed) else _too_long())
    except ClientGone:
        end = "client_gone"
        raise
    except asyncio.CancelledError:
        end = "client_gone" if client.gone else "shutdown"
        if not client.gone:
            with contextlib.suppress(TimeoutError, ClientGone):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await _end_with(client, Unavailable("the server is shutting down"))
        raise
    finally:
        ended(end)


async def relay_bytes(client: Client, answer: Answer, headers: Headers) -> None:
    """Relay a body of any kind. Raises UpstreamFailed when it breaks off, which may be in the middle."""
    await client.start(answer.status, headers)
    async for chunk in answer.chunks():
        await client.write(chunk)
    await client.write(b"", more=False)


async def _relay_whole_events(client: Client, answer: Answer, listener: Listener | None) -> None:
    splitter = EventSplitter()
    began = False
    async for chunk in answer.chunks():
        if events := splitter.feed(chunk):
            began = True
            if listener is not None:
                await listener.hear(events)
            await client.write(events)
    rest = splitter.rest
    in_disguise = not began and rest.lstrip().startswith(b"{")  # a JSON body that is called a stream
    if listener is not None and not in_disguise:
        if rest:
            await listener.hear(rest)
        if complaint := listener.complaint():
            raise UpstreamFailed(complaint)  # and not the rest, to which the event that says so would stick
    await client.write(rest, more=False)


async def _end_with(client: Client, error: RemoraError) -> None:
    await client.write(error_event(error), more=False)


def _too_long() -> UpstreamFailed:
    return UpstreamFailed("the upstream sent an event without an end")

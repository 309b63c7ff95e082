"""The calling side of one request: its body, the answer to it, and whether anyone is still there."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator

from litestar.types import Message, Receive, Send

from config.supervisor import Supervisor
from memory.errors import TooLarge
from proxy.deadline import Deadline

SEND_SECONDS = 60.0
"""A client that takes none of what it is sent for so long is as good as gone."""

_SHORTEST_TIMER = 0.01
_DISCARD_SECONDS = 10.0
_DISCARD_FACTOR = 4


class ClientGone(Exception):
    """The client left: there is no one to answer."""


class Client:
    def __init__(self, receive: Receive, send: Send, supervisor: Supervisor, *, declared: int | None) -> None:
        """`declared`: how long it said its body is."""
        self._declared = declared
        self.hold: Callable[[int], None] = _as_much_as_comes
        """Told of every byte of a body that is kept, before it comes in where the client has said how many there are;
        raises where that is too much."""
        self._body_over = False
        self._receive = receive
        self._send = send
        self._supervisor = supervisor
        self._task: asyncio.Task[object] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._sending = Deadline(SEND_SECONDS)
        self._gone = False
        self._ended = False
        self._writing = False
        self.answering = False
        """Whether status and headers went out."""
        self._written_at = 0.0

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises TooLarge for one of more than `limit` bytes, ClientGone, and what `hold` does."""
        await self.refuse_more(limit)
        if self._declared is not None:
            self.hold(self._declared)
        chunks = []
        async for chunk in self.chunks(limit):
            if self._declared is None:
                self.hold(len(chunk))
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def refuse_more(self, limit: int) -> None:
        """Raises TooLarge for a client that announces more than `limit` bytes."""
        if self._declared is not None and self._declared > limit:
            await self._discard(_DISCARD_FACTOR * limit)
            raise _too_large(limit)

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """The body as it comes in. Raises as `body` does."""
        await self.refuse_more(limit)
        size, more = 0, True
        while more:
            chunk, more = await self._next_chunk()
            size += len(chunk)
            if size > limit:
                if more:
                    await self._discard(_DISCARD_FACTOR * limit)
                raise _too_large(limit)
            if chunk:
                yield chunk
        self.body_is_over()

    def body_is_over(self) -> None:
        """Nothing more of a body is expected: from now on only the client's leaving is."""
        self._body_over = True
        self._watch_if_due()

    @contextlib.contextmanager
    def present(self) -> Iterator[None]:
        """What runs inside is cancelled when the client leaves after its body, and ClientGone raised."""
        self._task = asyncio.current_task()
        self._watch_if_due()
        try:
            yield
        except asyncio.CancelledError:
            if not self._gone or self._task is None or self._task.uncancel() > 0:
                raise
            raise ClientGone from None
        finally:
            self._ended = True
            if self._watcher is not None:
                self._watcher.cancel()

    @property
    def gone(self) -> bool:
        return self._gone

    @contextlib.contextmanager
    def pinged(self, seconds: float) -> Iterator[None]:
        """Within the block, whenever nothing was written for so long, a comment is: for streams of whole events."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def check() -> None:
            nonlocal timer
            silence = time.monotonic() - self._written_at
            if silence >= seconds and not (self._writing or self._ended):
                self._supervisor.start(self._ping(), name="ping")
                silence = 0.0
            timer = loop.call_later(max(seconds - silence, _SHORTEST_TIMER), check)

        timer = loop.call_later(seconds, check)
        try:
            yield
        finally:
            timer.cancel()

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.answering = True
        await self._out({"type": "http.response.start", "status": status, "headers": headers}, self._sending)

    async def write(self, body: bytes, *, more: bool = True) -> None:
        # After the last byte the server reports a disconnect, which then means nothing.
        self._ended = self._ended or not more
        await self._out({"type": "http.response.body", "body": body, "more_body": more}, self._sending)

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        await self.start(status, headers)
        await self.write(body, more=False)

    def close(self) -> None:
        """It is over with."""
        self._sending.close()

    async def _out(self, message: Message, limit: Deadline) -> None:
        self._writing = True
        try:
            with limit:
                await self._send(message)
        except TimeoutError:
            raise ClientGone from None
        finally:
            self._writing = False
            self._written_at = time.monotonic()

    async def _ping(self) -> None:
        own = Deadline(SEND_SECONDS)
        with contextlib.closing(own), contextlib.suppress(ClientGone):  # the stream's own next write will tell
            await self._out({"type": "http.response.body", "body": b": ping\n\n", "more_body": True}, own)

    def _watch_if_due(self) -> None:
        if self._body_over and self._task is not None and self._watcher is None:
            self._watcher = self._supervisor.start(self._watch(), name="client watch")

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._ended and self._task is not None:
            self._gone = True
            self._task.cancel()

    async def _next_chunk(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientGone
        return message.get("body", b""), message.get("more_body", False)

    async def _discard(self, limit: int) -> None:
        """Take in the rest of a body, within reason: cut off while it sends, a client never reads the answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DISCARD_SECONDS):
                more = True
                while more and limit > 0:
                    chunk, more = await self._next_chunk()
                    limit -= len(chunk)


def _as_much_as_comes(size: int) -> None:
    """Keeps no account."""


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the request body is larger than {limit:,} bytes", limit=limit)

"""A connection to the upstream: HTTP/1.1, one exchange after another."""

import asyncio
import math
import select
import socket
import sys
from collections.abc import Callable, Iterable
from typing import cast

import httptools

READ_AHEAD = 1 << 16
"""Bytes: while more wait to be taken, no more of an answer is read."""

LONGEST_HEAD = 1 << 18
"""Bytes of an answer's headers, with those of the answers before it, or of what follows its body; up to a read more may
pass."""


class HungUp(Exception):
    """The upstream closed the connection, before its answer or in the middle."""


class NotHttp(Exception):
    """What came is no HTTP, or none of an answer to what was asked."""


class Wire(asyncio.Protocol):
    """Between `ask` and `release` it belongs to one exchange: `head` waits for the answer's, then `more` for its body.

    One timer serves all waits of all its exchanges, since an answer has as many as reads (see `proxy.deadline`): when
    it rings, it looks whether one is overdue.
    """

    def __init__(self, lost: Callable[["Wire"], None]) -> None:
        """`lost` is told when it is of no more use."""
        self._loop = asyncio.get_running_loop()
        self._lost = lost
        self._made = False
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._reading = True
        self._asked = False
        self._bodiless = 0
        """Bytes read that brought neither an answer's headers to their end nor anything of its body."""
        self.usable = False
        """Whether it can go on to be asked."""
        self.idle_since = 0.0
        self._parser = httptools.HttpResponseParser(self)
        # What some servers send, and other clients take.
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True)

    def ready(self) -> bool:
        """Whether it can be asked now: nothing has come since the last answer, not even what the event loop has yet to
        read, be it the upstream's closing or an answer to nothing. If so, it is closed."""
        if self.usable and (self._socket.fileno() < 0 or _readable(self._socket)):
            self.close()
        return self.usable

    def ask(self, parts: Iterable[bytes], *, head_only: bool) -> None:
        """Send a request, or its beginning. `head_only`: the answer's body is not sent, whatever its headers say."""
        self._asked = True
        self._head_only = head_only
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        """As they came."""
        self._bodiless = 0
        self._head_over = self._over = self._to_the_end = False
        self._body: list[bytes] = []
        self._held = 0
        self._failure: Exception | None = None if self.usable else HungUp()
        if self.usable:
            self._transport.writelines(parts)

    async def send(self, data: bytes) -> None:
        """A further part of the request; waits while the upstream takes none. Raises HungUp."""
        if not self.usable:
            raise HungUp
        self._transport.write(data)
        if self._writable is not None:
            await self._writable

    async def head(self, seconds: float) -> None:
        """Wait until `status` and `headers` are there. Raises TimeoutError after so long, HungUp, NotHttp, and what
        `fail` was told."""
        while not self._head_over:
            if self._failure is not None:
                raise self._failure
            await self._wait(seconds)

    async def more(self, seconds: float) -> bytes:
        """What has come of the body since the last; "" at its end. Raises as `head` does."""
        while not self._body:
            if self._over:
                return b""
            if self._failure is not None:
                raise self._failure
            await self._wait(seconds)
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._held = 0
        if not self._reading:
            self._resume()
        return body

    def fail(self, error: Exception) -> None:
        """End the exchange, if it is not over: whoever waits for its answer gets `error`."""
        if self._asked and not self._over and self._failure is None:
            self._failure = error
            self._tell()
        self.close()

    def release(self) -> bool:
        """End the exchange. False where the connection can't serve another and is closed: this was not over, or was
        answered before it was sent."""
        reusable = self._over and self.usable and not self._transport.get_write_buffer_size()
        self._asked = False
        self._body = []
        if not reusable:
            self.close()
        elif not self._reading:
            self._resume()
        return reusable

    def close(self) -> None:
        self.usable = False
        if self._made:
            self._transport.abort()

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._made = self.usable = True

    def data_received(self, data: bytes) -> None:
        self._bodiless += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(NotHttp())
        if self._bodiless > LONGEST_HEAD:
            self.fail(NotHttp())

    def eof_received(self) -> None:
        if self._asked and self._to_the_end:
            self._over = True
            self.usable = False
            self._tell()
        else:
            self.fail(HungUp())  # now: to be lost, the connection would first have to be rid of what is being sent

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
        self.resume_writing()
        if self._asked and not self._over and self._failure is None:
            self._failure = HungUp()
            self._failure.__cause__ = exc
        self._tell()
        self._lost(self)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # What the parser calls

    def on_message_begin(self) -> None:
        if not self._asked or self._over:
            raise NotHttp  # nothing was asked

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_over:
            return  # after a body in chunks
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if not 100 <= status < 600 or status == 101:
            raise NotHttp  # no protocol was to be switched to
        if status < 200:
            self.headers.clear()  # the answer is still to come
            return
        self.status = status
        self._head_over = True
        self._bodiless = 0
        self._to_the_end = not any(name.lower() in _TELL_THE_END for name, _ in self.headers)
        if self._head_only:
            self.usable = False  # the parser waits for a body
            self._over = True
        self._tell()

    def on_body(self, body: bytes) -> None:
        if self._over:
            return
        self._body.append(body)
        self._held += len(body)
        self._bodiless = 0
        if self._held > READ_AHEAD and self._reading:
            self._reading = False
            self._transport.pause_reading()
        self._tell()

    def on_message_complete(self) -> None:
        if not self._head_over:
            return  # of an answer before the answer
        self._over = True
        self.usable = self.usable and self._parser.should_keep_alive()
        self._tell()

    def _resume(self) -> None:
        self._reading = True
        self._transport.resume_reading()

    async def _wait(self, seconds: float) -> None:
        self._due = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._due:
            self._ring_at(self._due)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _tell(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _ring_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() >= self._due:
            self._waiter.set_exception(TimeoutError())
        else:
            self._ring_at(self._due)


_TELL_THE_END = frozenset((b"content-length", b"transfer-encoding"))
"""Headers; without any, the body ends with the connection."""


def _readable(sock: socket.socket) -> bool:
    if sys.platform == "win32":
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()  # which takes descriptors of any number
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))

"""The connections to one upstream: kept for the next call, and no more than so many."""

import asyncio
import socket
import ssl
from collections import deque

import aiohappyeyeballs

from proxy.wire import Wire

KEEP_SECONDS = 15.0
"""How long a connection that nobody uses is kept: less than most upstreams do, lest a request meet their closing it."""

_SECOND_ADDRESS_SECONDS = 0.25
"""After so long without an answer from a host's first address its next is tried beside it (RFC 8305)."""


class Exhausted(Exception):
    """All connections were in use for as long as one was waited for."""


class Pool:
    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, *, limit: int) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._free = limit
        """How many more connections there may be."""
        self._idle: deque[Wire] = deque()
        """Those left last at the end."""
        self._open: set[Wire] = set()
        self._waiting: deque[asyncio.Future[Wire | None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Future[None] | None = None

    async def take(self, seconds: float) -> Wire:
        """A connection, for one exchange. Raises OSError where none can be made, TimeoutError where that takes longer
        than `seconds`, and Exhausted."""
        while self._idle:
            wire = self._idle.pop()
            if wire.ready():
                return wire
        waits = True
        try:
            async with asyncio.timeout(seconds):
                while self._free <= 0:
                    left = await self._left()
                    if left is None:
                        break
                    if left.ready():  # and was not closed on its way here
                        return left
                else:
                    self._free -= 1
                waits = False
                return await self._connect()
        except TimeoutError:
            if waits:
                raise Exhausted from None
            raise

    def give(self, wire: Wire) -> None:
        """It is of no more use to who took it; its exchange, if over, is forgotten, else cut off."""
        if not wire.release() or self._hand_on(wire):
            return
        loop = asyncio.get_running_loop()
        wire.idle_since = loop.time()
        self._idle.append(wire)
        if self._sweeper is None:
            self._sweeper = loop.call_later(KEEP_SECONDS, self._sweep)

    async def close(self) -> None:
        """Returns when all connections are closed."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for wire in self._open:
            wire.close()
        if self._open:
            self._emptied = asyncio.get_running_loop().create_future()
            await self._emptied

    async def _left(self) -> Wire | None:
        """One that somebody leaves, or else, instead of it, the place of one that is closed."""
        waiter: asyncio.Future[Wire | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # too late for whom it was meant
                wire = waiter.result()
                if wire is None:
                    self._gain()
                else:
                    self.give(wire)
            raise

    async def _connect(self) -> Wire:
        wire = Wire(self._forget)
        self._open.add(wire)
        try:
            await self._open_to_host(wire)
        except BaseException:
            self._forget(wire)
            raise
        return wire

    async def _open_to_host(self, wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        sock = await aiohappyeyeballs.start_connection(infos, happy_eyeballs_delay=_SECOND_ADDRESS_SECONDS)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            name = self._host if self._tls is not None else None
            await loop.create_connection(lambda: wire, sock=sock, ssl=self._tls, server_hostname=name)
        except BaseException:
            sock.close()
            raise

    def _forget(self, wire: Wire) -> None:
        if wire in self._open:
            self._open.remove(wire)
            self._gain()
            if self._emptied is not None and not self._open:
                self._emptied.set_result(None)

    def _gain(self) -> None:
        """There may be one more."""
        if not self._hand_on(None):
            self._free += 1

    def _hand_on(self, left: Wire | None) -> bool:
        """To whoever waits the longest; False where nobody does."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(left)
                return True
        return False

    def _sweep(self) -> None:
        self._sweeper = None
        loop = asyncio.get_running_loop()
        while self._idle and self._idle[0].idle_since <= loop.time() - KEEP_SECONDS:
            self._idle.popleft().close()
        if self._idle:
            self._sweeper = loop.call_at(self._idle[0].idle_since + KEEP_SECONDS, self._sweep)

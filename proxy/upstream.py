"""The server behind: one pool of connections to it, and its answers as they come in.

This is aiohttp's client itself and not httpx on top of it: a relay has no use for what httpx adds (redirects, a cookie
jar, event hooks, its own spelling of the URL), and a call costs 0.15 ms of processor time instead of 0.39.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from config import settings
from memory.errors import Overloaded
from proxy.errors import UpstreamFailed, UpstreamTimeout
from proxy.headers import headers_to_client

log = logging.getLogger("remora.upstream")

Body = bytes | AsyncIterator[bytes] | None

_LONGEST_HEADER = 1 << 16
"""Bytes; aiohttp's own limit of 8 KB would refuse answers that other clients take."""

_READ_AHEAD = 1 << 15
"""Bytes: while twice as many wait to be taken, no more of an answer is read. [M] With aiohttp's own 256 KB, a stream
whose client does not read takes half a megabyte."""

_WHOLE_BODY = 1 << 20
"""aiohttp writes a body of more in one go and warns of it, so it is cut into pieces of that size."""


class Answer:
    """What the upstream answers: status and headers are there, the body comes in."""

    def __init__(self, response: aiohttp.ClientResponse, *, idle_timeout: float, decoded: bool) -> None:
        self._response = response
        self._idle_timeout = idle_timeout
        self.status = response.status
        encoded = "Content-Encoding" in response.headers
        self.headers = headers_to_client(response.raw_headers, decoded=decoded and encoded)
        self.streams_events = response.content_type == "text/event-stream" and (decoded or not encoded)
        """Whether the body is server-sent events that can be read as such."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece: each is all that has come in since the last.

        Raises UpstreamTimeout when nothing comes for too long, UpstreamFailed when it breaks off.
        """
        while True:
            try:
                async with asyncio.timeout(self._idle_timeout):
                    chunk = await self._response.content.readany()
            except TimeoutError:
                raise UpstreamTimeout(f"the upstream sent nothing for {self._idle_timeout:g} seconds") from None
            except (aiohttp.ClientError, OSError) as error:
                log.warning("the upstream broke off its answer: %s", _cause(error))
                raise UpstreamFailed("the upstream broke off its answer") from error
            if not chunk:
                return
            yield chunk

    async def read(self) -> bytes:
        """The whole body. Raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks()])

    def close(self) -> None:
        """Hang up, unless the body has been read to its end: then the connection serves the next call."""
        self._response.close()


class Upstream:
    """An async context manager around the pool."""

    def __init__(self, settings: settings.Upstream) -> None:
        self._settings = settings
        self._base = settings.base_url.rstrip("/")
        self._under_way = 0
        self._timeout = aiohttp.ClientTimeout(connect=settings.connect_timeout)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._settings.max_connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=self._timeout,
            read_bufsize=_READ_AHEAD,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @contextlib.asynccontextmanager
    async def call(
        self, method: str, target: str, headers: list[tuple[str, str]], body: Body, *, decode: bool
    ) -> AsyncIterator[Answer]:
        """Send a request and have its answer for the length of the block; leaving before its end hangs up.

        `target` is what follows the base URL, sent as it is. `decode` undoes the answer's content encoding.
        Nothing is tried twice. Raises UpstreamFailed, UpstreamTimeout, and Overloaded where all connections were in use
        for as long as one may take to be made.
        """
        self._under_way += 1
        try:
            answer = await self._open(method, target, headers, body, decode=decode)
            del body  # it has been sent, and the block may last
            try:
                yield answer
            finally:
                answer.close()
        finally:
            self._under_way -= 1

    async def _open(
        self, method: str, target: str, headers: list[tuple[str, str]], body: Body, *, decode: bool
    ) -> Answer:
        if isinstance(body, bytes) and len(body) > _WHOLE_BODY:
            headers = [*headers, ("content-length", str(len(body)))]
            body = _pieces(body)
        try:
            async with asyncio.timeout(self._settings.first_byte_timeout):
                response = await self._session.request(
                    method,
                    URL(self._base + target, encoded=True),
                    headers=CIMultiDict(headers),
                    data=body,
                    allow_redirects=False,
                    auto_decompress=decode,
                )
        except (aiohttp.ClientError, OSError) as error:
            failure = self._failure(error)
            log.warning("%s: %s", failure.message, _cause(error))
            raise failure from error
        return Answer(response, idle_timeout=self._settings.idle_timeout, decoded=decode)

    def _failure(self, error: Exception) -> UpstreamFailed | Overloaded:
        match error:
            case aiohttp.ConnectionTimeoutError() if self._under_way > self._settings.max_connections:
                return Overloaded("all connections to the upstream are in use; try again shortly")
            case aiohttp.ConnectionTimeoutError():
                return UpstreamTimeout(
                    f"the upstream accepted no connection within {self._settings.connect_timeout:g} seconds"
                )
            case aiohttp.ClientConnectorError():
                return UpstreamFailed("the upstream can't be reached")
            case aiohttp.ClientConnectionError():
                return UpstreamFailed("the upstream hung up without an answer")
            case TimeoutError():
                return UpstreamTimeout(
                    f"the upstream did not answer within {self._settings.first_byte_timeout:g} seconds"
                )
            case _:
                return UpstreamFailed("the upstream's answer can't be understood")


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for start in range(0, len(body), _WHOLE_BODY):
        yield bytes(view[start : start + _WHOLE_BODY])


def _cause(error: BaseException) -> str:
    """For the log: the kind of error and what the system says; aiohttp's own words may hold the request's headers."""
    system = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__} ({system})" if system else type(error).__name__

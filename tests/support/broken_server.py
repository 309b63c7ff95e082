"""Servers that are broken below HTTP: what a real ASGI server can't be made to do."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


@asynccontextmanager
async def raw_server(answer: bytes) -> AsyncIterator[str]:
    """Reads a request's head, writes `answer` as it is and hangs up. Gives the base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@contextmanager
def refusing_port() -> Iterator[str]:
    """The base URL of a port on which no one listens, nor will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/v1"


@contextmanager
def deaf_port() -> Iterator[str]:
    """The base URL of a port whose queue is full: a connection to it is neither made nor refused."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        filler = [socket.socket() for _ in range(3)]
        try:
            for each in filler:
                each.setblocking(False)
                each.connect_ex(deaf.getsockname())
            yield f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"
        finally:
            for each in filler:
                each.close()

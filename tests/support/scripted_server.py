"""A server on loopback that does on each connection just what a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ScriptedServer:
    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self.heads: list[bytes] = []
        """Of the requests, as `request` read them."""

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """The body of the next request, which says how long it is. Raises IncompleteReadError where none comes."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return await reader.readexactly(int(line.partition(b":")[2]))
        return b""


@asynccontextmanager
async def scripted(script: Callable[[ScriptedServer], Script]) -> AsyncIterator[ScriptedServer]:
    """Runs the script on every connection, and hangs up at its end or when the client did."""
    told = ScriptedServer()
    serve_one = script(told)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.connections += 1
        try:
            await serve_one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        yield told

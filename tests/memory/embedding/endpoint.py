"""A real OpenAI-compatible `/embeddings` endpoint on loopback, which misbehaves as told."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from config.supervisor import Supervisor
from tests.support.asgi_server import body_of

Answer = tuple[int, bytes]
Behaviour = Callable[[list[str]], Answer]
DIMENSION = 3


def embeddings(texts: list[str]) -> Answer:
    """Of length 2 and in reverse order, so that a client has to sort and to normalise."""
    data = [{"index": i, "embedding": [0.0, 2.0, 0.0] if text == "y" else [2.0, 0, 0]} for i, text in enumerate(texts)]
    return 200, json.dumps({"object": "list", "data": data[::-1], "model": "m", "usage": {}}).encode()


class Endpoint:
    """`behaviours` are used up one per request; then it answers properly."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[bytes, bytes]] = []
        self.paths: list[str] = []
        self.behaviours: list[Behaviour] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = json.loads(await body_of(receive))
        self.requests.append(request)
        self.headers.append(dict(scope["headers"]))
        self.paths.append(scope["path"])
        await self.gate.wait()
        behaviour = self.behaviours.pop(0) if self.behaviours else embeddings
        status, answer = behaviour(request["input"])
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


@asynccontextmanager
async def serve() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    config = uvicorn.Config(endpoint, lifespan="off", ws="none", log_level="error")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        endpoint.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        async with Supervisor() as supervisor:
            serving = supervisor.start(server.serve(sockets=[listening]), name="endpoint")
            yield endpoint
            endpoint.gate.set()
            server.should_exit = True
            await serving

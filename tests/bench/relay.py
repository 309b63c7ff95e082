"""The bare relay that Remora is measured against: as one would write it, no memory, nothing looked at.

python -m tests.bench.relay PORT UPSTREAM_URL
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from httpx_aiohttp import AiohttpTransport
from litestar import Litestar, Request, Response, post
from litestar.params import RawBody
from litestar.response import Stream

PASSED = ("content-type", "authorization")


def relay(upstream: str) -> Litestar:
    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
    client = httpx.AsyncClient(base_url=upstream, transport=AiohttpTransport(limits=limits), timeout=60)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with client:
            yield

    @post("/v1/chat/completions", status_code=200)
    async def chat(request: Request[Any, Any, Any], body: RawBody) -> Response[Any]:
        headers = {name: value for name in PASSED if (value := request.headers.get(name)) is not None}
        answer = await client.send(
            client.build_request("POST", "/chat/completions", content=body, headers=headers), stream=True
        )
        media_type = answer.headers["content-type"]
        if media_type.startswith("text/event-stream"):
            return Stream(_events(answer), status_code=answer.status_code, media_type=media_type)
        try:
            content = await answer.aread()
        finally:
            await answer.aclose()
        return Response(content, status_code=answer.status_code, media_type=media_type)

    return Litestar([chat], lifespan=[lifespan], logging_config=None, openapi_config=None)


async def _events(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for data in answer.aiter_raw():
            yield data
    finally:
        await answer.aclose()


if __name__ == "__main__":
    app = relay(sys.argv[2])
    uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)

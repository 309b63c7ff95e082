import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from config.settings import Limits, Secret
from tests.support.broken_server import refusing_port
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream


@pytest.fixture(scope="module")
def keyed(fake: FakeUpstream) -> Iterator[RemoraServer]:
    """With an upstream key and an operator's key of its own, and a body limit of a megabyte."""
    settings = settings_for(
        fake.url,
        admin_key=Secret("operator"),
        upstream={"api_key": Secret("server-key")},
        limits=Limits(body_mb=1),
    )
    with RemoraServer(settings) as server:
        yield server


@pytest.mark.parametrize("root", ["/v1", "/proxy/v1"])
@pytest.mark.parametrize("target", ["/models", "/models/a%2Fb%3Ac?x=%41+1&&y", "/files/f1/content", "/a//b"])
async def test_method_and_target_reach_the_upstream_as_they_are(
    http: httpx.AsyncClient, fake: FakeUpstream, root: str, target: str
) -> None:
    url = http.base_url.copy_with(raw_path=(root + target).encode())
    answer = await http.delete(url)
    assert answer.json() == {"method": "DELETE", "path": f"/v1{target}", "bytes": 0}
    assert fake.last.path == f"/v1{target}"


async def test_the_key_in_the_query_stays_here(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    await http.get("/v1/models?a=1&api_key=secret&b=2")
    assert fake.last.path == "/v1/models?a=1&b=2"
    await http.get("/v1/models?api_key=secret")
    assert fake.last.path == "/v1/models"


async def test_headers_go_both_ways(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    headers = {"Authorization": "Bearer mine", "OpenAI-Organization": "org", "X-API-Key": "k", "Cookie": "a=b"}
    answer = await http.get("/v1/models", headers={**headers, "Accept-Encoding": "identity", "X-Remora-User": "ann"})
    assert fake.last.header("authorization") == "Bearer mine"
    assert fake.last.header("openai-organization") == "org"
    assert [fake.last.header(name) for name in ("x-api-key", "cookie", "x-remora-user")] == [None, None, None]
    assert answer.headers["x-request-id"] == "req_upstream"
    assert answer.headers["x-remora-request-id"].startswith("req_")
    assert float(answer.headers["x-remora-overhead-ms"]) >= 0
    assert "set-cookie" not in answer.headers


async def test_a_compressed_body_comes_through_compressed(http: httpx.AsyncClient) -> None:
    async with http.stream("GET", "/v1/models", headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(packed)
    assert json.loads(gzip.decompress(packed))["path"] == "/v1/models"


async def test_a_head_request_has_no_body(http: httpx.AsyncClient) -> None:
    answer = await http.head("/v1/models")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_stream_comes_through(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/responses/stream", json={"model": "x"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content == b"event: response.created\ndata: {}\n\nevent: response.completed\ndata: {}\n\n"


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
async def test_a_body_of_known_length_arrives_whole(http: httpx.AsyncClient, fake: FakeUpstream, size: int) -> None:
    await http.post("/v1/embeddings", content=b"x" * size)
    assert fake.last.body == b"x" * size
    assert fake.last.header("transfer-encoding") is None


async def test_a_body_of_unknown_length_arrives_whole(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 100_000

    await http.post("/v1/audio/transcriptions", content=pieces())
    assert fake.last.body == b"x" * 500_000


async def test_a_multipart_upload_arrives_whole(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    await http.post("/v1/files", files={"file": ("a.txt", b"y" * 200_000)}, data={"purpose": "batch"})
    assert b"y" * 200_000 in fake.last.body
    assert (fake.last.header("content-type") or "").startswith("multipart/form-data; boundary=")


async def test_an_unreachable_upstream_is_a_502() -> None:
    with refusing_port() as url, RemoraServer(settings_for(url)) as server:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{server.url}/models")
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_error"


@pytest.mark.parametrize("target", ["/models/../files", "/models/%2e%2e/files", "/chat\\..\\files", "/models/."])
async def test_a_path_that_climbs_is_refused(remora: RemoraServer, target: str) -> None:
    # By hand, since HTTP clients resolve such a path themselves.
    reader, writer = await connect(remora)
    writer.write(f"GET /v1{target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    writer.close()
    await writer.wait_closed()


async def connect(server: RemoraServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(server.origin.rpartition(":")[2]))


OPERATOR = {"Authorization": "Bearer operator"}


async def ask(server: RemoraServer, method: str, path: str, **request: Any) -> httpx.Response:
    async with httpx.AsyncClient(timeout=10) as client:
        return await client.request(method, server.url + path, headers=OPERATOR, **request)


async def test_the_servers_key_takes_the_place_of_the_clients(keyed: RemoraServer, fake: FakeUpstream) -> None:
    answer = await ask(keyed, "GET", "/models")
    assert answer.status_code == 200
    assert fake.last.header("authorization") == "Bearer server-key"


async def test_organization_and_project_are_the_servers_too(keyed: RemoraServer, fake: FakeUpstream) -> None:
    async with httpx.AsyncClient() as client:
        await client.get(f"{keyed.url}/models", headers={**OPERATOR, "OpenAI-Organization": "o", "OpenAI-Project": "p"})
    assert fake.last.header("openai-organization") is None
    assert fake.last.header("openai-project") is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", path) for path in ("/embeddings", "/completions", "/responses", "/audio/speech", "/images/edits")),
        *(("GET", path) for path in ("/models", "/models/gpt-x", "/models/org/model")),
    ],
)
async def test_under_the_servers_key_stateless_calls_pass(keyed: RemoraServer, method: str, path: str) -> None:
    assert (await ask(keyed, method, path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/files"),
        ("POST", "/files"),
        ("POST", "/batches"),
        ("GET", "/responses/resp_1"),
        ("GET", "/chat/completions/chatcmpl_1"),
        ("DELETE", "/models/ft:mine"),
        ("POST", "/threads"),
        ("POST", "/embeddings/x"),
        ("GET", "//files"),
    ],
)
async def test_under_the_servers_key_what_is_stored_does_not(
    keyed: RemoraServer, fake: FakeUpstream, method: str, path: str
) -> None:
    count = len(fake.requests)
    answer = await ask(keyed, method, path)
    assert answer.status_code in {400, 403}
    assert len(fake.requests) == count


async def test_the_refusal_says_what_would_help(keyed: RemoraServer) -> None:
    error = (await ask(keyed, "GET", "/files")).json()["error"]
    assert error["type"] == "permission_error"
    assert "REMORA_UPSTREAM_PASS_THROUGH" in error["message"]


async def test_everything_passes_where_the_operator_says_so(fake: FakeUpstream) -> None:
    settings = settings_for(fake.url, upstream={"api_key": Secret("server-key"), "pass_through": "all"})
    with RemoraServer(settings) as server:
        assert (await ask(server, "GET", "/files")).status_code == 200


async def test_without_a_key_nothing_passes(keyed: RemoraServer, fake: FakeUpstream) -> None:
    count = len(fake.requests)
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{keyed.url}/models")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert len(fake.requests) == count


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_a_413(keyed: RemoraServer, announced: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 100_000

    answer = await ask(keyed, "POST", "/audio/transcriptions", content=b"x" * 3_000_000 if announced else pieces())
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "payload_too_large"


async def test_a_client_that_leaves_while_sending_hangs_up(remora: RemoraServer, fake: FakeUpstream) -> None:
    count = len(fake.requests)
    reader, writer = await connect(remora)
    writer.write(b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n" + b"x" * 100_000)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    # The next call gets through, and the broken one never became a request.
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{remora.url}/models")).status_code == 200
    assert [request.path for request in fake.requests[count:]] == ["/v1/models"]


async def test_websockets_are_refused_in_words(http: httpx.AsyncClient) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "eA==",
    }
    answer = await http.get("/v1/realtime?model=x", headers=headers)
    assert answer.status_code == 501
    assert "WebSockets are not supported" in answer.json()["error"]["message"]


async def test_a_misspelt_native_route_is_not_the_upstreams(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    count = len(fake.requests)
    answer = await http.get("/v1/memories/x/y/z")
    assert answer.status_code == 404
    assert len(fake.requests) == count


async def test_under_proxy_even_native_names_are_the_upstreams(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    await http.get("/proxy/v1/memories")
    assert fake.last.path == "/v1/memories"

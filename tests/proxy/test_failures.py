"""Upstreams that fail, clients that leave, servers that stop."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from config.settings import Stream
from tests.support.broken_server import deaf_port, raw_server, refusing_port
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import DONE, STREAMS, FakeUpstream, streamed

PATH = "/v1/chat/completions"
LEFT_SECONDS = 1.0
"""In which an upstream has to see that the client is gone."""


def asking(model: str, *, stream: bool = False) -> dict[str, Any]:
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}


@asynccontextmanager
async def client_of(url: str, **sections: Any) -> AsyncIterator[httpx.AsyncClient]:
    with RemoraServer(settings_for(url, **sections)) as server:
        async with httpx.AsyncClient(base_url=server.origin, timeout=10) as http:
            yield http


def error_in(events: bytes) -> dict[str, Any]:
    """What the last event, which is not the end mark, says went wrong."""
    last = events.split(b"\n\n")[-2]
    assert last.startswith(b'data: {"error":')
    assert events.endswith(b"\n\n")
    assert DONE not in events
    error: dict[str, Any] = json.loads(last[6:])["error"]
    return error


# ---------------------------------------------------------------------------------------------------------- upstreams


@pytest.mark.parametrize("stream", [False, True])
async def test_an_upstream_that_refuses_is_a_502(stream: bool) -> None:
    with refusing_port() as url:
        async with client_of(url) as http:
            answer = await http.post(PATH, json=asking("x", stream=stream))
    assert answer.status_code == 502
    assert answer.json()["error"]["message"] == "the upstream can't be reached"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_upstream_that_hangs_up_is_a_502(stream: bool) -> None:
    async with raw_server(b"") as url, client_of(url) as http:
        answer = await http.post(PATH, json=asking("x", stream=stream))
    assert answer.status_code == 502
    assert answer.json()["error"]["message"] == "the upstream hung up without an answer"


async def test_an_upstream_that_accepts_no_connection_is_a_504() -> None:
    with deaf_port() as url:
        async with client_of(url, upstream={"connect_timeout": 0.2}) as http:
            answer = await http.post(PATH, json=asking("x"))
    assert answer.status_code == 504


@pytest.mark.parametrize("stream", [False, True])
async def test_an_upstream_that_never_answers_is_a_504(fake: FakeUpstream, stream: bool) -> None:
    async with client_of(fake.url, upstream={"first_byte_timeout": 0.2}) as http:
        answer = await http.post(PATH, json=asking("slow-first-byte", stream=stream))
    assert answer.status_code == 504
    assert answer.json()["error"]["type"] == "timeout"


async def test_a_body_that_breaks_off_is_a_502(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=asking("cut"))
    assert answer.status_code == 502
    assert answer.json()["error"]["message"] == "the upstream broke off its answer"


async def test_a_body_that_stalls_is_a_504(fake: FakeUpstream) -> None:
    async with client_of(fake.url, upstream={"idle_timeout": 0.2}) as http:
        answer = await http.post(PATH, json=asking("slow-body"))
    assert answer.status_code == 504


async def test_a_stream_that_breaks_off_ends_in_an_error_after_its_whole_events(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=asking("cut", stream=True))
    assert answer.content.startswith(b"".join(streamed("a", "b")[:2]) + b"data: {")
    assert error_in(answer.content)["message"] == "the upstream broke off its answer"


async def test_a_stream_that_stalls_ends_in_an_error(fake: FakeUpstream) -> None:
    async with client_of(fake.url, upstream={"idle_timeout": 0.2}) as http:
        answer = await http.post(PATH, json=asking("slow-events", stream=True))
    assert answer.content.startswith(streamed("a")[0])
    assert error_in(answer.content)["code"] == "upstream_timeout"


async def test_a_stream_that_ends_before_its_answer_does_is_an_error(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=asking("cut-clean", stream=True))
    assert answer.content.startswith(b"".join(STREAMS["cut-clean"]))
    assert error_in(answer.content)["message"].startswith("the upstream ended the stream")


# ---------------------------------------------------------------------------------------------------- clients leaving


@pytest.mark.parametrize("model", ["slow-first-byte", "slow-body", "slow-events"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_hangs_up_on_the_upstream(
    http: httpx.AsyncClient, fake: FakeUpstream, model: str, stream: bool
) -> None:
    count = len(fake.requests)
    call = asyncio.get_running_loop().create_task(http.post(PATH, json=asking(model, stream=stream)))
    request = await asyncio.to_thread(fake.wait_for, count + 1)
    call.cancel()
    assert await asyncio.to_thread(request.left.wait, LEFT_SECONDS)


async def test_a_client_that_leaves_a_stream_it_has_begun_to_read_hangs_up_too(
    http: httpx.AsyncClient, fake: FakeUpstream
) -> None:
    async with http.stream("POST", PATH, json=asking("slow-events", stream=True)) as answer:
        assert await anext(answer.aiter_raw()) == streamed("a")[0]
        request = fake.last
    assert await asyncio.to_thread(request.left.wait, LEFT_SECONDS)


async def test_a_client_that_leaves_a_pass_through_hangs_up_too(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    count = len(fake.requests)
    call = asyncio.get_running_loop().create_task(http.post("/v1/completions", json=asking("slow-other")))
    request = await asyncio.to_thread(fake.wait_for, count + 1)
    call.cancel()
    assert await asyncio.to_thread(request.left.wait, LEFT_SECONDS)


# ------------------------------------------------------------------------------------------------- silence and stopping


async def test_a_silent_stream_carries_comments_between_its_events(fake: FakeUpstream) -> None:
    async with client_of(fake.url, stream=Stream(ping_seconds=0.05)) as http:
        count = len(fake.requests)
        async with http.stream("POST", PATH, json=asking("slow-events", stream=True)) as answer:
            received, chunks = b"", answer.aiter_raw()
            while received.count(b": ping\n\n") < 2:
                received += await anext(chunks)
            fake.wait_for(count + 1).release()
            received += b"".join([chunk async for chunk in chunks])
    assert received.replace(b": ping\n\n", b"") == b"".join(streamed("a", "b"))


async def test_a_stopping_server_lets_a_stream_end(fake: FakeUpstream) -> None:
    with RemoraServer(settings_for(fake.url)) as server:
        async with httpx.AsyncClient(timeout=10) as http:
            count = len(fake.requests)
            async with http.stream("POST", server.origin + PATH, json=asking("slow-events", stream=True)) as answer:
                chunks = answer.aiter_raw()
                received = await anext(chunks)
                stopped = asyncio.get_running_loop().create_task(asyncio.to_thread(server.stop))
                fake.wait_for(count + 1).release()
                received += b"".join([chunk async for chunk in chunks])
            await stopped
    assert received == b"".join(streamed("a", "b"))


async def test_a_stream_that_outlasts_the_drain_ends_in_an_error(fake: FakeUpstream) -> None:
    with RemoraServer(settings_for(fake.url, stream=Stream(drain_seconds=0.1)), graceful_seconds=1) as server:
        async with (
            httpx.AsyncClient(timeout=10) as http,
            http.stream("POST", server.origin + PATH, json=asking("slow-events", stream=True)) as answer,
        ):
            chunks = answer.aiter_raw()
            received = await anext(chunks)
            await asyncio.to_thread(server.stop)
            received += b"".join([chunk async for chunk in chunks])
    assert error_in(received)["message"] == "the server is shutting down"


def raw(status: str, body: bytes, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_that_is_labelled_a_stream_arrives_as_it_is(stream: bool) -> None:
    body = b'{"error": {"message": "context too long", "code": "context_length_exceeded"}}'
    headers = {"content-type": "text/event-stream", "content-length": str(len(body))}
    async with raw_server(raw("400 Bad Request", body, **headers)) as url, client_of(url) as http:
        answer = await http.post(PATH, json=asking("x", stream=stream))

    assert (answer.status_code, answer.content) == (400, body)


async def test_a_json_answer_that_is_labelled_a_stream_arrives_as_it_is() -> None:
    body = json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}).encode()
    async with raw_server(raw("200 OK", body, **{"content-type": "text/event-stream"})) as url, client_of(url) as http:
        answer = await http.post(PATH, json=asking("x"))

    assert answer.content == body


async def test_a_stream_of_announced_length_that_breaks_off_still_ends_in_an_error() -> None:
    headers = {"content-type": "text/event-stream", "content-length": "5000"}
    async with raw_server(raw("200 OK", streamed("a")[0], **headers)) as url, client_of(url) as http:
        answer = await http.post(PATH, json=asking("x", stream=True))

    assert error_in(answer.content)["code"] == "upstream_error"


async def test_an_answer_with_a_long_header_arrives() -> None:
    headers = {"content-type": "application/json", "x-long": "v" * 20_000}
    async with raw_server(raw("200 OK", b"{}", **headers)) as url, client_of(url) as http:
        answer = await http.post(PATH, json=asking("x"))

    assert (answer.status_code, answer.headers["x-long"]) == (200, "v" * 20_000)


async def test_a_call_that_outlasts_the_drain_without_an_answer_is_a_503(
    fake: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    with RemoraServer(settings_for(fake.url, stream=Stream(drain_seconds=0.1)), graceful_seconds=1) as server:
        async with httpx.AsyncClient(timeout=10) as http:
            count = len(fake.requests)
            call = asyncio.get_running_loop().create_task(
                http.post(server.origin + PATH, json=asking("slow-first-byte"))
            )
            await asyncio.to_thread(fake.wait_for, count + 1)
            await asyncio.to_thread(server.stop)
            answer = await call
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["message"] == "the server is shutting down"
    assert "Traceback" not in caplog.text

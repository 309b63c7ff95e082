import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from config import settings
from memory.errors import Misconfigured, Overloaded
from proxy.errors import UpstreamFailed, UpstreamTimeout
from proxy.upstream import Answer, Upstream
from tests.support.broken_server import deaf_port, raw_server, refusing_port
from tests.support.upstream import BODIES, STREAMS, FakeUpstream

JSON = [("content-type", "application/json")]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


def request(model: str, *, stream: bool = False) -> bytes:
    return json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}).encode()


@asynccontextmanager
async def asked(url: str, body: bytes, *, decode: bool = True, **limits: Any) -> AsyncIterator[Answer]:
    async with Upstream(settings.Upstream(base_url=url, **limits)) as upstream:
        with await upstream.call("POST", "/chat/completions", JSON, body, decode=decode) as answer:
            yield answer


async def test_a_body_comes_as_it_was_sent(fake: FakeUpstream) -> None:
    async with asked(fake.url, request("odd")) as answer:
        assert answer.status == 200
        assert not answer.streams_events
        assert await answer.read() == json.dumps(BODIES["odd"], indent=1).encode() + b"\n"


async def test_a_stream_comes_as_it_was_sent(fake: FakeUpstream) -> None:
    async with asked(fake.url, request("comments", stream=True)) as answer:
        assert answer.streams_events
        assert await answer.read() == b"".join(STREAMS["comments"])


async def test_a_body_is_not_kept_while_its_answer_comes_in(fake: FakeUpstream) -> None:
    body = request("comments", stream=True)
    references = sys.getrefcount(body)
    async with Upstream(settings.Upstream(base_url=fake.url)) as upstream:
        with await upstream.call("POST", "/chat/completions", JSON, body, decode=True) as answer:
            assert sys.getrefcount(body) == references
            await answer.read()


@pytest.mark.parametrize(
    "target", ["/models/a%2Fb%3Ac%41", "/a//b?x=1%202&y=%41+c&&z", "/x;y=1?q=ü".replace("ü", "%C3%BC")]
)
async def test_the_target_goes_out_as_it_is(fake: FakeUpstream, target: str) -> None:
    async with Upstream(settings.Upstream(base_url=fake.url + "/")) as upstream:
        with await upstream.call("GET", target, [], None, decode=False) as answer:
            await answer.read()
    assert fake.last.path == "/v1" + target


async def test_nothing_is_added_to_the_headers(fake: FakeUpstream) -> None:
    async with asked(fake.url, request("plain")) as answer:
        await answer.read()
    assert sorted(name for name, _ in fake.last.headers) == [b"content-length", b"content-type", b"host"]


async def test_cookies_are_not_kept(fake: FakeUpstream) -> None:
    async with Upstream(settings.Upstream(base_url=fake.url)) as upstream:
        for _ in range(2):
            with await upstream.call("GET", "/cookie", [], None, decode=False) as answer:
                await answer.read()
    assert fake.last.header("cookie") is None


async def test_a_large_body_goes_out_whole(fake: FakeUpstream) -> None:
    body = json.dumps({"model": "plain", "messages": [], "x": "y" * 5_000_000}).encode()
    async with asked(fake.url, body) as answer:
        await answer.read()
    assert fake.last.body == body
    assert fake.last.header("content-length") == str(len(body))


@pytest.mark.parametrize("stream", [False, True])
async def test_compressed_answers_are_decoded_when_asked_for(fake: FakeUpstream, stream: bool) -> None:
    expected = b"".join(STREAMS["plain"]) if stream else json.dumps(BODIES["plain"], indent=1).encode()
    async with asked(fake.url, request("gzip", stream=stream)) as answer:
        assert await answer.read() == expected
        assert answer.streams_events is stream
        assert b"content-encoding" not in dict(answer.headers)


async def test_compressed_answers_stay_compressed_otherwise(fake: FakeUpstream) -> None:
    async with asked(fake.url, request("gzip", stream=True), decode=False) as answer:
        assert (await answer.read()).startswith(b"\x1f\x8b")
        assert not answer.streams_events
        assert dict(answer.headers)[b"content-encoding"] == b"gzip"


@pytest.mark.parametrize(
    "url",
    ["http://h:99999/v1", "http://h:x", "http://[::1/v1", "http://a..b/v1", "http://:80/v1", "http://h/v1?version=1"],
)
def test_a_base_url_that_leads_nowhere_is_refused_at_once(url: str) -> None:
    with pytest.raises(Misconfigured, match="REMORA_UPSTREAM_BASE_URL"):
        Upstream(settings.Upstream(base_url=url))


async def test_a_refused_connection_is_told() -> None:
    with refusing_port() as url, pytest.raises(UpstreamFailed, match="can't be reached"):
        async with asked(url, request("x")):
            pass


async def test_a_server_that_accepts_no_connection_times_out() -> None:
    with deaf_port() as url, pytest.raises(UpstreamTimeout, match=r"accepted no connection within 0\.2 s"):
        async with asked(url, request("x"), connect_timeout=0.2):
            pass


async def test_a_server_that_hangs_up_is_told_apart() -> None:
    async with raw_server(b"") as url:
        with pytest.raises(UpstreamFailed, match="hung up"):
            async with asked(url, request("x")):
                pass


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"])
async def test_what_is_no_http_is_told(answer: bytes) -> None:
    async with raw_server(answer) as url:
        with pytest.raises(UpstreamFailed, match="can't be understood"):
            async with asked(url, request("x")):
                pass


async def test_silence_before_the_first_byte_times_out(fake: FakeUpstream) -> None:
    with pytest.raises(UpstreamTimeout, match=r"did not answer within 0\.2 s"):
        async with asked(fake.url, request("slow-first-byte"), first_byte_timeout=0.2):
            pass
    assert fake.last.left.wait(1)


@pytest.mark.parametrize("model", ["slow-events", "slow-body"])
async def test_silence_in_the_middle_times_out(fake: FakeUpstream, model: str) -> None:
    with pytest.raises(UpstreamTimeout, match=r"sent nothing for 0\.2 s"):
        async with asked(fake.url, request(model, stream=True), idle_timeout=0.2) as answer:
            await answer.read()
    assert fake.last.left.wait(1)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_cut_off_is_told(fake: FakeUpstream, stream: bool) -> None:
    async with asked(fake.url, request("cut", stream=stream)) as answer:
        with pytest.raises(UpstreamFailed, match="broke off"):
            await answer.read()


async def test_leaving_before_the_first_byte_hangs_up(fake: FakeUpstream) -> None:
    count = len(fake.requests)

    async def ask() -> None:
        async with asked(fake.url, request("slow-first-byte")):
            pass

    async with asyncio.TaskGroup() as tasks:
        call = tasks.create_task(ask())
        arrived = await asyncio.to_thread(fake.wait_for, count + 1)
        call.cancel()
    assert arrived.left.wait(1)


async def test_leaving_in_the_middle_hangs_up(fake: FakeUpstream) -> None:
    async with asked(fake.url, request("slow-events", stream=True)) as answer:
        await anext(answer.chunks())
    assert fake.last.left.wait(1)


async def test_an_answer_read_to_its_end_leaves_the_connection_open(fake: FakeUpstream) -> None:
    async with Upstream(settings.Upstream(base_url=fake.url, max_connections=1, connect_timeout=1)) as upstream:
        for _ in range(3):
            with await upstream.call("POST", "/chat/completions", JSON, request("plain"), decode=True) as answer:
                await answer.read()


async def test_where_all_connections_are_in_use_a_call_waits_for_one_only_so_long(fake: FakeUpstream) -> None:
    one = settings.Upstream(base_url=fake.url, max_connections=1, connect_timeout=0.1)
    async with Upstream(one) as upstream:

        async def ask() -> int:
            with await upstream.call("POST", "/chat/completions", JSON, request("plain"), decode=True) as answer:
                await answer.read()
                return answer.status

        with await upstream.call(
            "POST", "/chat/completions", JSON, request("slow-events", stream=True), decode=True
        ) as answer:
            assert answer.status == 200
            with pytest.raises(Overloaded):
                await ask()
        assert await ask() == 200

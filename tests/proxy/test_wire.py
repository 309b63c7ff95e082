"""HTTP/1.1 as upstreams speak it, and as they should not."""

import asyncio
import queue
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from config import settings
from proxy.errors import UpstreamFailed
from proxy.pool import Pool
from proxy.upstream import Upstream
from tests.support.scripted_server import Script, ScriptedServer, scripted

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def answering(*answers: bytes) -> Callable[[ScriptedServer], Script]:
    """One answer after another, then it hangs up."""

    def script(server: ScriptedServer) -> Script:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers:
                await server.request(reader)
                writer.write(answer)

        return serve

    return script


async def ask(upstream: Upstream, method: str = "POST", body: bytes | None = b"{}") -> bytes:
    with await upstream.call(method, "/x", [], body, decode=False) as answer:
        return await answer.read()


def to(server: ScriptedServer, **given: Any) -> Upstream:
    return Upstream(settings.Upstream(base_url=server.url, **given))


async def test_one_connection_serves_one_call_after_another() -> None:
    async with scripted(answering(OK, OK, OK)) as server, to(server) as upstream:
        assert [await ask(upstream) for _ in range(3)] == [b"ok"] * 3
    assert server.connections == 1


async def test_a_connection_that_is_to_be_closed_is_not_used_again() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    async with scripted(answering(closing, OK)) as server, to(server) as upstream:
        assert [await ask(upstream) for _ in range(2)] == [b"ok"] * 2
    assert server.connections == 2


async def test_a_connection_that_the_upstream_closed_meanwhile_is_not_used_again() -> None:
    async with scripted(answering(OK)) as server, to(server, max_connections=1) as upstream:
        for _ in range(3):
            assert await ask(upstream) == b"ok"
            await asyncio.sleep(0.05)  # until its closing has come
    assert server.connections == 3


@pytest.mark.parametrize("late", [b"", OK.replace(b"ok", b"no")])
async def test_what_came_before_a_call_counts_even_if_it_was_not_read_yet(late: bytes) -> None:
    """`late`: comes after the answer, before the next call; nothing but the connection's end does."""
    sockets = queue.SimpleQueue[socket.socket]()

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            connection.recv(1 << 16)
            connection.sendall(OK)
            sockets.put(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.get_running_loop().run_in_executor(None, serve, listener)
        async with Upstream(settings.Upstream(base_url=base_url)) as upstream:
            assert await ask(upstream) == b"ok"
            with sockets.get() as first:  # from here to the next call, the event loop does not get to read
                first.sendall(late)
                first.shutdown(socket.SHUT_WR)
                assert await ask(upstream) == b"ok"
            await serving
            sockets.get().close()


async def test_a_connection_whose_upstream_leaves_does_not_wait_for_what_is_being_sent() -> None:
    left = asyncio.Event()

    def script(server: ScriptedServer) -> Script:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write_eof()
            await left.wait()  # without reading on

        return serve

    async with scripted(script) as server, to(server) as upstream:
        with pytest.raises(UpstreamFailed, match="hung up"):
            await ask(upstream, body=bytes(20_000_000))
        left.set()


async def test_a_connection_that_is_still_sending_when_answered_is_not_used_again() -> None:
    left = asyncio.Event()

    def script(server: ScriptedServer) -> Script:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await left.wait()  # without reading on

        return serve

    async with scripted(script) as server:
        pool = Pool("127.0.0.1", int(server.url.rpartition(":")[2].removesuffix("/v1")), None, limit=1)
        wire = await pool.take(5)
        wire.ask((b"POST / HTTP/1.1\r\n\r\n", bytes(20_000_000)), head_only=False)
        await wire.head(5)
        assert await wire.more(5) == b"ok"
        assert not wire.release()
        await pool.close()
        left.set()


async def test_what_comes_unasked_is_no_answer_to_the_next_call() -> None:
    async with scripted(answering(OK + OK.replace(b"ok", b"no"), OK)) as server, to(server) as upstream:
        assert await ask(upstream) == b"ok"
        assert await ask(upstream) == b"ok"
    assert server.connections == 2


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    async with scripted(answering(b"HTTP/1.1 200 OK\r\n\r\nall of it")) as server, to(server) as upstream:
        assert await ask(upstream) == b"all of it"


async def test_a_body_in_chunks_may_have_trailers() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx-late: 1\r\n\r\n"
    async with scripted(answering(chunked, OK)) as server, to(server) as upstream:
        with await upstream.call("POST", "/x", [], b"{}", decode=False) as answer:
            assert await answer.read() == b"abcde"
        assert await ask(upstream) == b"ok"
    assert answer.headers == []
    assert server.connections == 1


async def test_an_answer_before_the_answer_is_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    async with scripted(answering(b"HTTP/1.1 100 Continue\r\n\r\n" + early + OK)) as server, to(server) as upstream:
        with await upstream.call("POST", "/x", [], b"{}", decode=False) as answer:
            assert (answer.status, await answer.read()) == (200, b"ok")
    assert answer.headers == [(b"content-length", b"2")]


async def test_an_answer_to_head_has_no_body() -> None:
    async with scripted(answering(OK.removesuffix(b"ok"))) as server, to(server) as upstream:
        with await upstream.call("HEAD", "/x", [], None, decode=False) as answer:
            assert await answer.read() == b""
    assert answer.headers == [(b"content-length", b"2")]


async def test_an_answer_without_content_has_no_body() -> None:
    async with scripted(answering(b"HTTP/1.1 204 No Content\r\n\r\n", OK)) as server, to(server) as upstream:
        assert await ask(upstream) == b""
        assert await ask(upstream) == b"ok"
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 099 Early\r\n\r\n",
        b"HTTP/1.1 999 Denied\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000,
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
    ],
)
async def test_what_is_no_answer_is_told(answer: bytes) -> None:
    async with scripted(answering(answer)) as server, to(server) as upstream:
        with pytest.raises(UpstreamFailed, match="can't be understood"):
            await ask(upstream)


async def test_a_body_that_is_followed_by_very_much_is_broken() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx: "
    async with scripted(answering(chunked + b"y" * 1_000_000)) as server, to(server) as upstream:
        with pytest.raises(UpstreamFailed, match="broke off"):
            await ask(upstream)


@pytest.mark.parametrize(
    "answer",
    [OK.replace(b"\r", b""), b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n"],
)
async def test_what_is_nearly_http_is_understood(answer: bytes) -> None:
    async with scripted(answering(answer)) as server, to(server) as upstream:
        assert await ask(upstream) == b"ok"


async def test_no_more_is_read_than_is_taken() -> None:
    written = 0

    def script(server: ScriptedServer) -> Script:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal written
            await server.request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(bytes(1 << 20))
                await writer.drain()
                written += 1

        return serve

    async with scripted(script) as server, to(server) as upstream:
        with await upstream.call("POST", "/x", [], b"{}", decode=False) as answer:
            before = -1
            while written > before:  # until nothing moves any more
                before = written
                await asyncio.sleep(0.2)
            assert before < 100
            taken = 0
            async for chunk in answer.chunks():
                taken += len(chunk)
                if taken > before + (100 << 20):
                    break
            assert written > before


async def test_an_upload_whose_length_is_not_known_goes_in_chunks() -> None:
    bodies = []

    def script(server: ScriptedServer) -> Script:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            bodies.append(await reader.readuntil(b"0\r\n\r\n"))
            writer.write(OK)

        return serve

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"two"):
            yield piece

    async with scripted(script) as server, to(server) as upstream:
        with await upstream.call("POST", "/x", [], pieces(), decode=False) as answer:
            assert await answer.read() == b"ok"
    assert bodies == [b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"]
    assert b"transfer-encoding: chunked\r\n" in server.heads[0]


async def test_an_upload_that_is_answered_before_its_end_ends_there() -> None:
    left = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"more"
                await asyncio.sleep(0)
        finally:
            left.set()

    async with scripted(answering(OK, OK)) as server, to(server) as upstream:
        with await upstream.call("POST", "/x", [], endless(), decode=False) as answer:
            assert await answer.read() == b"ok"
        await asyncio.wait_for(left.wait(), 5)
        assert await ask(upstream) == b"ok"
    assert server.connections == 2


async def test_what_ends_an_upload_is_raised() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise LookupError("the source is gone")

    async with scripted(answering(OK)) as server, to(server) as upstream:
        with pytest.raises(LookupError, match="the source is gone"):
            await upstream.call("POST", "/x", [("content-length", "10")], broken(), decode=False)


async def test_who_waits_for_a_connection_gets_the_next_that_is_left() -> None:
    go_on = asyncio.Event()

    def script(server: ScriptedServer) -> Script:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await server.request(reader)
                await go_on.wait()
                writer.write(OK)

        return serve

    async with scripted(script) as server, to(server, max_connections=2) as upstream:

        async def several() -> list[bytes]:
            return await asyncio.gather(*(ask(upstream) for _ in range(10)))

        async with asyncio.TaskGroup() as tasks:
            answers = tasks.create_task(several())
            await asyncio.sleep(0)
            go_on.set()
        assert answers.result() == [b"ok"] * 10
    assert server.connections == 2


async def test_a_place_whose_call_failed_is_free_again() -> None:
    async with scripted(answering(b"no HTTP\r\n\r\n")) as server, to(server, max_connections=1) as upstream:

        async def fails() -> bool:
            with pytest.raises(UpstreamFailed):
                await ask(upstream)
            return True

        assert all(await asyncio.gather(*(fails() for _ in range(5))))
    assert server.connections == 5


async def test_who_stops_waiting_takes_no_place() -> None:
    hang = asyncio.Event()

    def script(server: ScriptedServer) -> Script:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await server.request(reader)
                await hang.wait()
                writer.write(OK)

        return serve

    async with scripted(script) as server, to(server, max_connections=1) as upstream, asyncio.TaskGroup() as tasks:
        first, second, third = (tasks.create_task(ask(upstream)) for _ in range(3))
        await asyncio.sleep(0.05)
        second.cancel()
        hang.set()
        await asyncio.wait((first, second, third))
        assert second.cancelled()
        assert first.result() == third.result() == b"ok"
    assert server.connections == 1


@pytest.mark.parametrize("header", [("x", "a\r\ny: b"), ("x\n", "a"), ("x", "a\0")])
async def test_no_header_smuggles_another(header: tuple[str, str]) -> None:
    async with scripted(answering(OK)) as server, to(server) as upstream:
        with pytest.raises(ValueError, match="line break"):
            await upstream.call("POST", "/x", [header], b"{}", decode=False)


async def test_one_that_hangs_up_on_every_call_keeps_no_place_taken() -> None:
    async with scripted(answering()) as server, to(server, max_connections=2) as upstream:
        for _ in range(10):
            with pytest.raises(UpstreamFailed, match="hung up"):
                await ask(upstream)
    assert server.connections == 10


async def test_many_calls_share_the_connections_of_one_that_closes_now_and_then() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    async with scripted(answering(OK, closing)) as server, to(server, max_connections=3) as upstream:
        answers = await asyncio.gather(*(ask(upstream) for _ in range(60)))
    assert answers == [b"ok"] * 60

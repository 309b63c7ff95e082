"""Clients that keep a connection and its server waiting. The checks are made by hand, so nothing depends on time."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.types import Receive, Send

from proxy.connection import BODY_CHECKS, ENOUGH, HEAD_CHECKS, SEND_CHECKS, Connection
from tests.support.asgi_server import AsgiServer
from tests.support.upstream import wait_until

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
ANSWER = 50_000_000


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Reads the whole body, then answers with one that fits no buffer, at /whole in one piece."""
    message: Any = await receive()
    while message["type"] == "http.request" and message["more_body"]:
        message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/whole":
        await send({"type": "http.response.body", "body": b"x" * ANSWER, "more_body": False})
        return
    for _ in range(ANSWER // 1_000_000):
        await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class Line:
    """A raw connection, and the server's side of it."""

    def __init__(self, server: AsgiServer) -> None:
        self._server = server
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        wait_until(lambda: bool(self._connections()), "the connection")
        self._connection = self._connections()[0]

    def send(self, data: bytes) -> None:
        """Returns when it has arrived."""
        before = self._connection._received
        self.socket.sendall(data)
        wait_until(lambda: self._connection._received == before + len(data), "the bytes")

    def check(self, times: int) -> bool:
        """Whether the connection outlives so many checks."""

        async def checks() -> bool:
            for _ in range(times):
                if self._connection in self._connections():
                    self._connection.check()
            return not self._connection.transport.is_closing()

        assert self._server.loop is not None
        return asyncio.run_coroutine_threadsafe(checks(), self._server.loop).result(10)

    def wait_for_writing_to_pause(self) -> None:
        wait_until(lambda: self._connection.flow.write_paused, "a full buffer")

    def wait_for_the_end_of_the_answer(self) -> None:
        wait_until(lambda: getattr(self._connection.cycle, "response_complete", False), "the end of the answer")

    def _connections(self) -> list[Connection]:
        return list(self._server.server.server_state.connections)  # type: ignore[arg-type]


@pytest.fixture
def line() -> Iterator[Line]:
    with AsgiServer(application, http=Connection) as server:
        line = Line(server)
        with line.socket:
            yield line


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_a_request_that_does_not_get_on_is_hung_up_on(line: Line, begun: bytes) -> None:
    line.send(begun)
    assert line.check(HEAD_CHECKS)
    assert not line.check(1)
    assert line.socket.recv(1) == b""


def test_a_head_that_comes_byte_by_byte_is_hung_up_on_all_the_same(line: Line) -> None:
    alive = [line.check(1)]
    for byte in b"GET / HTTP/1.1":
        if not alive[-1]:
            break
        line.send(bytes([byte]))
        alive.append(line.check(1))
    assert alive == [*[True] * HEAD_CHECKS, False]


def test_a_body_that_stalls_is_hung_up_on(line: Line) -> None:
    line.send(HEAD + b"some of it")
    assert line.check(BODY_CHECKS)
    assert not line.check(1)


def test_a_slow_body_is_waited_for(line: Line) -> None:
    line.send(HEAD)
    for _ in range(3 * BODY_CHECKS):
        line.send(bytes(ENOUGH))
        assert line.check(1)


def test_an_answer_that_nobody_reads_is_hung_up_on(line: Line) -> None:
    line.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    line.wait_for_writing_to_pause()
    assert line.check(SEND_CHECKS)
    assert not line.check(1)


def test_an_answer_that_nobody_reads_is_hung_up_on_although_all_of_it_is_written(line: Line) -> None:
    line.send(b"GET /whole HTTP/1.1\r\nHost: a\r\n\r\n")
    line.wait_for_the_end_of_the_answer()
    assert line.check(SEND_CHECKS)
    assert not line.check(1)


def test_the_last_answer_of_a_connection_may_be_read_slowly(line: Line) -> None:
    line.send(b"GET /whole HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    line.wait_for_the_end_of_the_answer()
    received = 0
    while chunk := line.socket.recv(10_000_000):
        received += len(chunk)
        line.check(1)
    assert received > ANSWER


def test_a_connection_between_two_requests_is_left_to_its_own_time_limit(line: Line) -> None:
    line.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    received = 0
    while received < ANSWER:
        received += len(line.socket.recv(1_000_000))
    wait_until(lambda: line._connection.timeout_keep_alive_task is not None, "the end of the answer")
    assert line.check(10)


def test_a_stopping_server_leaves_an_answer_that_nobody_reads_without_ado(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with AsgiServer(application, http=Connection, timeout_graceful_shutdown=1) as server:
        line = Line(server)
        with line.socket:
            line.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            line.wait_for_writing_to_pause()
            server.stop()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []

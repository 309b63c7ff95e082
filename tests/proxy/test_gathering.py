"""What goes out in how many writes, on asyncio's own transports."""

import asyncio
from typing import Any

from proxy.gathering import Gathering

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Line(asyncio.Transport):
    """The system's side: keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.ended = ""

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def is_closing(self) -> bool:
        return bool(self.ended)

    def get_write_buffer_size(self) -> int:
        return 0


def gathering() -> tuple[Gathering, Line]:
    line = Line()
    return Gathering(line, asyncio.get_running_loop()), line


async def test_a_head_goes_out_with_what_follows_it() -> None:
    transport, line = gathering()
    transport.write(HEAD)
    assert (line.writes, transport.get_write_buffer_size()) == ([], len(HEAD))
    transport.write(b"ok")
    transport.write(b"more")
    assert (line.writes, transport.get_write_buffer_size()) == ([HEAD + b"ok", b"more"], 0)


async def test_a_head_that_nothing_follows_goes_out_alone_and_once() -> None:
    transport, line = gathering()
    transport.write(HEAD)
    for _ in range(2):
        await asyncio.sleep(0)
    assert line.writes == [HEAD]


async def test_a_head_goes_out_before_the_connection_is_closed() -> None:
    transport, line = gathering()
    transport.write(HEAD)
    transport.close()
    assert (line.writes, line.ended) == ([HEAD], "closed")


async def test_nothing_goes_out_after_hanging_up() -> None:
    transport, line = gathering()
    transport.write(HEAD)
    transport.abort()
    await asyncio.sleep(0)
    assert (line.writes, line.ended) == ([], "aborted")

"""The upstream of the benchmark: answers at once, and costs as little as Python can.

    python -m tests.bench.upstream PORT

A chat completion is one fixed answer; with `"stream":true` in its body it is EVENTS events and `[DONE]`, each written
on its own, one right after the other. The model asked for may want it otherwise: PACED sends an event every PACE
seconds, whose text is when it was sent (`time.monotonic()`, one clock for all processes of a machine); IDLE falls
silent after the first.
"""

import asyncio
import sys
import time
from typing import cast

import httptools
import uvloop

EVENTS = 64
PACE = 0.02

FAST, PACED, IDLE = "bench", "bench-paced", "bench-idle"

COMPLETION = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"It was mentioned once, as far as I can tell."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}}'
)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(COMPLETION),
    COMPLETION,
)
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _event(delta: bytes, finish_reason: bytes = b"null") -> bytes:
    return (
        b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":'
        b'[{"index":0,"delta":%b,"finish_reason":%b}]}\n\n' % (delta, finish_reason)
    )


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_FIRST, _LAST = _event(b'{"role":"assistant","content":""}'), _event(b"{}", b'"stop"')
_TEXTS = [_event(b'{"content":" word%d"}' % number) for number in range(EVENTS - 2)]

STREAM = b"".join([_FIRST, *_TEXTS, _LAST, b"data: [DONE]\n\n"])
"""What a client reads of a stream of FAST."""

_DONE = _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
_FAST_CHUNKS = [*map(_chunk, (_FIRST, *_TEXTS, _LAST)), _DONE]
_IS_PACED, _IS_IDLE = f'"{PACED}"'.encode(), f'"{IDLE}"'.encode()


class _Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        if b'"stream":true' not in body and b'"stream": true' not in body:
            self._transport.write(_ANSWER)
            return
        self._transport.write(_STREAM_HEAD)
        if _IS_PACED in body:
            self._pace(0, asyncio.get_running_loop().time())
        elif _IS_IDLE in body:
            self._transport.write(_chunk(_FIRST))
        else:
            self._send(0)

    def _send(self, number: int) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(_FAST_CHUNKS[number])
        if number < EVENTS:
            asyncio.get_running_loop().call_soon(self._send, number + 1)

    def _pace(self, number: int, due: float) -> None:
        if self._transport.is_closing():
            return
        stamped = _event(b'{"content":" %.6f"}' % time.monotonic(), b"null" if number + 1 < EVENTS else b'"stop"')
        if number + 1 < EVENTS:
            self._transport.write(_chunk(stamped))
            asyncio.get_running_loop().call_at(due + PACE, self._pace, number + 1, due + PACE)
        else:
            self._transport.write(_chunk(stamped) + _DONE)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))

"""The upstream of the benchmark: answers at once, and costs as little as Python can.

    python -m tests.bench.upstream PORT

A chat completion is one fixed answer; with `"stream":true` in its body it is EVENTS events, each written on its own.
"""

import asyncio
import sys
from typing import cast

import httptools
import uvloop

EVENTS = 64

_COMPLETION = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"It was mentioned once, as far as I can tell."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}}'
)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_COMPLETION),
    _COMPLETION,
)
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(delta: bytes, finish_reason: bytes = b"null") -> bytes:
    return _chunk(
        b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":'
        b'[{"index":0,"delta":%b,"finish_reason":%b}]}\n\n' % (delta, finish_reason)
    )


_EVENTS = (
    _event(b'{"role":"assistant","content":""}'),
    *(_event(b'{"content":" word%d"}' % number) for number in range(EVENTS - 2)),
    _event(b"{}", b'"stop"'),
    _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n",
)


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
        if b'"stream":true' not in body:
            self._transport.write(_ANSWER)
            return
        self._transport.write(_STREAM_HEAD)
        self._send(0)

    def _send(self, number: int) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(_EVENTS[number])
        if number + 1 < len(_EVENTS):
            asyncio.get_running_loop().call_soon(self._send, number + 1)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))

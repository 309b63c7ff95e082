"""A fake upstream: a real server that speaks OpenAI's protocol, well or badly, as the model asked for says."""

import asyncio
import gzip
import json
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from litestar.types import Receive, Send

from tests.support.asgi_server import AsgiServer

WAIT_SECONDS = 30.0


@dataclass
class Request:
    """One request as it arrived."""

    method: str
    path: str
    """Raw, with the query string."""
    headers: list[tuple[bytes, bytes]]
    body: bytes
    released: asyncio.Event
    loop: asyncio.AbstractEventLoop
    left: threading.Event = field(default_factory=threading.Event)
    """Set when the client went before the answer was over."""

    def release(self) -> None:
        """Let an answer that waits for it go on."""
        self.loop.call_soon_threadsafe(self.released.set)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value.decode() for key, value in self.headers if key == name.encode()), None)


class Reply:
    """The answering side of one request, for a behaviour to play."""

    def __init__(self, request: Request, receive: Receive, send: Send) -> None:
        self.request = request
        self._receive = receive
        self._send = send

    async def start(self, status: int = 200, **headers: str) -> None:
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def events(self, *events: bytes, **headers: str) -> None:
        """A whole stream, each event in a write of its own."""
        await self.start(200, content_type="text/event-stream; charset=utf-8", **headers)
        for event in events:
            await self.write(event)
        await self.write(b"", more=False)

    async def json(self, payload: Any, status: int = 200, **headers: str) -> None:
        await self.start(status, content_type="application/json", **headers)
        # Spaces that no encoder puts there show whether the bytes are the same ones.
        await self.write(json.dumps(payload, indent=1).encode() + b"\n", more=False)

    async def released(self) -> None:
        """Until the test says so; raises ClientLeftError when the client leaves before."""
        async with asyncio.TaskGroup() as tasks:
            gone = tasks.create_task(self._gone())
            await self.request.released.wait()
            gone.cancel()

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.request.left.set()
        raise ClientLeftError


class ClientLeftError(Exception):
    """The client closed the connection."""


class CutError(Exception):
    """The behaviour wants the connection closed as it is."""


Behaviour = Callable[[Reply], Awaitable[None]]


class FakeUpstream:
    """A context manager. `url` is the base URL for a client; what arrived is in `requests`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._changed = threading.Condition()
        self._server = AsgiServer(self._serve)

    @property
    def url(self) -> str:
        return f"{self._server.origin}/v1"

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def last(self) -> Request:
        return self.requests[-1]

    def wait_for(self, count: int) -> Request:
        """The `count`-th request, as soon as it arrived."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, WAIT_SECONDS), "no such request arrived"
            return self.requests[count - 1]

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message: Any = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        query = scope["query_string"].decode()
        path = scope["raw_path"].decode() + (f"?{query}" if query else "")
        request = Request(
            scope["method"], path, list(scope["headers"]), body, asyncio.Event(), asyncio.get_running_loop()
        )
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        try:
            await _behaviour_of(request)(Reply(request, receive, send))
        except* (ClientLeftError, CutError):
            pass  # an answer left unfinished makes the server close the connection


def _behaviour_of(request: Request) -> Behaviour:
    try:
        model = json.loads(request.body)["model"]
    except (ValueError, KeyError, TypeError):
        return other if not request.path.startswith("/v1/chat/completions") else echo
    if isinstance(model, str) and model.startswith("status-"):
        return failing
    return BEHAVIOURS.get(str(model), echo) if request.path.startswith("/v1/chat/completions") else other


# ---------------------------------------------------------------------------------------------------- what is answered


def chunk(delta: dict[str, Any], finish: str | None = None, *, index: int = 0, **fields: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    } | fields


def event(payload: Any, end: str = "\n") -> bytes:
    return f"data: {json.dumps(payload, ensure_ascii=False)}{end}{end}".encode()


def streamed(*words: str, finish: str = "stop") -> list[bytes]:
    """An answer as events, end mark included."""
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": word}, None) for word in words] + [({}, finish)]
    return [*(event(chunk(delta, end)) for delta, end in deltas), DONE]


def completion(content: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, "refusal": None} | message,
        "logprobs": None,
        "finish_reason": finish,
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        "system_fingerprint": "fp_1",
    }


DONE = b"data: [DONE]\n\n"
_TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Porto"}'}}

STREAMS: dict[str, Sequence[bytes]] = {
    "plain": streamed("Hel", "lo ", "there"),
    "crlf": [event(chunk({"content": "Hi"}), "\r\n"), event(chunk({}, "stop"), "\r\n"), b"data: [DONE]\r\n\r\n"],
    "comments": [b": OPENROUTER PROCESSING\n\n", *streamed("Hi"), b": bye\n\n"],
    "named": [b"event: message\nid: 1\nretry: 10\n" + each for each in streamed("Hi")],
    "lines": [b'data: {"id": "x", "choices":\ndata:  []}\n\n', *streamed("Hi")],
    "unicode": streamed("héllo", "世界", "🐟\u2028", "\\ud83d"),
    "huge": streamed("x" * 3_000_000),
    "tools": [
        event(chunk({"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_TOOL_CALL}]})),
        event(chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"}'}}]})),
        event(chunk({}, "tool_calls")),
        DONE,
    ],
    "n2": [
        event(chunk({"content": "a"}, index=0)),
        event(chunk({"content": "b"}, index=1)),
        event(chunk({}, "stop", index=1)),
        event(chunk({}, "stop", index=0)),
        DONE,
    ],
    "logprobs": [
        event(chunk({"content": "a"}, x_logprobs={"content": [{"token": "a", "logprob": -1e-7}]})),
        *streamed("b"),
    ],
    "usage": [*streamed("a")[:-1], event(chunk({}, choices=[], usage={"total_tokens": 3})), DONE],
    "no-done": streamed("a")[:-1],
    "bare-done": [*streamed("a")[:-1], b"data: [DONE]\n"],
    "malformed": [*streamed("a")[:2], b"data: {bad json\n\n", *streamed("b")[-2:]],
    "own-error": [*streamed("a")[:2], event({"error": {"message": "overloaded", "type": "server_error"}})],
    "cut-clean": streamed("a", "b")[:-2],
}
"""Streams by the name of the model that answers so."""

BODIES: dict[str, dict[str, Any]] = {
    "plain": completion("Hello there"),
    "tools": completion(None, "tool_calls", tool_calls=[_TOOL_CALL]),
    "n2": completion("a") | {"choices": [{**completion("ab")["choices"][0], "index": index} for index in (0, 1)]},
    "odd": completion("a") | {"x_unknown": {"big": 123456789012345678901234567890, "float": 1.10}, "usage": None},
    "unicode": completion("héllo 世界 🐟"),
}


async def echo(reply: Reply) -> None:
    """The last user message back, in the mode asked for."""
    asked = reply.request.json
    said = [message.get("content") for message in asked["messages"] if message.get("role") == "user"]
    text = f"You said: {said[-1]}" if said else "Nobody spoke."
    if asked.get("stream"):
        await reply.events(*streamed(*text.split(" ")), x_request_id="req_upstream")
    else:
        await reply.json(completion(text), x_request_id="req_upstream")


async def told(reply: Reply) -> None:
    """A stream of STREAMS or a body of BODIES, by the model's name."""
    asked = reply.request.json
    if asked.get("stream"):
        await reply.events(*STREAMS[asked["model"]], x_request_id="req_upstream")
    else:
        await reply.json(BODIES.get(asked["model"], completion("Hi")), x_request_id="req_upstream")


async def failing(reply: Reply) -> None:
    """`status-429` answers that status, as OpenAI words it."""
    status = int(reply.request.json["model"].removeprefix("status-"))
    error = {"message": f"upstream says {status}", "type": "some_type", "param": None, "code": "some_code"}
    headers = {"retry_after": "7", "x_ratelimit_remaining_tokens": "0"} if status == 429 else {}
    await reply.json({"error": error}, status, x_request_id="req_upstream", **headers)


async def slow_first_byte(reply: Reply) -> None:
    await reply.released()
    await echo(reply)


async def slow_events(reply: Reply) -> None:
    """One event, and the others when released."""
    first, *rest = streamed("a", "b")
    await reply.start(content_type="text/event-stream")
    await reply.write(first)
    await reply.released()
    for each in rest:
        await reply.write(each)
    await reply.write(b"", more=False)


async def slow_body(reply: Reply) -> None:
    """Status and the beginning of a body, and the rest when released."""
    body = json.dumps(completion("Hi")).encode()
    await reply.start(content_type="application/json")
    await reply.write(body[:20])
    await reply.released()
    await reply.write(body[20:], more=False)


async def cut(reply: Reply) -> None:
    """The connection closed in the middle of an event, or of a body."""
    if reply.request.json.get("stream"):
        await reply.start(content_type="text/event-stream")
        await reply.write(b"".join(streamed("a", "b")[:2]) + b'data: {"cho')
    else:
        await reply.start(content_type="application/json", content_length="1000")
        await reply.write(b'{"choices": [')
    raise CutError


async def split(reply: Reply) -> None:
    """Writes that end inside events and inside characters."""
    stream = b"".join(STREAMS["unicode"])
    await reply.start(content_type="text/event-stream")
    for start in range(0, len(stream), 7):
        await reply.write(stream[start : start + 7])
        await asyncio.sleep(0.001)
    await reply.write(b"", more=False)


async def zipped(reply: Reply) -> None:
    """Compressed although nobody asked for it; a stream is flushed after each event."""
    if reply.request.json.get("stream"):
        packer = zlib.compressobj(wbits=31)
        packed = [packer.compress(each) + packer.flush(zlib.Z_SYNC_FLUSH) for each in STREAMS["plain"]]
        await reply.events(*packed, packer.flush(), content_encoding="gzip")
    else:
        await reply.start(content_type="application/json", content_encoding="gzip")
        await reply.write(gzip.compress(json.dumps(BODIES["plain"], indent=1).encode()), more=False)


async def other(reply: Reply) -> None:
    """Anything but chat: tells what arrived; compressed where the client takes that."""
    request = reply.request
    if b"slow-other" in request.body:
        await reply.released()
    told = {"method": request.method, "path": request.path, "bytes": len(request.body)}
    body = json.dumps(told, indent=1).encode()
    if request.path.endswith("/stream"):
        await reply.events(b"event: response.created\ndata: {}\n\n", b"event: response.completed\ndata: {}\n\n")
    elif "gzip" in (request.header("accept-encoding") or ""):
        packed = gzip.compress(body, mtime=0)
        await reply.start(content_type="application/json", content_encoding="gzip", content_length=str(len(packed)))
        await reply.write(packed, more=False)
    else:
        await reply.start(content_type="application/json", set_cookie="a=b", x_request_id="req_upstream")
        await reply.write(body, more=False)


BEHAVIOURS: dict[str, Behaviour] = {
    **dict.fromkeys([*STREAMS, *BODIES], told),
    "echo": echo,
    "slow-first-byte": slow_first_byte,
    "slow-events": slow_events,
    "slow-body": slow_body,
    "cut": cut,
    "split": split,
    "gzip": zipped,
}


def wait_until(true: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Raises AssertionError where that does not become true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.01)

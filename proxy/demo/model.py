"""A model for the demonstration: a script that knows nothing but its prompt, and says so. No network, no key."""

import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
from litestar import Litestar, Response, get, post
from litestar.params import JSONBody
from litestar.response import Stream
from litestar.types import ASGIApp

MODEL = "remora-demo"

UNKNOWN = "Nothing in my prompt tells me that. (I am a script: my prompt is all I know.)"
NOTED = "Noted. (I am a script: I forget it when this call ends.)"

_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about am an and any are as at be but by can could did do does for from had has have he her here his how i if
        in is it its me my no not now of on or our she should so some than that the their them then there they this to
        too was we were what when where which who why will with would you your
        """,
    )
)
_ENDINGS = ("ing", "ies", "es", "ed", "ic", "y", "s", "e")


class Script:
    """Answers `/v1/chat/completions`, and keeps what it was sent, for the demonstration to show."""

    def __init__(self) -> None:
        self.received: list[list[dict[str, Any]]] = []
        """The messages of each call, oldest first."""

    def app(self) -> ASGIApp:
        """An OpenAI-compatible server."""

        @post("/v1/chat/completions", status_code=200)
        async def complete(data: JSONBody[dict[str, Any]]) -> Response[Any]:
            messages = data["messages"]
            self.received.append(messages)
            text = answer(messages)
            if data.get("stream"):
                return Stream(_events(text), media_type="text/event-stream")
            return Response(_completion("chat.completion", message={"role": "assistant", "content": text}))

        @get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "remora"}]}

        return Litestar([complete, models], logging_config=None, openapi_config=None)


def answer(messages: Sequence[Mapping[str, Any]]) -> str:
    """To a question, the lines of the prompt that between them have its words, the first of those that have most; to
    anything else, that it forgets."""
    *before, newest = messages
    question = _text(newest)
    if "?" not in question:
        return NOTED
    lines = [line.strip(" -*#") for message in before for line in _text(message).splitlines()]
    wanted, quoted = _words(question), []
    while wanted and lines:
        best = max(lines, key=lambda line: len(wanted & _words(line)))
        if not wanted & _words(best):
            break
        quoted.append(f"“{best}”")
        wanted -= _words(best)
    return f"My prompt says: {' '.join(quoted)}" if quoted else UNKNOWN


async def _events(text: str) -> AsyncIterator[bytes]:
    yield _event(delta={"role": "assistant", "content": ""})
    for piece in re.findall(r"\s*\S+", text):
        yield _event(delta={"content": piece})
    yield _event(delta={}, finish_reason="stop")
    yield b"data: [DONE]\n\n"


def _event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    chunk = _completion("chat.completion.chunk", delta=delta, finish_reason=finish_reason)
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def _completion(kind: str, *, finish_reason: str | None = "stop", **choice: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-demo",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": finish_reason, **choice}],
    }


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else ""


def _words(text: str) -> set[str]:
    return {_stem(word) for word in re.findall(r"[^\W\d_]+", text.lower()) if word not in _STOP_WORDS}


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word

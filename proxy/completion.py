"""What a model answered, read beside the relay from a copy: enough of it to learn from, and no more."""

from typing import Any

import msgspec
from msgspec import Struct

from proxy.sse import read_data

MAX_CHARACTERS = 65_536
"""Of the answer; the rest of a longer one is not kept."""

_DONE = b"[DONE]"
_MOST_TOKENS = 2**53


class Message(Struct, gc=False):
    content: Any = None
    tool_calls: Any = None
    function_call: Any = None


class _Choice(Struct, gc=False):
    index: int | None = 0
    message: Message | None = None
    delta: Message | None = None
    finish_reason: str | None = None


class _Completion(Struct, gc=False):
    choices: list[_Choice] | None = None
    error: Any = None
    model: Any = None
    usage: Any = None


_decode = msgspec.json.Decoder(_Completion).decode


class Completion:
    """The first choice of an answer, from a body or from the events of a stream."""

    def __init__(self, *, keeps_text: bool = True) -> None:
        """Without its text there is no `message`, and of a stream only what may tell more than text is decoded: [M] in
        half the time."""
        self._keeps_text = keeps_text
        self.finish_reason: str | None = None
        self.readable = True
        """Whether all that came could be read."""
        self.ended = False
        """Whether the answer said that it was over: by a finish reason, the end mark, or an error of its own."""
        self.failed = False
        """Whether it brought an error."""
        self.begun = False
        """Whether there was any text, or a call of a tool."""
        self.model: str | None = None
        """As the upstream names it."""
        self.input_tokens: int | None = None
        """As the upstream counts them; None where it does not say."""
        self.output_tokens: int | None = None
        self._text = bytearray()  # in UTF-8; as the short texts that a stream brings it would be ten times as much
        self._room = MAX_CHARACTERS
        self._calls_tools = False

    def message(self) -> dict[str, Any] | None:
        """As an assistant message; None unless the answer is whole, and kept."""
        if not self._keeps_text or self.finish_reason is None or self.failed or not self.readable:
            return None
        message: dict[str, Any] = {"role": "assistant", "content": self._text.decode()}
        return message | ({"tool_calls": True} if self._calls_tools else {})

    def read_body(self, body: bytes) -> None:
        self._read(body)
        self.ended = True

    def read_events(self, events: bytes) -> None:
        """Take in the next whole events of a stream."""
        if self.begun and not self._keeps_text and _only_text(events):
            return
        for data in read_data(events):
            if data.startswith(_DONE):
                self.ended = True
            elif data:
                self._read(data)

    def _read(self, data: bytes) -> None:
        try:
            completion = _decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.readable = False
            return
        if completion.error is not None:
            self.failed = self.ended = True
        if isinstance(completion.model, str):
            self.model = completion.model
        if isinstance(completion.usage, dict):
            self.input_tokens = _count(completion.usage.get("prompt_tokens"))
            self.output_tokens = _count(completion.usage.get("completion_tokens"))
        for choice in completion.choices or ():
            if not choice.index:
                self._take(choice)

    def _take(self, choice: _Choice) -> None:
        if (said := choice.delta or choice.message) is not None:
            if said.content and isinstance(said.content, str):
                text = said.content[: self._room]
                self._text += text.encode()
                self._room -= len(text)
                self.begun = True
            if said.tool_calls or said.function_call:
                self._calls_tools = self.begun = True
        if choice.finish_reason:
            self.finish_reason = choice.finish_reason
            self.ended = True


def _only_text(events: bytes) -> bool:
    """Whether none of these can be the end, an error or a count; never said of one that is, nor of all that are not."""
    if _DONE in events or b'"error"' in events or b'"usage"' in events or b"\\u00" in events:  # any letter, spelled so
        return False
    unfinished = events.count(b'"finish_reason":null') + events.count(b'"finish_reason": null')
    return events.count(b'"finish_reason"') == unfinished


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else None

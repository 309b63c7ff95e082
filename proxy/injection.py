"""Putting a text into a request: one insertion into its bytes, so that every other byte stays what it was."""

from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, Raw, Struct, UnsetType

from config.settings import Position
from proxy.body import ChatBody

_INSTRUCTING = ("system", "developer")


class _Message(Struct):
    role: Any = None
    content: Raw | UnsetType = UNSET


class _Insertion(Struct, frozen=True):
    """`text` goes in front of the byte at `offset` of `piece`."""

    piece: Raw
    offset: int
    text: bytes


_encode = msgspec.json.Encoder().encode
_decode_pieces = msgspec.json.Decoder(list[Raw]).decode
_decode_message = msgspec.json.Decoder(_Message).decode


def inject(body: ChatBody, text: str, position: Position, separator: str) -> bytes | None:
    """`body.raw` with `text` in it; None where `position` is a user message and there is none to go by.

    - `system`: at the end of the first system or developer message, after `separator`; where none holds text,
      in a system message of its own in front of all.
    - `first_user`: at the start of the first user message, followed by `separator`.
    - `before_last`: in a system message of its own before the last user message.
    """
    pieces = _decode_pieces(body.messages_raw)
    insertion: _Insertion | None
    match position:
        case "system":
            insertion = _into_instructions(body, pieces, text, separator)
        case "first_user":
            insertion = _into_first_user(body, pieces, text, separator)
        case "before_last":
            insertion = _before_last_user(body, pieces, text)
    if insertion is None:
        return None
    at = _address(insertion.piece) - _address(body.raw) + insertion.offset
    raw = memoryview(body.raw)
    return b"".join((raw[:at], insertion.text, raw[at:]))


def _into_instructions(body: ChatBody, pieces: list[Raw], text: str, separator: str) -> _Insertion:
    place = _index(body, _INSTRUCTING)
    if place is not None:
        content, decoded = _decode_message(pieces[place]).content, body.messages[place].get("content")
        if isinstance(content, Raw) and isinstance(decoded, (str, list)):
            before_the_end = len(memoryview(content)) - 1
            inside = _inside(decoded, separator + text if decoded else text)
            joint = b"," if decoded and isinstance(decoded, list) else b""
            return _Insertion(content, before_the_end, joint + inside)
    message = _message("system", text)
    return _Insertion(body.messages_raw, 1, message + b"," if pieces else message)


def _into_first_user(body: ChatBody, pieces: list[Raw], text: str, separator: str) -> _Insertion | None:
    place = _index(body, ("user",))
    if place is None:
        return None
    content, decoded = _decode_message(pieces[place]).content, body.messages[place].get("content")
    if isinstance(content, Raw) and isinstance(decoded, (str, list)):
        joint = b"," if decoded and isinstance(decoded, list) else b""
        return _Insertion(content, 1, _inside(decoded, text + separator) + joint)
    return _Insertion(pieces[place], 0, _message("user", text) + b",")


def _before_last_user(body: ChatBody, pieces: list[Raw], text: str) -> _Insertion | None:
    place = _index(body, ("user",), last=True)
    return None if place is None else _Insertion(pieces[place], 0, _message("system", text) + b",")


def _index(body: ChatBody, roles: tuple[str, ...], *, last: bool = False) -> int | None:
    places = range(len(body.messages))
    return next((i for i in (reversed(places) if last else places) if body.messages[i].get("role") in roles), None)


def _message(role: str, text: str) -> bytes:
    return _encode({"role": role, "content": text})


def _inside(content: str | list[object], text: str) -> bytes:
    """`text` as it is written inside a content of that form: a string's characters, or an array's element."""
    return _encode(text)[1:-1] if isinstance(content, str) else _encode({"type": "text", "text": text})


def _address(data: Raw | bytes) -> int:
    """Where it begins in memory: a Raw is a view into the buffer it was decoded from, and does not say where."""
    return int(np.frombuffer(data, np.uint8).__array_interface__["data"][0])

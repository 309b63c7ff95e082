"""The body of a chat completion request, read without being taken apart: what is not looked at keeps its bytes."""

import json
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from memory.errors import Invalid

_USER_FIELDS = ("safety_identifier", "user")


class ChatBody(Struct, frozen=True, kw_only=True):
    """A request that memory can work with."""

    raw: bytes
    messages: list[dict[str, Any]]
    """Decoded, to be read only."""
    messages_raw: Raw
    """The same as a view into `raw`."""
    model: str | None = None
    user: Any = None
    """Whom the request itself names as its user; None if it names no one. Not checked: it may be anything."""
    session: Any = None
    """Of `metadata.session_id`; likewise."""


class OpaqueBody(Struct, frozen=True, kw_only=True):
    """A request that JSON allows but that can't be worked with; it goes upstream as it is."""

    raw: bytes
    reason: str


class _Head(Struct):
    messages: Raw | UnsetType = UNSET
    model: Any = None
    safety_identifier: Any = None
    user: Any = None
    metadata: Any = None


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_messages = msgspec.json.Decoder().decode


def read_body(raw: bytes) -> ChatBody | OpaqueBody:
    """Raises Invalid for what is no JSON, no object, or has no array of message objects under `messages`."""
    try:
        head = _decode_head(raw)
        messages: Any = None if head.messages is UNSET else _decode_messages(head.messages)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        _check(_decode_leniently(raw))
        return OpaqueBody(raw=raw, reason="the body holds JSON that not every reader takes")
    _check_messages(messages)
    assert isinstance(head.messages, Raw)
    metadata = head.metadata if isinstance(head.metadata, dict) else {}
    return ChatBody(
        raw=raw,
        messages=messages,
        messages_raw=head.messages,
        model=head.model if isinstance(head.model, str) else None,
        user=_first(head.safety_identifier, head.user, metadata.get("user_id")),
        session=metadata.get("session_id"),
    )


def _first(*values: Any) -> Any:
    """The first that is set: clients send an empty text for a user they don't have."""
    return next((value for value in values if value not in (None, "")), None)


def _decode_leniently(raw: bytes) -> Any:
    """As Python's own reader has it, which takes lone surrogates, NaN and other encodings of Unicode."""
    try:
        return json.loads(raw)
    except RecursionError:
        return {"messages": []}  # JSON nested so deeply is still JSON, and the upstream's to judge
    except ValueError:
        raise Invalid("the request body is not valid JSON") from None


def _check(body: Any) -> None:
    if not isinstance(body, dict):
        raise Invalid("the request body must be a JSON object")
    _check_messages(body.get("messages"))


def _check_messages(messages: Any) -> None:
    if messages is None:
        raise Invalid("messages: is required", field="messages")
    if not isinstance(messages, list):
        raise Invalid("messages: must be an array", field="messages")
    for place, message in enumerate(messages):
        if not isinstance(message, dict):
            raise Invalid(f"messages[{place}]: must be an object", field=f"messages[{place}]")

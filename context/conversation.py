"""The query out of a conversation."""

import re
from collections.abc import Iterator
from typing import Any

from memory.markers import strip_blocks

MAX_QUERY = 1_000
"""Characters; of a longer message its beginning and its end are taken, where the question mostly stands."""

_SHORT_WORDS = 4
_MAX_CARRIED = 400
_POINTING = re.compile(
    r"\b(it|its|that|this|these|those|they|them|their|he|him|his|she|her|hers|there|then|one|ones|same|else|again|"
    r"the other|what about|how about|and (?:the|my|his|her|their))\b",
    re.IGNORECASE,
)


def query_of(messages: object) -> str:
    """What to search for: the text of the newest user message, after that of the one before it where the newest is
    too short, or points to what was said ("it", "there"), to be found by itself.

    `messages` is a request's decoded JSON, whatever it holds: what is no text is passed over, and "" is the answer
    where no user spoke.
    """
    spoken = _newest_first(messages)
    newest = next(spoken, "")
    if not newest:
        return ""
    query = _capped(newest, MAX_QUERY)
    if len(newest.split()) > _SHORT_WORDS and not (_POINTING.search(newest) and len(newest) < _MAX_CARRIED):
        return query
    before = next(spoken, "")
    return f"{_capped(before, _MAX_CARRIED)}\n{query}"[-MAX_QUERY:] if before else query


def _newest_first(messages: object) -> Iterator[str]:
    for message in reversed(messages) if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") == "user" and (text := _text(message.get("content"))):
            yield text


def _text(content: Any) -> str:
    """The text of a message's content: the string itself, or its text parts; images and sounds have none, and a block
    of memory that a client sends back is none of the user's."""
    if isinstance(content, str):
        return strip_blocks(content).strip()
    if not isinstance(content, list):
        return ""
    texts = [
        part.get("text") for part in content if isinstance(part, dict) and part.get("type") in ("text", "input_text")
    ]
    return strip_blocks("\n".join(text for text in texts if isinstance(text, str))).strip()


def _capped(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head]}\n{text[head + 1 - limit :]}"

"""One exchange with a model, as it waits to be learned from; and how its parts are read out of a conversation."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct

from memory.caller import owner_of
from memory.engines.base import Enqueue
from memory.extraction.redact import redact
from memory.markers import strip_blocks

JOB_KIND = "learn"
MAX_CHARACTERS = 32_768
"""What is kept of the asked texts together, and of the answer: more is a pasted document, not a thing said."""


class Exchange(Struct, frozen=True, kw_only=True, dict=True):
    """What was newly said to a model and what it answered."""

    tenant: str
    namespace: str
    user_id: str | None = None
    credential: str
    """The fingerprint of the key used; owns what is learned where there is no user."""
    agent_id: str | None = None
    app: str | None = None
    run_id: str
    """The session: the one given, else `Round.session`."""
    asked: list[str]
    answer: str
    preceding: str
    at: int
    """When it took place, in Unix milliseconds: superseding follows this, not when it is processed."""
    request_id: str

    @property
    def owner(self) -> str:
        return owner_of(self.user_id, self.credential)

    @cached_property
    def identity(self) -> str:
        """Equal for the same words at the same place of the same session, whatever was answered: a retry, a
        regeneration, a resent history."""
        return _digest([self.namespace, self.owner, self.agent_id, self.app, self.run_id, self.preceding, *self.asked])


class Round(Struct, frozen=True, kw_only=True):
    """The newest round of a conversation."""

    asked: list[str]
    """The texts of the user messages that no final answer has followed yet, in order. Where several people speak, each
    line begins with its speaker's name in brackets: no one person's words."""
    preceding: str
    """Digest of all that user and assistant said before; empty at the start."""
    session: str
    """A session id derived from the first thing the user said."""


def read_round(messages: Sequence[Any]) -> Round | None:
    """The newest round of an OpenAI `messages` list (decoded JSON, of any content); None if it says nothing new.

    Tool calls and their results are part of the round they serve, so after them the user's words before them are the
    ones asked. An assistant message at the end only begins the answer. Only text parts of user messages are taken, less
    any block of ours that a client echoes back.
    """
    said = [turn for message in messages if (turn := _turn(message)) is not None]
    if said and said[-1].role == "assistant":
        said.pop()
    start = len(said)
    while start and said[start - 1].role == "user":
        start -= 1
    asked = said[start:]
    if not asked:
        return None
    opening = next(turn.text for turn in said if turn.role == "user")
    several = len({turn.name for turn in asked if turn.name}) > 1
    return Round(
        asked=[_labelled(turn) if several else turn.text for turn in asked],
        preceding=_digest(part for turn in said[:start] for part in (turn.role, turn.text)) if start else "",
        session=f"s-{_digest([opening])[:24]}",
    )


def final_answer(message: Mapping[str, Any]) -> str | None:
    """The text of an assistant message that ends a round; None if it calls tools, for then the round goes on."""
    return None if _calls_tools(message) else _content(message)


def enqueue_exchange(exchange: Exchange) -> Enqueue:
    """The durable job that learns from `exchange`: capped, and redacted before it is encoded."""
    exchange = msgspec.structs.replace(
        exchange, asked=_capped(exchange.asked), answer="".join(_capped([exchange.answer]))
    )
    return Enqueue(
        kind=JOB_KIND,
        tenant=exchange.tenant,
        payload=msgspec.json.encode(exchange),
        dedupe=exchange.identity,
        order=f"{exchange.namespace}/{exchange.owner}",
    )


def decode_exchange(payload: bytes) -> Exchange:
    return msgspec.json.decode(payload, type=Exchange)


class _Turn(Struct, frozen=True):
    role: str
    text: str
    name: str


def _turn(message: Any) -> _Turn | None:
    """What was said; None for instructions, tool calls and results, and for what is no message."""
    if not isinstance(message, Mapping) or _calls_tools(message):
        return None
    role, text = message.get("role"), strip_blocks(_content(message)).strip()
    if role != "assistant" and not (role == "user" and text):
        return None
    name = message.get("name")
    return _Turn(role, text, " ".join(name.split()) if isinstance(name, str) else "")


def _labelled(turn: _Turn) -> str:
    return "\n".join(f"[{turn.name or turn.role}] {line}" for line in turn.text.splitlines() if line.strip())


def _calls_tools(message: Mapping[str, Any]) -> bool:
    return bool(message.get("tool_calls") or message.get("function_call"))


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def _capped(texts: Iterable[str]) -> list[str]:
    room = MAX_CHARACTERS
    kept = []
    for text in texts:
        if room <= 0:
            break
        # A cut token might be the half of a secret, which no pattern knows any more.
        piece = text if len(text) <= room else text[:room].rpartition(" ")[0]
        room -= len(piece)
        # JSON allows lone surrogates, UTF-8 does not.
        kept.append(redact(piece.encode("utf-8", "replace").decode()))
    return kept


def _digest(parts: Iterable[str | None]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = b"" if part is None else part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % (-1 if part is None else len(data)))
        digest.update(data)
    return digest.hexdigest()[:32]

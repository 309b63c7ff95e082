"""The text that an exchange is remembered by."""

import re

from memory.extraction.exchange import Exchange

_BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?])\s"), re.compile(r"\s"))
"""Where a long text may be cut, the best first."""


def transcript(exchange: Exchange) -> str:
    """ "User: …", and what was answered below it."""
    lines = [f"User: {text}" for text in exchange.asked]
    if exchange.answer.strip():
        lines.append(f"Assistant: {exchange.answer.strip()}")
    return "\n".join(lines)


def pieces(text: str, limit: int) -> list[str]:
    """`text` in parts of at most `limit` bytes of UTF-8 (at least 4), none blank, cut at the end of a paragraph, line,
    sentence or word where the second half of a part has one."""
    parts = []
    while len(text.encode()) > limit:
        head = text.encode()[:limit].decode(errors="ignore")
        cut = _cut(head)
        parts.append(text[:cut].strip())
        text = text[cut:]
    parts.append(text.strip())
    return [part for part in parts if part]


def _cut(head: str) -> int:
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(head, len(head) // 2)]
        if ends:
            return ends[-1]
    return len(head)

"""A memory as it stands in a prompt. All pure.

A memory is data. It stands behind a dash, its further lines are indented, and the marks around an injected block are
neutralised in it, so that no memory can end the block or pass for a heading.
"""

from functools import lru_cache
from typing import Literal

from msgspec import Struct, structs

from context.tokens import TokenCounter
from memory.markers import neutralise
from memory.model import MemoryType
from memory.retrieval.ranked import Ranked

Position = Literal["critical", "middle", "recency"]

Group = tuple[int, str, str, str]
"""A session's share of one day: the day since the epoch, namespace, owner and session."""

_DAY_MS = 86_400_000
_LONGEST_CACHED_TEXT = 512


class Entry(Struct, frozen=True, gc=False):
    """One object from the ranked list to the receipt: a prompt may hold a hundred."""

    ranked: Ranked
    position: Position
    """The zone it is for."""
    content: str
    """The memory's text, or as much of it as found room."""
    line: str
    """With its line break; `content` is data, and stands in it as such."""
    token_count: int
    """Of its line."""
    group: Group | None
    """What it shares a heading with; None for facts, which stand together."""
    truncated: bool = False

    @property
    def id(self) -> int:
        return self.ranked.hit.id

    @property
    def type(self) -> MemoryType:
        return self.ranked.hit.type

    @property
    def score(self) -> float:
        return self.ranked.score

    @property
    def reasons(self) -> dict[str, float]:
        return self.ranked.reasons


def entry(ranked: Ranked, position: Position, counter: TokenCounter) -> Entry:
    """The whole memory, as it is written and what that costs."""
    hit = ranked.hit
    line, tokens = (_cached if len(hit.content) <= _LONGEST_CACHED_TEXT else _write)(hit.role, hit.content, counter)
    group = None
    if hit.type == "episodic":
        group = (hit.happened_at // _DAY_MS, hit.namespace, hit.owner, hit.run_id or "")
    return Entry(ranked, position, hit.content, line, tokens, group)


def shorten(whole: Entry, limit: int, counter: TokenCounter) -> Entry | None:
    """The entry cut to at most `limit` tokens; None where that can't be done."""
    hit = whole.ranked.hit
    room = limit
    while room > 0 and (content := counter.truncate(hit.content, room)):
        line, tokens = _write(hit.role, content, counter)
        if tokens <= limit:
            return structs.replace(whole, content=content, line=line, token_count=tokens, truncated=True)
        room -= tokens - limit
    return None


def _write(role: str | None, content: str, counter: TokenCounter) -> tuple[str, int]:
    """The line and its tokens."""
    told = content.strip()
    text = neutralise(f"{role}: {told}" if role else told)
    line = "- " + "\n  ".join(text.splitlines()) + "\n"
    return line, counter.count(line)


_cached = lru_cache(maxsize=16_384)(_write)
"""The same memories are asked for again and again. [M] 0.1 µs instead of 4 for a turn of twenty words; 7 MB in all."""

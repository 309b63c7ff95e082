"""From ranked memories to a text within a token budget. All pure."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, structs

from context.render import Entry, Form, entry, heading, render
from context.tokens import TokenCounter
from context.zones import (
    DEFAULT_ALLOCATION,
    EPISODE_FLOOR,
    Item,
    Placement,
    Position,
    ZoneAllocation,
    ZoneStats,
    select,
)
from memory.model import MemoryType
from memory.retrieval.ranked import Ranked

SHARE_OF_BEST: Mapping[Form, float] = {"context": 0.2, "block": 0.3}
"""A turn that scores less than this part of the best memory's score is told only to who sets a threshold of its own.

[M] On LoCoMo's turns the first costs none of the evidence within 2,048 tokens and leaves 3 in 100 of them unused; the
second 1 in 100 of the evidence within 4,000, and saves the model 4 in 10 of the tokens that it would read without."""


class Placed(Struct, frozen=True, kw_only=True):
    """A memory in the context."""

    ranked: Ranked
    content: str
    position: Position
    token_count: int
    truncated: bool

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


class Composed(Struct, frozen=True, kw_only=True):
    content: str
    memories: list[Placed]
    """By zone, best first within each."""
    token_count: int
    left_out: int
    """Tokens of what was relevant and found no place."""
    zones: ZoneStats


def compose(
    ranked: Sequence[Ranked],
    counter: TokenCounter,
    *,
    token_budget: int,
    frame: int,
    form: Form,
    system_prompt: str | None = None,
    allocation: ZoneAllocation = DEFAULT_ALLOCATION,
    now: int,
    min_score: float | None = None,
    facts_are_whole: bool = False,
) -> Composed:
    """The best of `ranked` (best first) that fit `token_budget` tokens, as text. `frame` is what that costs without
    any memory (`render.frame_tokens`); `facts_are_whole` says that no fact there is lacks.

    Without memories the content is the system prompt or nothing: over the budget only where the prompt alone is.
    """
    page = _Page(ranked, counter)
    chosen = select(
        page.items(_episode_floor(ranked, form) if min_score is None else min_score),
        budgets=allocation.budgets(token_budget),
        available=token_budget - frame,
        now=now,
        shorten=page.shorten,
        min_score=min_score,
        facts_are_whole=facts_are_whole,
    )
    content = render((page.entries[one.item.id] for one in chosen.placements), form, system_prompt)
    zones = chosen.stats
    used = frame + zones.critical_used + zones.middle_used + zones.recency_used
    return Composed(
        content=content,
        memories=[page.placed(one) for one in chosen.placements],
        token_count=used if chosen.placements else counter.count(content),
        left_out=chosen.left_out,
        zones=zones,
    )


def _episode_floor(ranked: Sequence[Ranked], form: Form) -> float:
    return max(EPISODE_FLOOR, SHARE_OF_BEST[form] * ranked[0].score) if ranked else EPISODE_FLOOR


class _Page:
    """The hits of one request as items with a price and entries with a text."""

    def __init__(self, ranked: Sequence[Ranked], counter: TokenCounter) -> None:
        self._ranked = {one.hit.id: one for one in ranked}
        self._counter = counter
        self.entries: dict[int, Entry] = {}

    def items(self, episode_floor: float) -> Iterator[Item]:
        """Those that may find a place, best first: all facts, and the turns from `episode_floor` on."""
        count = self._counter.count
        for one in self._ranked.values():
            hit = one.hit
            if hit.type == "episodic" and one.score < episode_floor:
                continue
            written = self.entries[hit.id] = entry(hit)
            yield Item(
                id=hit.id,
                score=one.score,
                type=hit.type,
                happened_at=hit.happened_at,
                tokens=count(written.line),
                group=written.group,
                heading=0 if written.group is None else count(heading(written.group)),
            )

    def shorten(self, item: Item, limit: int) -> Item | None:
        """For `zones.select`; the entry is cut with it."""
        hit = self._ranked[item.id].hit
        room = limit
        while room > 0 and (cut := self._counter.truncate(hit.content, room)):
            written = entry(hit, cut)
            if (tokens := self._counter.count(written.line)) <= limit:
                self.entries[item.id] = written
                return structs.replace(item, tokens=tokens)
            room -= tokens - limit
        return None

    def placed(self, placement: Placement) -> Placed:
        item = placement.item
        return Placed(
            ranked=self._ranked[item.id],
            content=self.entries[item.id].content,
            position=placement.position,
            token_count=item.tokens,
            truncated=placement.truncated,
        )

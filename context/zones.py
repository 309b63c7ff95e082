"""Dividing a token budget among memories: the zones of the API document. All pure."""

import math
from collections.abc import Callable, Hashable, Iterable
from operator import attrgetter
from typing import Annotated, Literal

from msgspec import Meta, Struct

from memory.errors import Invalid
from memory.model import MemoryType

Position = Literal["critical", "middle", "recency"]
Share = Annotated[float, Meta(ge=0, le=1)]

CRITICAL_SCORE = 0.7
RECENT_SCORE = 0.3
RECENT_MS = 24 * 3_600_000

LARGEST_SHARE = 0.5
"""A single memory is cut to this part of the budget, so that one long text does not keep out all others."""

SHORTEST_CUT = 24
"""A memory is not cut to fewer tokens than this: it would say nothing any more."""

EPISODE_FLOOR = 0.15
"""Turns that score below this are not worth the reader's attention, where the caller names no threshold of its own."""

FACT_FLOOR = 0.1

_ORDER: tuple[Position, ...] = ("critical", "middle", "recency")
_RESERVED: tuple[Position, ...] = ("critical", "recency")


class ZoneAllocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of the token budget; they sum to 1."""

    critical: Share = 0.15
    middle: Share = 0.65
    recency: Share = 0.20

    def budgets(self, token_budget: int) -> dict[Position, int]:
        """Each zone's tokens, rounded down. Raises Invalid unless the shares sum to 1."""
        shares: dict[Position, float] = {
            "critical": self.critical,
            "middle": self.middle,
            "recency": self.recency,
        }
        if not math.isclose(total := math.fsum(shares.values()), 1.0, abs_tol=1e-6):
            raise Invalid(f"zone_allocation: the shares must sum to 1, and sum to {total:g}", field="zone_allocation")
        # 0.29 * 100 is 28.999999999999996.
        return {zone: math.floor(share * token_budget + 1e-9) for zone, share in shares.items()}


DEFAULT_ALLOCATION = ZoneAllocation()


class ZoneStats(Struct, frozen=True, kw_only=True):
    """Tokens by zone. What a zone leaves goes to the others, so `used` may exceed `budget`; headings count in the
    zone of the memory that brought them."""

    critical_used: int = 0
    critical_budget: int = 0
    middle_used: int = 0
    middle_budget: int = 0
    recency_used: int = 0
    recency_budget: int = 0


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """A memory that wants a place."""

    id: int
    score: float
    type: MemoryType
    happened_at: int
    tokens: int
    """Of its own lines."""
    group: Hashable = None
    """What it shares a heading with; None stands under no heading."""
    heading: int = 0
    """Tokens of that heading, paid by the first of its group."""

    @property
    def fact(self) -> bool:
        return self.type != "episodic"


class Placement(Struct, frozen=True, kw_only=True, gc=False):
    item: Item
    position: Position
    truncated: bool


class Selection(Struct, frozen=True, kw_only=True):
    placements: list[Placement]
    """By zone (critical, middle, recency), best first within each."""
    stats: ZoneStats
    left_out: int
    """Tokens of what was relevant and found no place, cut-off ends included; headings are not counted."""


Shorten = Callable[[Item, int], Item | None]
"""The item cut to at most so many tokens of its own; None where that can't be done."""


def position_of(item: Item, now: int) -> Position:
    """By the document's rules, the first that holds."""
    if item.type == "working":
        return "recency"
    if item.score >= CRITICAL_SCORE:
        return "critical"
    if item.score >= RECENT_SCORE and now - item.happened_at <= RECENT_MS:
        return "recency"
    return "middle"


def select(
    items: Iterable[Item],
    *,
    budgets: dict[Position, int],
    available: int,
    now: int,
    shorten: Shorten,
    min_score: float | None = None,
    facts_are_whole: bool = False,
) -> Selection:
    """Which of `items` (any order) get a place among `available` tokens, which `budgets` divides.

    - Below `min_score` nothing does. Without one, relevance has a floor for episodes and a lower one for facts.
    - Where `items` hold all facts there are (`facts_are_whole`) and these fit the critical zone together, they all go
      in, whatever they score: a small memory is never silenced.
    - The critical zone and the recency zone then take their own by falling score, each within its budget; a smaller
      one is tried where a bigger does not fit.
    - All that is left, the middle zone's budget and what the others did not use, goes to the best of those still
      outside, whatever their zone; the very last of it to the best one's beginning.
    """
    ledger = _Ledger(budgets, available)
    wanted = _best_first(items)
    facts = [item for item in wanted if item.fact and item.score >= (min_score or 0.0)]
    if not (facts_are_whole and sum(item.tokens for item in facts) <= min(budgets["critical"], available)):
        facts = []
    ledger.place([(item, position_of(item, now)) for item in facts])
    relevant = [item for item in wanted if item.score >= _floor(item, min_score) and not ledger.has(item)]
    largest = int(LARGEST_SHARE * available)
    sized = [item if item.tokens <= largest else shorten(item, largest) for item in relevant]
    cut = {item.id for item, whole in zip(sized, relevant, strict=True) if item is not None and item is not whole}
    outside = [(item, position_of(item, now)) for item in sized if item is not None]
    for zone in _RESERVED:
        ledger.place([one for one in outside if one[1] == zone], budgets[zone])
    outside = ledger.place([one for one in outside if not ledger.has(one[0])])
    for item, position in outside:
        room = ledger.room(item)
        if room >= SHORTEST_CUT and (short := shorten(item, room)) and not ledger.place([(short, position)]):
            cut.add(item.id)
            break
    placements = [
        Placement(item=item, position=zone, truncated=item.id in cut)
        for zone in _ORDER
        for item in _best_first(ledger.placed[zone])
    ]
    spent = sum(one.item.tokens for one in placements)
    return Selection(
        placements=placements,
        stats=ledger.stats(),
        left_out=sum(item.tokens for item in (*facts, *relevant)) - spent,
    )


def _best_first(items: Iterable[Item]) -> list[Item]:
    """Ties by id, the newer first."""
    by_id = sorted(items, key=attrgetter("id"), reverse=True)
    return sorted(by_id, key=attrgetter("score"), reverse=True)


def _floor(item: Item, min_score: float | None) -> float:
    if min_score is not None:
        return min_score
    return FACT_FLOOR if item.fact else EPISODE_FLOOR


class _Ledger:
    """Tokens spent so far, by zone, with the headings."""

    def __init__(self, budgets: dict[Position, int], available: int) -> None:
        self.budgets = budgets
        self.used: dict[Position, int] = dict.fromkeys(_ORDER, 0)
        self.placed: dict[Position, list[Item]] = {zone: [] for zone in _ORDER}
        self._left = max(available, 0)
        self._groups: set[Hashable] = {None}
        self._ids: set[int] = set()

    def has(self, item: Item) -> bool:
        return item.id in self._ids

    def room(self, item: Item) -> int:
        """What is left for its own lines."""
        return self._left - self._heading(item)

    def place(self, wanted: Iterable[tuple[Item, Position]], limit: int | None = None) -> list[tuple[Item, Position]]:
        """One after the other, each that fits what is left, and into `limit` tokens of its zone. Returns the others."""
        outside = []
        for item, zone in wanted:
            cost = item.tokens + self._heading(item)
            if cost > self._left or (limit is not None and self.used[zone] + cost > limit):
                outside.append((item, zone))
                continue
            self._left -= cost
            self.used[zone] += cost
            self._groups.add(item.group)
            self._ids.add(item.id)
            self.placed[zone].append(item)
        return outside

    def stats(self) -> ZoneStats:
        return ZoneStats(
            **{f"{zone}_used": self.used[zone] for zone in _ORDER},
            **{f"{zone}_budget": self.budgets[zone] for zone in _ORDER},
        )

    def _heading(self, item: Item) -> int:
        return 0 if item.group in self._groups else item.heading

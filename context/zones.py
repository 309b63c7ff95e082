"""Dividing a token budget among memories: the zones of the API document. All pure."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from context.entry import Entry, Group, Position
from memory.errors import Invalid
from memory.retrieval.ranked import Ranked

Share = Annotated[float, Meta(ge=0, le=1)]

CRITICAL_SCORE = 0.7
RECENT_SCORE = 0.3
RECENT_MS = 24 * 3_600_000

LARGEST_SHARE = 0.5
"""A single memory is cut to this part of the budget, so that one long text does not keep out all others."""

SHORTEST_CUT = 24
"""A memory is not cut to fewer tokens than this: it would say nothing any more."""

_ORDER: tuple[Position, ...] = ("critical", "middle", "recency")
_RESERVED: tuple[Position, ...] = ("critical", "recency")


class ZoneAllocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of the token budget; they sum to 1."""

    critical: Share = 0.15
    middle: Share = 0.65
    recency: Share = 0.20

    def budgets(self, token_budget: int) -> dict[Position, int]:
        """Each zone's tokens, rounded down. Raises Invalid unless the shares sum to 1."""
        shares: dict[Position, float] = {"critical": self.critical, "middle": self.middle, "recency": self.recency}
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


class Selection(Struct, frozen=True, kw_only=True):
    placed: list[Entry]
    """By zone (critical, middle, recency), best first within each."""
    stats: ZoneStats
    left_out: int
    """Tokens of what was relevant and found no place, cut-off ends included; headings are not counted."""


Shorten = Callable[[Entry, int], Entry | None]
"""The entry cut to at most so many tokens; None where that can't be done."""


def position_of(ranked: Ranked, now: int) -> Position:
    """By the document's rules, the first that holds."""
    if ranked.hit.type == "working":
        return "recency"
    if ranked.score >= CRITICAL_SCORE:
        return "critical"
    if ranked.score >= RECENT_SCORE and now - ranked.hit.happened_at <= RECENT_MS:
        return "recency"
    return "middle"


def select(
    entries: Sequence[Entry],
    *,
    budgets: dict[Position, int],
    available: int,
    heading: Callable[[Group], int],
    shorten: Shorten,
    fact_floor: float,
    facts_are_whole: bool = False,
) -> Selection:
    """Which of `entries` (what is relevant, best first) get a place among `available` tokens, which `budgets` divides.
    `heading` is what the first entry of a group pays besides.

    - Where `entries` hold all facts there are (`facts_are_whole`) and these fit the critical zone together, they all go
      in, whatever they score: a small memory is never silenced. If not, those below `fact_floor` are not relevant.
    - The critical zone and the recency zone then take their own by falling score, each within its budget; a smaller
      one is tried where a bigger does not fit.
    - All that is left, the middle zone's budget and what the others did not use, goes to the best of those still
      outside, whatever their zone; the very last of it to the best one's beginning.
    """
    ledger = _Ledger(available, heading, shorten)
    relevant = outside = entries
    if facts_are_whole:
        facts = [one for one in entries if one.group is None]
        if _tokens(facts) <= min(budgets["critical"], available):
            ledger.place(facts, available)
            outside = [one for one in entries if one.group is not None]
        else:
            relevant = outside = [one for one in entries if one.group is not None or one.ranked.score >= fact_floor]
    ledger.largest = int(LARGEST_SHARE * available)
    for zone in _RESERVED:
        ledger.place([one for one in outside if one.position == zone], budgets[zone])
    for one in ledger.place([one for one in outside if one.ranked.hit.id not in ledger.placed], available):
        room = ledger.left - ledger.heading(one)
        if room >= SHORTEST_CUT and (short := shorten(one, room)) and not ledger.place([short], available):
            break
    placed = [ledger.placed[one.ranked.hit.id] for one in entries if one.ranked.hit.id in ledger.placed]
    return Selection(
        placed=[one for zone in _ORDER if ledger.used[zone] for one in placed if one.position == zone],
        stats=ZoneStats(
            critical_used=ledger.used["critical"],
            critical_budget=budgets["critical"],
            middle_used=ledger.used["middle"],
            middle_budget=budgets["middle"],
            recency_used=ledger.used["recency"],
            recency_budget=budgets["recency"],
        ),
        left_out=_tokens(relevant) - _tokens(placed),
    )


def _tokens(entries: Iterable[Entry]) -> int:
    return sum([one.token_count for one in entries])


class _Ledger:
    """Tokens spent so far, by zone, with the headings."""

    def __init__(self, available: int, heading: Callable[[Group], int], shorten: Shorten) -> None:
        self.left = self.largest = max(available, 0)
        self.used: dict[Position, int] = dict.fromkeys(_ORDER, 0)
        self.placed: dict[int, Entry] = {}
        self._heading = heading
        self._shorten = shorten
        self._paid: set[Group | None] = {None}

    def heading(self, one: Entry) -> int:
        """What it has to pay for its own."""
        return 0 if one.group is None or one.group in self._paid else self._heading(one.group)

    def place(self, wanted: Iterable[Entry], limit: int) -> list[Entry]:
        """One after the other, each that fits what is left, and into `limit` tokens of its zone; of what is longer than
        `largest`, so much of it. Returns the others."""
        used, paid, outside = self.used, self._paid, []
        for one in wanted:
            cost = min(one.token_count, self.largest)
            if unpaid := one.group not in paid:
                cost += self.heading(one)
            spent = used[one.position] + cost
            if cost > self.left or spent > limit:
                outside.append(one)
                continue
            # To cut a text takes a hundred times as long as to price it, so only what has a place is cut.
            written = one if one.token_count <= self.largest else self._shorten(one, self.largest)
            if written is None:
                continue
            spare = min(one.token_count, self.largest) - written.token_count
            self.left -= cost - spare
            used[one.position] = spent - spare
            if unpaid:
                paid.add(one.group)
            self.placed[one.ranked.hit.id] = written
        return outside

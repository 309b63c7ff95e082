"""From ranked memories to a text within a token budget. All pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from context.entry import Entry, Position, entry, shorten
from context.render import Form, heading, render
from context.tokens import TokenCounter
from context.zones import ZoneStats, position_of, select
from memory.retrieval.ranked import Ranked

EPISODE_FLOOR = 0.15
"""Turns that score below this are not worth the reader's attention, where the caller names no threshold of its own."""

FACT_FLOOR = 0.1

SHARE_OF_BEST: Mapping[Form, float] = {"context": 0.2, "block": 0.3}
"""A turn that scores less than this part of the best memory's score is told only to who sets a threshold of its own.

[M] On LoCoMo's turns the first costs none of the evidence within 2,048 tokens and leaves 3 in 100 of them unused; the
second 1 in 100 of the evidence within 4,000, and saves the model 4 in 10 of the tokens that it would read without."""


class Composed(Struct, frozen=True, kw_only=True):
    content: str
    memories: list[Entry]
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
    budgets: dict[Position, int],
    frame: int,
    form: Form,
    system_prompt: str | None = None,
    now: int,
    min_score: float | None = None,
    facts_are_whole: bool = False,
) -> Composed:
    """The best of `ranked` (best first) that fit `token_budget` tokens, as text. `budgets` are those of the zones;
    `frame` is what the text costs without any memory (`render.frame_tokens`); `facts_are_whole` says that no fact
    there is lacks.

    Without memories the content is the system prompt or nothing: over the budget only where the prompt alone is.
    """
    turn_floor, fact_floor = _floors(ranked, form) if min_score is None else (min_score, min_score)
    lowest_fact = (min_score or 0.0) if facts_are_whole else fact_floor
    chosen = select(
        [
            entry(one, position_of(one, now), counter)
            for one in ranked
            if one.score >= (turn_floor if one.hit.type == "episodic" else lowest_fact)
        ],
        budgets=budgets,
        available=token_budget - frame,
        heading=lambda group: counter.count(heading(group)),
        shorten=lambda whole, limit: shorten(whole, limit, counter),
        fact_floor=fact_floor,
        facts_are_whole=facts_are_whole,
    )
    content = render(chosen.placed, form, system_prompt)
    zones = chosen.stats
    used = frame + zones.critical_used + zones.middle_used + zones.recency_used
    return Composed(
        content=content,
        memories=chosen.placed,
        token_count=used if chosen.placed else counter.count(content),
        left_out=chosen.left_out,
        zones=zones,
    )


def _floors(ranked: Sequence[Ranked], form: Form) -> tuple[float, float]:
    """Of turns and of facts."""
    best = ranked[0].score if ranked else 0.0
    return max(EPISODE_FLOOR, SHARE_OF_BEST[form] * best), FACT_FLOOR

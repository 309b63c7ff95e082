"""From a query to the text that goes into a prompt."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter

from msgspec import Struct, structs

from context.analysis import QueryAnalysis, analyse, steer
from context.render import Entry, Form, entry, frame_tokens, heading, render
from context.times import Span, span_of, time_expression
from context.tokens import TokenCounter, TokenCounters
from context.zones import EPISODE_FLOOR, Item, Placement, Position, ZoneAllocation, ZoneStats, select
from memory.engines.base import Filter
from memory.errors import StoreUnavailable
from memory.model import MemoryType
from memory.retrieval.ranked import Ranked
from memory.service.clock import Clock, system_clock
from memory.service.recall import Recall, Recalled

MOST_FACTS = 50
"""A memory of more facts than this is not had whole."""

_TOKENS_OF_A_FACT = 8
_TIME_PATIENCE = 0.05
"""Seconds that reading a date may take: the first one loads dateparser, and its query goes without."""

_VECTOR_SHARE = 0.6
"""The part of the deadline in which a remote embedder has to bring its leg of the search home."""

_LONG_PROMPT = 20_000
"""Characters from which a system prompt is counted in a thread."""


class ContextRequest(Struct, frozen=True, kw_only=True):
    where: Filter
    query: str
    token_budget: int
    """0 asks for nothing and gets it."""
    form: Form = "context"
    """`context`: what `POST /v1/context` answers. `block`: what the proxy injects, marked off from the rest of the
    prompt; its `token_count` includes one `render.SEPARATOR` to part it from the text it is added to."""
    model: str | None = None
    """Decides the encoding in which tokens are counted."""
    system_prompt: str | None = None
    """Put first, and counted within the budget. For `context` only."""
    min_score: float | None = None
    zone_allocation: ZoneAllocation = ZoneAllocation()
    weights: Mapping[str, float] | None = None
    """Overrides of `config.settings.Retrieval`."""
    deadline_ms: int | None = None
    """Raises StoreUnavailable when it takes longer. None waits."""


class Placed(Struct, frozen=True, kw_only=True):
    """A memory in the context."""

    id: int
    content: str
    type: MemoryType
    score: float
    reasons: dict[str, float]
    position: Position
    token_count: int
    truncated: bool


class Assembled(Struct, frozen=True, kw_only=True):
    content: str
    """"" when there is nothing to say."""
    memories: list[Placed]
    """Best first."""
    token_count: int
    """That of `content` (and, for a block that is not empty, its separator)."""
    token_budget: int
    truncated: bool
    """Whether something relevant was cut or left out for want of budget."""
    zones: ZoneStats
    analysis: QueryAnalysis
    encoding: str
    degraded: str | None = None
    """Why retrieval was not whole; None when it was."""
    timings: dict[str, float]
    """Milliseconds by step."""


class Assembler:
    """Retrieval, zones and rendering in one; `POST /v1/context` and the proxy both use it."""

    def __init__(self, recall: Recall, counters: TokenCounters, clock: Clock = system_clock) -> None:
        self._recall = recall
        self._counters = counters
        self._clock = clock

    async def assemble(self, request: ContextRequest) -> Assembled:
        """Raises StoreUnavailable, and Invalid for weights that do not exist or shares that do not sum to 1.

        Where the system prompt alone is over the budget it is the whole content, and `token_count` says how long it
        is.
        """
        started = perf_counter()
        budgets = request.zone_allocation.budgets(request.token_budget)
        analysis = analyse(request.query)
        counter = self._counters.for_model(request.model)
        frame = await _frame(request, counter)
        room = request.token_budget - frame
        found, facts_are_whole = _NOTHING, False
        if room > 0:
            found, facts_are_whole = await self._recalled(request, analysis, budgets["critical"])
        recalled = perf_counter()
        page = _Page(found.ranked, counter)
        chosen = select(
            page.items(request.min_score),
            budgets=budgets,
            available=room,
            now=self._clock(),
            shorten=page.shorten,
            min_score=request.min_score,
            facts_are_whole=facts_are_whole,
        )
        entries = [page.entries[one.item.id] for one in chosen.placements]
        content = render(entries, request.form, request.system_prompt)
        used = chosen.stats.critical_used + chosen.stats.middle_used + chosen.stats.recency_used
        if not entries:
            frame = counter.count(content)
        return Assembled(
            content=content,
            memories=[page.placed(one) for one in chosen.placements],
            token_count=frame + used,
            token_budget=request.token_budget,
            truncated=chosen.left_out or any(one.truncated for one in chosen.placements),
            zones=chosen.stats,
            analysis=analysis,
            encoding=counter.encoding,
            degraded=found.degraded,
            timings={
                **found.timings,
                "assemble": 1000 * (perf_counter() - recalled),
                "total": 1000 * (perf_counter() - started),
            },
        )

    async def _recalled(
        self, request: ContextRequest, analysis: QueryAnalysis, facts_budget: int
    ) -> tuple[Recalled, bool]:
        """What was found, and whether all the facts there are are among it."""
        facts = min(facts_budget // _TOKENS_OF_A_FACT + 1, MOST_FACTS)
        deadline = None if request.deadline_ms is None else request.deadline_ms / 1000
        try:
            async with asyncio.timeout(deadline):
                found = await self._recall.find(
                    request.where,
                    request.query,
                    facts=facts,
                    min_score=request.min_score or 0.0,
                    weights=request.weights,
                    steer=steer(analysis, await _time_named(request.query, self._clock())),
                    patience=None if deadline is None else _VECTOR_SHARE * deadline,
                )
        except TimeoutError:
            raise StoreUnavailable(f"memory did not answer within {request.deadline_ms} ms") from None
        return found, sum(one.hit.type != "episodic" for one in found.ranked) < facts


_NOTHING = Recalled(ranked=[], timings={})


class _Page:
    """The hits of one request as items with a price and entries with a text."""

    def __init__(self, ranked: Sequence[Ranked], counter: TokenCounter) -> None:
        self._ranked = {one.hit.id: one for one in ranked}
        self._counter = counter
        self.entries: dict[int, Entry] = {}

    def items(self, min_score: float | None) -> Iterator[Item]:
        """Those that may find a place, best first."""
        count = self._counter.count
        for one in self._ranked.values():
            hit = one.hit
            if hit.type == "episodic" and one.score < (EPISODE_FLOOR if min_score is None else min_score):
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
        one, item = self._ranked[placement.item.id], placement.item
        return Placed(
            id=item.id,
            content=self.entries[item.id].content,
            type=item.type,
            score=one.score,
            reasons=one.reasons,
            position=placement.position,
            token_count=item.tokens,
            truncated=placement.truncated,
        )


async def _frame(request: ContextRequest, counter: TokenCounter) -> int:
    arguments = counter.count, request.form, request.system_prompt
    if len(request.system_prompt or "") > _LONG_PROMPT:
        return await asyncio.to_thread(frame_tokens, *arguments)
    return frame_tokens(*arguments)


async def _time_named(query: str, now: int) -> Span | None:
    expression = time_expression(query)
    if expression is None:
        return None
    try:
        async with asyncio.timeout(_TIME_PATIENCE):
            return await asyncio.to_thread(span_of, expression, now)
    except TimeoutError:
        return None

"""From a query to the text that goes into a prompt."""

import asyncio
from collections.abc import Mapping
from time import perf_counter

from msgspec import Struct

from context.analysis import QueryAnalysis, analyse, steer
from context.compose import compose
from context.entry import Entry
from context.render import Form, frame_tokens
from context.tokens import TokenCounter, TokenCounters
from context.zones import DEFAULT_ALLOCATION, ZoneAllocation, ZoneStats
from memory.engines.base import Filter
from memory.errors import StoreTooSlow
from memory.retrieval.times import time_named
from memory.service.clock import Clock, system_clock
from memory.service.recall import CANDIDATES, MANY_CANDIDATES, Recall, Recalled

MOST_FACTS = 50
"""A memory of more facts than this is not had whole."""

_TOKENS_OF_A_FACT = 8
_TOKENS_OF_A_CANDIDATE = 8
"""A turn has thirty; of four candidates one finds a place."""

TIME_PATIENCE = 0.05
"""Seconds that reading a date may take of a deadline: the first one loads dateparser, and its query goes without."""

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
    zone_allocation: ZoneAllocation = DEFAULT_ALLOCATION
    weights: Mapping[str, float] | None = None
    """Overrides of `config.settings.Retrieval`."""
    deadline_ms: int | None = None
    """Raises StoreTooSlow when it takes longer. None waits."""


class Assembled(Struct, frozen=True, kw_only=True):
    content: str
    """"" when there is nothing to say."""
    memories: list[Entry]
    """By zone, best first within each."""
    token_count: int
    """That of `content` (and, for a block that is not empty, its separator)."""
    token_budget: int
    left_out: int
    """Tokens of what was relevant and was cut or left out for want of budget."""
    zones: ZoneStats
    analysis: QueryAnalysis
    encoding: str
    degraded: str | None = None
    """Why retrieval was not whole; None when it was."""
    timings: dict[str, float]
    """Milliseconds by step."""

    @property
    def truncated(self) -> bool:
        """Whether something relevant was cut or left out."""
        return self.left_out > 0


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
        found, facts_are_whole = _NOTHING, False
        if frame < request.token_budget:
            found, facts_are_whole = await self._recalled(request, analysis, budgets["critical"])
        recalled = perf_counter()
        composed = compose(
            found.ranked,
            counter,
            token_budget=request.token_budget,
            budgets=budgets,
            frame=frame,
            form=request.form,
            system_prompt=request.system_prompt,
            now=self._clock(),
            min_score=request.min_score,
            facts_are_whole=facts_are_whole,
        )
        ended = perf_counter()
        return Assembled(
            content=composed.content,
            memories=composed.memories,
            token_count=composed.token_count,
            token_budget=request.token_budget,
            left_out=composed.left_out,
            zones=composed.zones,
            analysis=analysis,
            encoding=counter.encoding,
            degraded=found.degraded,
            timings={**found.timings, "compose": 1000 * (ended - recalled), "total": 1000 * (ended - started)},
        )

    async def _recalled(
        self, request: ContextRequest, analysis: QueryAnalysis, facts_budget: int
    ) -> tuple[Recalled, bool]:
        """What was found, and whether all the facts there are are among it."""
        facts = min(facts_budget // _TOKENS_OF_A_FACT + 1, MOST_FACTS)
        deadline = None if request.deadline_ms is None else request.deadline_ms / 1000
        patience = None if deadline is None else TIME_PATIENCE
        try:
            async with asyncio.timeout(deadline):
                found = await self._recall.find(
                    request.where,
                    request.query,
                    candidates=_candidates(request),
                    facts=facts,
                    min_score=request.min_score or 0.0,
                    weights=request.weights,
                    steer=steer(analysis, await time_named(request.query, self._clock(), patience=patience)),
                    patience=None if deadline is None else _VECTOR_SHARE * deadline,
                )
        except TimeoutError:
            raise StoreTooSlow(f"memory did not answer within {request.deadline_ms} ms") from None
        types = [one.hit.type for one in found.ranked]
        return found, len(types) - types.count("episodic") < facts


def _candidates(request: ContextRequest) -> int:
    """The more is to be told the more has to be looked at. A call on its way upstream waits for its block, and is
    content with the best of fewer."""
    if request.form == "block":
        return CANDIDATES
    return min(max(CANDIDATES, request.token_budget // _TOKENS_OF_A_CANDIDATE), MANY_CANDIDATES)


_NOTHING = Recalled(ranked=[], timings={})


async def _frame(request: ContextRequest, counter: TokenCounter) -> int:
    arguments = counter.count, request.form, request.system_prompt
    if len(request.system_prompt or "") > _LONG_PROMPT:
        return await asyncio.to_thread(frame_tokens, *arguments)
    return frame_tokens(*arguments)

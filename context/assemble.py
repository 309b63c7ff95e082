"""From a query to the text that goes into a prompt."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from config.settings import Context
from context.analysis import QueryAnalysis
from context.tokens import TokenCounters
from context.zones import Position, ZoneAllocation, ZoneStats
from memory.engines.base import Filter
from memory.model import MemoryType
from memory.service.clock import Clock, system_clock
from memory.service.recall import Recall


class ContextRequest(Struct, frozen=True, kw_only=True):
    where: Filter
    query: str
    token_budget: int
    """0 asks for nothing and gets it."""
    form: Literal["context", "block"] = "context"
    """`context`: what `POST /v1/context` answers. `block`: what the proxy injects, marked off from the rest of the prompt;
    its `token_count` includes one `render.SEPARATOR` to part it from the text it is added to."""
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
    def __init__(self, recall: Recall, counters: TokenCounters, settings: Context, clock: Clock = system_clock) -> None:
        self._recall = recall
        self._counters = counters
        self._settings = settings
        self._clock = clock

    async def assemble(self, request: ContextRequest) -> Assembled:
        """Raises StoreUnavailable, and Invalid for weights that do not exist or shares that do not sum to 1."""
        raise NotImplementedError

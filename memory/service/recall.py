"""Finding memories: both legs of the engine's search, then the neighbours of what they found."""

from collections.abc import Mapping

from msgspec import Struct

from config.settings import Retrieval
from memory.embedding.base import Embedder
from memory.engines.base import Filter, Memories
from memory.retrieval.ranked import Ranked, Steer
from memory.service.clock import Clock, system_clock


class Recalled(Struct, frozen=True, kw_only=True):
    """What a search found and how it went."""

    ranked: list[Ranked]
    """Best first; ties by id, the newer first."""
    degraded: str | None = None
    """Why only a part of the search took place; None when it was whole."""
    timings: dict[str, float]
    """Milliseconds by step."""


class Recall:
    def __init__(self, memories: Memories, embedder: Embedder, weights: Retrieval, clock: Clock = system_clock) -> None:
        self._memories = memories
        self._embedder = embedder
        self._weights = weights
        self._clock = clock

    async def search(
        self,
        where: Filter,
        query: str,
        *,
        limit: int = 50,
        facts: int = 0,
        min_score: float = 0.0,
        weights: Mapping[str, float] | None = None,
    ) -> list[Ranked]:
        """What `find` ranked."""
        found = await self.find(where, query, limit=limit, facts=facts, min_score=min_score, weights=weights)
        return found.ranked

    async def find(
        self,
        where: Filter,
        query: str,
        *,
        limit: int = 50,
        facts: int = 0,
        min_score: float = 0.0,
        weights: Mapping[str, float] | None = None,
        steer: Steer | None = None,
        patience: float | None = None,
    ) -> Recalled:
        raise NotImplementedError

"""Searching with filters, by meaning where there is a query."""

import asyncio
from collections.abc import Mapping

from msgspec import Struct

from memory.caller import Caller
from memory.engines.base import Engine, Filter
from memory.model import Memory
from memory.service import visible
from memory.service.recall import Recall
from memory.service.tally import Tally

RANKED_DEPTH = 1000
"""How deep a ranked list can be paged."""

_DEPTHS = (64, 256, RANKED_DEPTH)
"""How many are ranked for a page: the least that holds it. Pages of one depth are cut from one and the same list,
unless the engine begins to hold the memories in process between them (`store_held_mb`), which weighs words anew."""


class Found(Struct, frozen=True, kw_only=True):
    results: list[tuple[Memory, float]]
    """With their scores, in 0..1; 1 where nothing was ranked."""
    total: int
    """How many memories match the filters, ranked or not."""
    has_more: bool


class Search:
    def __init__(self, engine: Engine, recall: Recall, tally: Tally) -> None:
        self._memories = engine.memories
        self._recall = recall
        self._tally = tally

    async def find(
        self,
        caller: Caller,
        where: Filter,
        query: str | None,
        *,
        offset: int = 0,
        limit: int = 100,
        weights: Mapping[str, float] | None = None,
    ) -> Found:
        """Best first, to a depth of RANKED_DEPTH; without a query newest first. Only what `where` lets through and the
        caller may see. `weights` go over the settings'. What a query brings is counted as found, a little later."""
        caller.require("read")
        where = visible.confined(caller, where)
        if query is None or not query.strip():
            page = await self._memories.list(where, offset=offset, limit=limit)
            results = [(memory, 1.0) for memory in page.memories]
            return Found(results=results, total=page.total, has_more=offset + len(results) < page.total)
        end = offset + limit
        depth, *deeper = [depth for depth in _DEPTHS if depth > end] or [RANKED_DEPTH]
        ranked, matching = await asyncio.gather(
            self._recall.search(where, query, limit=depth, weights=weights),
            self._memories.list(where, limit=0),
        )
        while len(ranked) <= end and matching.total > depth and deeper:  # equal texts are ranked once
            depth = deeper.pop(0)
            ranked = await self._recall.search(where, query, limit=depth, weights=weights)
        wanted = ranked[offset:end]
        memories = await self._memories.get(caller.tenant, [one.hit.id for one in wanted]) if wanted else []
        # A memory deleted since it was ranked is left out.
        results = [(memory, one.score) for memory, one in zip(memories, wanted, strict=True) if memory is not None]
        self._tally.add(caller.tenant, [memory.id for memory, _ in results])
        return Found(results=results, total=matching.total, has_more=len(ranked) > end)

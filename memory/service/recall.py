"""Finding memories: both legs of the engine's search, then the neighbours of what they found."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from time import monotonic, perf_counter
from typing import Any, TypeVar

from msgspec import Struct, structs

from config.settings import Retrieval
from memory.embedding.base import Embedder
from memory.engines.base import Filter, Memories, Neighbourhood, SearchQuery
from memory.errors import EmbedderUnavailable
from memory.model import Hit
from memory.retrieval.rank import best_first, own_evidence, rank
from memory.retrieval.ranked import Ranked, Steer
from memory.retrieval.speakers import without_speakers
from memory.retrieval.times import time_named
from memory.retrieval.weights import override
from memory.retrieval.words import Wanted, telling
from memory.service.clock import Clock, system_clock

CANDIDATES = 50
"""How many memories each leg brings at least, so that the ranking has something to choose from."""

MANY_CANDIDATES = 200
"""How many for who asks for a long list or a long text: the fiftieth of a ranking is among no leg's best fifty."""

NEIGHBOURHOODS = 12
"""How many of the best hits bring the turns around them along."""

RADIUS = 2
"""How far those turns are apart from their hit at most."""

_NO_STEER = Steer()

First = TypeVar("First")
Second = TypeVar("Second")


class Recalled(Struct, frozen=True, kw_only=True):
    """What a search found and how it went."""

    ranked: list[Ranked]
    """Best first; ties by id, the newer first. Neighbours of hits are among them: their `reasons` have no `vector`
    and no `text`."""
    degraded: str | None = None
    """Why only a part of the search took place; None when it was whole."""
    timings: dict[str, float]
    """Milliseconds by step."""


class Recall:
    """Hybrid retrieval in two round trips to the engine: the hits, then their neighbours. A query that names who speaks
    in the hits takes one more.

    With an embedder that answers at once both legs are one search; who speaks in the conversations found is only known
    then, and a query that names one of them takes a third. With a remote one the text leg starts at once and the vector
    leg follows beside it; where it fails or comes too late, the text leg's hits are ranked alone.
    """

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
        """The best `limit` of what `find` finds, with the time that the query names."""
        steer = Steer(happened=await time_named(query, self._clock()))
        found = await self.find(
            where,
            query,
            candidates=max(limit, MANY_CANDIDATES),
            facts=facts,
            min_score=min_score,
            weights=weights,
            steer=steer,
        )
        return found.ranked[:limit]

    async def find(
        self,
        where: Filter,
        query: str,
        *,
        candidates: int = CANDIDATES,
        facts: int = 0,
        min_score: float = 0.0,
        weights: Mapping[str, float] | None = None,
        steer: Steer = _NO_STEER,
        patience: float | None = None,
    ) -> Recalled:
        """All that both legs bring (`candidates` each, at least CANDIDATES), up to `facts` memories that are not
        episodes, and the neighbours of the best, ranked. `weights` go over the settings'. `patience` is how many
        seconds the vector leg may take with a remote embedder.

        Raises StoreUnavailable, and Invalid for weights that do not exist.
        """
        effective, wanted = override(self._weights, weights), Wanted(query)
        question = SearchQuery(text=telling(query), limit=max(candidates, CANDIDATES), facts=facts)
        began = monotonic()
        started = perf_counter()
        hits, degraded = await self._hits(where, query, question, steer, patience)
        searched = perf_counter()
        hits = await self._with_neighbours(where, hits, wanted, effective, since=began)
        joined = perf_counter()
        ranked = rank(hits, wanted, effective, now=self._clock(), steer=steer, min_score=min_score)
        timings = {
            "search": 1000 * (searched - started),
            "neighbours": 1000 * (joined - searched),
            "rank": 1000 * (perf_counter() - joined),
        }
        return Recalled(ranked=ranked, degraded=degraded, timings=timings)

    async def _hits(
        self, where: Filter, query: str, question: SearchQuery, steer: Steer, patience: float | None
    ) -> tuple[list[Hit], str | None]:
        if not query.strip():
            return await self._search(where, question, steer), None
        if self._embedder.immediate:
            try:
                [vector] = await self._embedder.embed([query])
                hits = await self._search(where, structs.replace(question, vector=vector), steer)
                return await self._past_names(where, query, question, steer, hits), None
            except EmbedderUnavailable as error:
                return await self._search(where, question, steer), error.message
        worded, (near, degraded) = await _together(
            self._search(where, question, steer), self._vector_leg(where, query, question, steer, patience)
        )
        return _merge(worded, near), degraded

    async def _past_names(
        self, where: Filter, query: str, question: SearchQuery, steer: Steer, hits: list[Hit]
    ) -> list[Hit]:
        """`hits`; where the query names some of those who speak in them, with the vector leg as it is without these
        names. The text leg keeps them."""
        rest = without_speakers(query, hits)
        if rest == query:
            return hits
        [vector] = await self._embedder.embed([rest])
        near = await self._search(where, structs.replace(question, text=None, vector=vector), steer)
        return _merge([structs.replace(hit, dense=None) for hit in hits if hit.text is not None], near)

    async def _vector_leg(
        self, where: Filter, query: str, question: SearchQuery, steer: Steer, patience: float | None
    ) -> tuple[list[Hit], str | None]:
        try:
            async with asyncio.timeout(patience):
                [vector] = await self._embedder.embed([query])
                return await self._search(where, structs.replace(question, text=None, vector=vector), steer), None
        except TimeoutError:
            return [], "the vector leg did not make the deadline"
        except EmbedderUnavailable as error:
            return [], error.message

    async def _search(self, where: Filter, question: SearchQuery, steer: Steer) -> list[Hit]:
        """Where the query names a time, what happened then is also searched for by itself: it competes with its
        contemporaries for a place among the hits, and the rest is still found where the time was misread."""
        if steer.happened is None:
            return await self._memories.search(where, question)
        everywhen, then = await _together(
            self._memories.search(where, question), self._memories.search(_within(where, steer.happened), question)
        )
        return _merge(everywhen, then)

    async def _with_neighbours(
        self, where: Filter, hits: list[Hit], wanted: Wanted, weights: Retrieval, *, since: float
    ) -> list[Hit]:
        if not hits:
            return hits
        hits = sorted(hits, key=lambda hit: hit.id)
        order = best_first(hits, own_evidence(hits, wanted, weights))
        around = [
            Neighbourhood(namespace=hit.namespace, owner=hit.owner, run_id=hit.run_id, seq=hit.seq)
            for hit in (hits[at] for at in order[:NEIGHBOURHOODS])
            if hit.run_id is not None and hit.seq is not None
        ]
        if not around:
            return hits
        return _merge(hits, await self._memories.neighbours(where, around, radius=RADIUS, since=since))


def _within(where: Filter, span: tuple[int, int]) -> Filter:
    start, end = span
    return structs.replace(
        where,
        happened_from=start if where.happened_from is None else max(start, where.happened_from),
        happened_to=end if where.happened_to is None else min(end, where.happened_to),
    )


def _merge(first: Sequence[Hit], second: Sequence[Hit]) -> list[Hit]:
    """Both, each memory once, with the better of what the two say of it."""
    merged = {hit.id: hit for hit in first}
    for hit in second:
        known = merged.get(hit.id)
        if known is None:
            merged[hit.id] = hit
        elif hit.dense is not None or hit.text is not None:
            merged[hit.id] = structs.replace(
                known, dense=_greater(known.dense, hit.dense), text=_greater(known.text, hit.text)
            )
    return list(merged.values())


def _greater(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


async def _together(one: Coroutine[Any, Any, First], other: Coroutine[Any, Any, Second]) -> tuple[First, Second]:
    """The results of both, run side by side; the first failure ends the other and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(one), group.create_task(other)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return first.result(), second.result()

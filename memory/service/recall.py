"""Finding memories: both legs of the engine's search, then the neighbours of what they found."""

import asyncio
from collections.abc import Coroutine, Mapping
from time import monotonic, perf_counter
from typing import Any, TypeVar

from msgspec import Struct, structs

from config.settings import Retrieval
from memory.embedding.base import Embedder
from memory.engines.base import Filter, Memories, Neighbourhood, SearchQuery
from memory.errors import EmbedderUnavailable
from memory.hits import Hits
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

WHOLE = 800
"""A memory of no more, if the engine has it at hand, is ranked whole: [M] to choose what is worth it costs as much."""

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
    """Hybrid retrieval in two round trips to the engine: the hits, then their neighbours. A small memory that the
    engine has at hand is ranked whole, without the second.

    With an embedder that answers at once both legs are one search; who speaks in the conversations found is only known
    then, and a query that names one of them takes one more. With a remote one the text leg starts at once and the
    vector leg follows beside it; where it fails or comes too late, the text leg's hits are ranked alone.
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
        most = max(candidates, CANDIDATES)
        asked = _Asked(
            where=where,
            query=query,
            search=SearchQuery(text=telling(query), limit=most, facts=facts, whole=WHOLE),
            steer=steer,
            patience=patience,
            since=monotonic(),
        )
        started = perf_counter()
        hits, degraded = await self._hits(asked)
        searched = perf_counter()
        hits = await self._with_neighbours(asked, hits, wanted, effective)
        joined = perf_counter()
        ranked = rank(hits, wanted, effective, now=self._clock(), steer=steer, min_score=min_score)
        timings = {
            "search": 1000 * (searched - started),
            "neighbours": 1000 * (joined - searched),
            "rank": 1000 * (perf_counter() - joined),
        }
        return Recalled(ranked=ranked, degraded=degraded, timings=timings)

    async def _hits(self, asked: "_Asked") -> tuple[Hits, str | None]:
        if not asked.query.strip():
            return await self._search(asked, asked.search), None
        if self._embedder.immediate:
            try:
                [vector] = await self._embedder.embed([asked.query])
                hits = await self._search(asked, structs.replace(asked.search, vector=vector))
                return await self._past_names(asked, hits), None
            except EmbedderUnavailable as error:
                return await self._search(asked, asked.search), error.message
        worded, (near, degraded) = await _together(self._search(asked, asked.search), self._vector_leg(asked))
        return worded.merged(near), degraded

    async def _past_names(self, asked: "_Asked", hits: Hits) -> Hits:
        """`hits`; where the query names some of those who speak in them, with the vector leg as it is without these
        names. The text leg keeps them."""
        rest = without_speakers(asked.query, hits)
        if rest == asked.query:
            return hits
        return hits.by_text().merged(await self._near(asked, rest))

    async def _vector_leg(self, asked: "_Asked") -> tuple[Hits, str | None]:
        try:
            async with asyncio.timeout(asked.patience):
                return await self._near(asked, asked.query), None
        except TimeoutError:
            return Hits.of(()), "the vector leg did not make the deadline"
        except EmbedderUnavailable as error:
            return Hits.of(()), error.message

    async def _near(self, asked: "_Asked", text: str) -> Hits:
        [vector] = await self._embedder.embed([text])
        return await self._search(asked, structs.replace(asked.search, text=None, vector=vector))

    async def _search(self, asked: "_Asked", search: SearchQuery) -> Hits:
        """Where the query names a time, what happened then is also searched for by itself: it competes with its
        contemporaries for a place among the hits, and the rest is still found where the time was misread."""
        everywhen = self._memories.search(asked.where, search, since=asked.since)
        if asked.steer.happened is None:
            return await everywhen
        then = self._memories.search(_within(asked.where, asked.steer.happened), search, since=asked.since)
        found, found_then = await _together(everywhen, then)
        return found.merged(found_then)

    async def _with_neighbours(self, asked: "_Asked", hits: Hits, wanted: Wanted, weights: Retrieval) -> Hits:
        if hits.whole:
            return hits
        hits = hits.by_id()
        order = best_first(hits, own_evidence(hits, wanted, weights))
        around = [
            Neighbourhood(namespace=hit.namespace, owner=hit.owner, run_id=hit.run_id, seq=hit.seq)
            for hit in (hits.memories[place] for place in order[:NEIGHBOURHOODS])
            if hit.run_id is not None and hit.seq is not None
        ]
        if not around:
            return hits
        return hits.merged(await self._memories.neighbours(asked.where, around, radius=RADIUS, since=asked.since))


class _Asked(Struct, frozen=True, kw_only=True):
    """One call of `find`."""

    where: Filter
    query: str
    search: SearchQuery
    """Without a vector."""
    steer: Steer
    patience: float | None
    since: float
    """When it began, by `time.monotonic`."""


def _within(where: Filter, span: tuple[int, int]) -> Filter:
    start, end = span
    return structs.replace(
        where,
        happened_from=start if where.happened_from is None else max(start, where.happened_from),
        happened_to=end if where.happened_to is None else min(end, where.happened_to),
    )


async def _together(one: Coroutine[Any, Any, First], other: Coroutine[Any, Any, Second]) -> tuple[First, Second]:
    """The results of both, run side by side; the first failure ends the other and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(one), group.create_task(other)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return first.result(), second.result()

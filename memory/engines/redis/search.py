"""The legs of a search: their commands, sent as one pipeline, and their replies merged into hits.

redisvl's query classes would build the same commands; doing it here, and parsing only what was asked for, costs [M] a
quarter of the client time. The filter is still spelled by redisvl.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from memory.engines.base import Filter, SearchQuery
from memory.engines.redis.client import Client, Refused
from memory.engines.redis.codec import Access, decode_hit, encode_vector
from memory.engines.redis.policy import Sizes
from memory.engines.redis.query import conditions, render
from memory.engines.redis.rarity import Rarity
from memory.engines.redis.schema import Schema
from memory.engines.redis.wire import Command
from memory.engines.words import query_stems
from memory.model import Hit

TIMEOUT_MS = 5000
"""Redis's own default of half a second would give a part of the answer and not say so."""


class Search:
    def __init__(self, client: Client, schema: Schema) -> None:
        self._client = client
        self._schema = schema
        self._sizes = Sizes()
        self._rarity = Rarity()

    async def hits(self, where: Filter, query: SearchQuery, accessed: Mapping[bytes, Access]) -> list[Hit]:
        """`accessed`: accesses later than the index may know of, by the key of the memory."""
        legs = list(self.legs(where, query))
        if not legs:
            return []
        filters = self._sizes.unknown([leg.sized for leg in legs if leg.sized is not None])
        words = [word for leg in legs for word in leg.uncounted]
        counts = [self._count(allowed) for allowed in (*filters, *(f"@words:{word}" for word in words))]
        replies = await self.ask([*(leg.command for leg in legs), *counts])
        counted = replies[len(legs) :]
        self._sizes.learn(filters, counted[: len(filters)])
        self._rarity.learn(words, counted[len(filters) :])
        merged: _Merged = {}
        for leg, reply in zip(legs, replies, strict=False):
            leg.read(reply, merged)
        return [
            decode_hit(found.hit, access=accessed.get(key), dense=found.dense, text=found.text)
            for key, found in merged.items()
        ]

    async def ask(self, commands: list[Command]) -> list[Any]:
        """The replies of commands to the index, which is made again where Redis has lost it."""
        try:
            return await self._client.many(commands)
        except Refused:
            await self._schema.restore()
            return await self._client.many(commands)

    def legs(self, where: Filter, query: SearchQuery) -> Iterator["_Leg"]:
        vector = None if query.vector is None else encode_vector(query.vector)
        found = conditions(where)
        if found is not None and query.limit > 0:
            if vector is not None:
                yield self._near(render(found), vector, query.limit)
            if query.text is not None and (words := query_stems(query.text)):
                yield self._text(render(found, scored=True), words, query.limit, sized=render(found))
        if query.facts > 0 and (facts := conditions(where, facts=True)) is not None:
            yield (
                self._newest(render(facts), query.facts)
                if vector is None
                else self._near(render(facts), vector, query.facts)
            )

    def _near(self, allowed: str, vector: bytes, limit: int) -> "_Leg":
        policy = self._sizes.policy(allowed)
        search = f"({allowed})=>[KNN {limit} @{self._schema.vector} $vector{policy} AS distance]"
        returned = ("RETURN", 2, "distance", "hit", "PARAMS", 2, "vector", vector)
        return _Leg(self._command(search, limit, *returned), _read_near, sized=allowed)

    def _text(self, allowed: str, words: list[str], limit: int, *, sized: str) -> "_Leg":
        size = self._sizes.of(sized)
        uncounted = self._rarity.unknown(words, size)
        chosen = self._rarity.choosing(words, size)
        # A union beside a filter leaves words out of the score [M: search module 2.10, 7 points of recall], so it only
        # selects, and each word scores for itself. What is a union of one can't be kept from scoring.
        if len(chosen) == 1:
            selected, scoring = f"@words:{chosen[0]}", [word for word in words if word not in chosen]
        else:
            selected, scoring = f"(@words:({'|'.join(chosen)}))=>{{$weight: 0}}", words
        search = " ".join((allowed, selected, *(f"~@words:{word}" for word in scoring)))
        scored = ("VERBATIM", "SCORER", "BM25STD", "WITHSCORES", "RETURN", 1, "hit")
        return _Leg(self._command(search, limit, *scored), _read_text, sized=sized, uncounted=uncounted)

    def _newest(self, allowed: str, limit: int) -> "_Leg":
        sorted_ = ("SORTBY", "created_at", "DESC", "RETURN", 1, "hit")
        return _Leg(self._command(allowed, limit, *sorted_), _read_newest)

    def _count(self, allowed: str) -> Command:
        return ("FT.SEARCH", self._schema.index, allowed, "LIMIT", 0, 0, "DIALECT", 2)

    def _command(self, search: str, limit: int, *options: str | int | bytes) -> Command:
        index = self._schema.index
        return ("FT.SEARCH", index, search, *options, "LIMIT", 0, limit, "TIMEOUT", TIMEOUT_MS, "DIALECT", 2)


class _Candidate(Struct):
    hit: bytes
    dense: float | None = None
    text: float | None = None


_Merged = dict[bytes, _Candidate]


class _Leg(Struct, frozen=True):
    command: Command
    read: Callable[[list[Any], _Merged], None]
    sized: str | None = None
    """The filter, where it matters how much it lets through."""
    uncounted: Sequence[str] = ()
    """Words of which it matters how common they are."""


def _read_near(reply: list[Any], merged: _Merged) -> None:
    for key, fields in zip(reply[1::2], reply[2::2], strict=True):
        if fields and len(fields) == 4:  # else it went while the search was under way
            _, distance, _, hit = fields
            _candidate(merged, key, hit).dense = 1.0 - float(distance)


def _read_text(reply: list[Any], merged: _Merged) -> None:
    best = max(map(float, reply[2::3]), default=0.0)
    for key, score, fields in zip(reply[1::3], reply[2::3], reply[3::3], strict=True):
        if fields:
            _candidate(merged, key, fields[1]).text = float(score) / best if best > 0 else 1.0


def _read_newest(reply: list[Any], merged: _Merged) -> None:
    for key, fields in zip(reply[1::2], reply[2::2], strict=True):
        if fields:
            _candidate(merged, key, fields[-1])


def _candidate(merged: _Merged, key: bytes, hit: bytes) -> _Candidate:
    found = merged.get(key)
    if found is None:
        found = merged[key] = _Candidate(hit)
    return found

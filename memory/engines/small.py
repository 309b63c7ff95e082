"""A small scope held whole, and the answers that can be read off it.

A scope is what one owner has in one namespace. Held are its current memories, with what a hit tells of them: a filter
that asks for more goes to the engine's own search. The answers are the port's (`memory.engines.base`), with a word's
rarity taken within the scopes asked.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from memory.caller import user_owner
from memory.engines.base import Filter, Neighbourhood, SearchQuery, Vector
from memory.engines.words import query_stems
from memory.hits import Hits
from memory.model import Hit
from memory.tables import Table, ids_of, joined, places_of

MOST_SCOPES = 16
"""A filter over more of them goes to the engine."""

_K1, _B = 1.2, 0.75
"""BM25's constants, as both engines have them."""

_HIT_BYTES = 1800
"""What a hit takes without its vector and its words, with what ranking reads off it [M]."""

_ASKED_OF_HITS = (
    *("types", "min_confidence", "run_id", "content_hash"),
    *("created_from", "created_to", "happened_from", "happened_to"),
)

_asked_of_hits = attrgetter(*_ASKED_OF_HITS)
_NOTHING_ASKED = (None,) * len(_ASKED_OF_HITS)

_beyond_hits = attrgetter(
    *sorted(
        {field.name for field in structs.fields(Filter)}
        - {"tenant", "namespaces", "owners", "user_id", "states", *_ASKED_OF_HITS}
    )
)
"""What a filter asks that nothing held can tell."""

_NOTHING_BEYOND = _beyond_hits(Filter(tenant=""))

_NO_SESSION: tuple[list[int], list[int]] = ([], [])


class Scope(NamedTuple):
    tenant: str
    namespace: str
    owner: str


class Item(NamedTuple):
    """A memory as it is to be held."""

    hit: Hit
    """Without scores."""
    stems: Sequence[str]
    """Of all its words (`memory.engines.words`)."""
    vector: Vector


class Small:
    """The current memories of a scope by rising id, which makes the answers the same in every process. Never changed:
    an answer is of one state, whatever is written meanwhile."""

    def __init__(
        self,
        table: Table,
        vectors: NDArray[np.float32],
        words: NDArray[np.int64],
        places: NDArray[np.int32],
        counts: NDArray[np.int32],
    ) -> None:
        """`words` are the hashes of each hit's distinct words, `places` says which hit has each, `counts` how often."""
        self.table = table
        self.hits = table.hits
        self.ids = table.column(ids_of)
        self.vectors = vectors
        self.facts = table.column(_facts)
        self.lengths = np.bincount(places, counts, minlength=len(table.hits))
        self.length = int(counts.sum())
        order = words.argsort(kind="stable")
        self.words = words[order]
        self.places = places[order]
        self.counts = counts[order]
        self._shares: tuple[float, NDArray[np.float64]] | None = None

    @classmethod
    def of(cls, items: Iterable[Item]) -> "Small":
        items = sorted(items, key=lambda item: item.hit.id)
        vectors = np.array([item.vector for item in items], np.float32)
        stems = [Counter(item.stems) for item in items]
        words = np.array([hash(stem) for counts in stems for stem in counts], np.int64)
        places = np.arange(len(items), dtype=np.int32).repeat([len(counts) for counts in stems])
        counts = np.array([count for counts in stems for count in counts.values()], np.int32)
        return cls(Table([item.hit for item in items], whole=True), vectors, words, places, counts)

    @property
    def bytes(self) -> int:
        text = sum(len(hit.content) for hit in self.hits)
        words = self.words.nbytes + self.places.nbytes + self.counts.nbytes
        return self.vectors.nbytes + words + len(self.hits) * _HIT_BYTES + text

    def changed(self, ids: Collection[int], items: Sequence[Item]) -> "Small":
        """Without the memories of `ids`, and with `items`, some of which may be of them."""
        stays = np.isin(self.ids, list(ids), invert=True)
        kept = self if stays.all() else self._rows(np.flatnonzero(stays))
        if not items:
            return kept
        fresh = Small.of(items)
        if not kept.hits:
            return fresh
        both = Small(
            kept.table.followed_by(fresh.table),
            np.concatenate([kept.vectors, fresh.vectors]),
            np.concatenate([kept.words, fresh.words]),
            np.concatenate([kept.places, fresh.places + np.int32(len(kept.hits))]),
            np.concatenate([kept.counts, fresh.counts]),
        )
        return both if kept.ids[-1] < fresh.ids[0] else both._rows(np.argsort(both.ids))

    def touched(self, accesses: Mapping[int, tuple[int, int]]) -> "Small":
        """With when each was accessed last and how often, by id."""
        hits = [
            structs.replace(hit, accessed_at=accesses[hit.id][0], access_count=accesses[hit.id][1])
            if hit.id in accesses
            else hit
            for hit in self.hits
        ]
        return Small(Table(hits, whole=True), self.vectors, self.words, self.places, self.counts)

    def shares(self, mean: float) -> NDArray[np.float64]:
        """What BM25 makes of how often each hit has each of its words, where texts have `mean` words; the last is kept,
        since a scope is mostly asked with the same others."""
        if self._shares is None or self._shares[0] != mean:
            penalty = _K1 * (1 - _B + _B * self.lengths / max(mean, 1.0))
            self._shares = mean, self.counts * (_K1 + 1) / (self.counts + penalty[self.places])
        return self._shares[1]

    def around(self, run_id: str, seq: int, radius: int) -> list[int]:
        """The rows of the turns of a session whose place in it is within `radius` of `seq`."""
        numbers, rows = self._sessions.get(run_id, _NO_SESSION)
        return rows[bisect_left(numbers, seq - radius) : bisect_right(numbers, seq + radius)]

    @cached_property
    def _sessions(self) -> dict[str, tuple[list[int], list[int]]]:
        """The turns of each session in their order: their places in it, and their rows."""
        turns = sorted(
            (hit.run_id, hit.seq, row)
            for row, hit in enumerate(self.hits)
            if hit.run_id is not None and hit.seq is not None
        )
        sessions: dict[str, tuple[list[int], list[int]]] = {}
        for run_id, seq, row in turns:
            numbers, rows = sessions.setdefault(run_id, ([], []))
            numbers.append(seq)
            rows.append(row)
        return sessions

    def _rows(self, rows: NDArray[np.intp]) -> "Small":
        """These of its hits, in this order."""
        places = places_of(rows, len(self.hits))[self.places]
        kept = places >= 0
        return Small(self.table.take(rows), self.vectors[rows], self.words[kept], places[kept], self.counts[kept])


def scopes_of(where: Filter) -> list[Scope] | None:
    """The scopes whose current memories hold all that the filter lets through; None where held scopes can't tell."""
    user = None if where.user_id is None else user_owner(where.user_id)
    owners = where.owners if user is None else [user] if where.owners is None or user in where.owners else []
    if where.namespaces is None or owners is None or not where.current:
        return None
    if _beyond_hits(where) != _NOTHING_BEYOND:
        return None
    if where.states is not None and "active" not in where.states:
        return []
    scopes = dict.fromkeys(Scope(where.tenant, name, owner) for name in where.namespaces for owner in owners)
    return list(scopes) if len(scopes) <= MOST_SCOPES else None


def search(held: Mapping[Scope, Small], where: Filter, query: SearchQuery) -> Hits:
    """As `Memories.search`. `held` are the scopes that `scopes_of` names."""
    scopes = [small for small in held.values() if small.hits]
    if not scopes:
        return Hits.of(())
    ids = joined([small.ids for small in scopes])
    allowed = _allowed(scopes, where)
    facts = joined([small.facts for small in scopes])
    facts = facts if allowed is None else allowed & facts
    matching = len(ids) if allowed is None else int(np.count_nonzero(allowed))
    limit = matching if query.vector is not None and matching <= query.whole else query.limit
    dense, text = np.full((2, len(ids)), np.nan)
    found = np.zeros(len(ids), np.bool_)
    if query.text is not None and limit > 0 and (stems := query_stems(query.text)):
        scores = _bm25(scopes, stems)
        rows = _best(scores, ids, scores > 0 if allowed is None else allowed & (scores > 0), limit)
        text[rows] = scores[rows] / scores[rows].max(initial=0.0)
        found[rows] = True
    if query.vector is not None:
        cosines = joined([small.vectors @ query.vector for small in scopes])
        for among, most in ((allowed, limit), (facts, query.facts)):
            rows = _best(cosines, ids, among, most)
            dense[rows] = cosines[rows]
            found[rows] = True
    elif query.facts > 0:
        created = joined([small.table.column(_created) for small in scopes])
        found[_best(created, ids, facts, query.facts)] = True
    return Hits.chosen(tuple(small.table for small in scopes), found, dense, text)


def neighbours(held: Mapping[Scope, Small], where: Filter, around: Sequence[Neighbourhood], radius: int) -> Hits:
    """As `Memories.neighbours`. `held` are the scopes that `scopes_of` names."""
    scopes = {scope: small for scope, small in held.items() if small.hits}
    if not scopes:
        return Hits.of(())
    firsts = dict(zip(scopes, accumulate((len(small.hits) for small in scopes.values()), initial=0), strict=False))
    near: set[int] = set()
    for spot in around:
        scope = Scope(where.tenant, spot.namespace, spot.owner)
        if (small := scopes.get(scope)) is not None:
            near.update(firsts[scope] + row for row in small.around(spot.run_id, spot.seq, radius))
    rows = np.array(sorted(near), np.intp)
    if (allowed := _allowed(scopes.values(), where)) is not None:
        rows = rows[allowed[rows]]
    return Hits(tuple(small.table for small in scopes.values()), rows)


def _facts(hits: Sequence[Hit]) -> NDArray[np.bool_]:
    return np.array([hit.type != "episodic" for hit in hits], np.bool_)


def _created(hits: Sequence[Hit]) -> NDArray[np.int64]:
    return np.array([hit.created_at for hit in hits], np.int64)


def _allowed(scopes: Iterable[Small], where: Filter) -> NDArray[np.bool_] | None:
    """Which of their hits meet the filter; None where all do."""
    if _asked_of_hits(where) == _NOTHING_ASKED:
        return None
    return np.array([_admits(where, hit) for small in scopes for hit in small.hits], np.bool_)


def _admits(where: Filter, hit: Hit) -> bool:
    """Whether a current memory of one of the filter's scopes meets the rest of it."""
    return (
        (where.types is None or hit.type in where.types)
        and (where.run_id is None or hit.run_id == where.run_id)
        and (where.content_hash is None or hit.content_hash == where.content_hash)
        and (where.min_confidence is None or hit.confidence >= where.min_confidence)
        and _within(where.created_from, hit.created_at, where.created_to)
        and _within(where.happened_from, hit.happened_at, where.happened_to)
    )


def _within(low: int | None, at: int, high: int | None) -> bool:
    return (low is None or low <= at) and (high is None or at <= high)


def _bm25(scopes: Sequence[Small], stems: Sequence[str]) -> NDArray[np.float64]:
    wanted = np.array([hash(stem) for stem in stems], np.int64)
    spans = [(small.words.searchsorted(wanted), small.words.searchsorted(wanted, "right")) for small in scopes]
    holders = [ends - firsts for firsts, ends in spans]
    count, having = sum(len(small.hits) for small in scopes), sum(holders)
    mean = sum(small.length for small in scopes) / count
    rarity = np.log1p((count - having + 0.5) / (having + 0.5))
    scores = []
    for small, (firsts, ends), of in zip(scopes, spans, holders, strict=True):
        shares = small.shares(mean)
        chosen = [slice(*span) for span in zip(firsts.tolist(), ends.tolist(), strict=True)]
        place = np.concatenate([small.places[span] for span in chosen])
        told = rarity.repeat(of) * np.concatenate([shares[span] for span in chosen])
        scores.append(np.bincount(place, told, minlength=len(small.hits)).astype(np.float64, copy=False))
    return joined(scores)


def _best(
    scores: NDArray[np.float64] | NDArray[np.float32] | NDArray[np.int64],
    ids: NDArray[np.int64],
    allowed: NDArray[np.bool_] | None,
    limit: int,
) -> NDArray[np.intp]:
    """The rows of the highest; of equals, those of the newer."""
    rows = np.arange(len(ids)) if allowed is None else np.flatnonzero(allowed)
    if len(rows) <= limit:
        return rows
    return rows[np.lexsort((-ids[rows], -scores[rows]))[: max(limit, 0)]]

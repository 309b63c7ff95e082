"""A small scope held whole, and the answers that can be read off it.

A scope is what one owner has in one namespace. Held are its current memories, with what a hit tells of them: a filter
that asks for more goes to the engine's own search. The answers are the port's (`memory.engines.base`), with a word's
rarity taken within the scopes asked.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from memory.caller import user_owner
from memory.engines.base import Filter, Neighbourhood, SearchQuery, Vector
from memory.engines.words import query_stems
from memory.model import Hit

MOST_SCOPES = 16
"""A filter over more of them goes to the engine."""

_K1, _B = 1.2, 0.75
"""BM25's constants, as both engines have them."""

_HIT_BYTES = 900
"""What a hit takes without its vector and its words [M]."""

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
        hits: list[Hit],
        vectors: NDArray[np.float32],
        words: NDArray[np.int64],
        places: NDArray[np.int32],
    ) -> None:
        """`words` are hashes of all words of all hits, `places` says which hit has each."""
        self.hits = hits
        self.ids = np.array([hit.id for hit in hits], np.int64)
        self.vectors = vectors
        self.facts = np.array([hit.type != "episodic" for hit in hits], np.bool_)
        self.lengths = np.bincount(places, minlength=len(hits))
        order = words.argsort(kind="stable")
        self.words = words[order]
        self.places = places[order]

    @classmethod
    def of(cls, items: Iterable[Item]) -> "Small":
        items = sorted(items, key=lambda item: item.hit.id)
        vectors = np.array([item.vector for item in items], np.float32)
        words = np.array([hash(stem) for item in items for stem in item.stems], np.int64)
        places = np.repeat(np.arange(len(items), dtype=np.int32), [len(item.stems) for item in items])
        return cls([item.hit for item in items], vectors, words, places)

    @property
    def bytes(self) -> int:
        text = sum(len(hit.content) for hit in self.hits)
        return self.vectors.nbytes + self.words.nbytes + self.places.nbytes + len(self.hits) * _HIT_BYTES + text

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
            kept.hits + fresh.hits,
            np.concatenate([kept.vectors, fresh.vectors]),
            np.concatenate([kept.words, fresh.words]),
            np.concatenate([kept.places, fresh.places + np.int32(len(kept.hits))]),
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
        return Small(hits, self.vectors, self.words, self.places)

    def counts(self, stems: Sequence[str]) -> NDArray[np.int64]:
        """How often each of the stems (column) is in each hit (row)."""
        words, places = self.words, self.places
        wanted = np.array([hash(stem) for stem in stems], np.int64)
        ends = zip(words.searchsorted(wanted).tolist(), words.searchsorted(wanted, "right").tolist(), strict=True)
        cells = [places[first:end] * len(stems) + column for column, (first, end) in enumerate(ends)]
        counts = np.bincount(np.concatenate(cells), minlength=len(self.hits) * len(stems))
        return counts.reshape(len(self.hits), len(stems))

    def around(self, run_id: str, seq: int, radius: int) -> list[Hit]:
        """The turns of a session whose place in it is within `radius` of `seq`."""
        turns = self._sessions.get(run_id, [])
        first = bisect_left(turns, seq - radius, key=_seq)
        return turns[first : bisect_right(turns, seq + radius, lo=first, key=_seq)]

    @cached_property
    def _sessions(self) -> dict[str, list[Hit]]:
        """The turns of each session in their order."""
        sessions: dict[str, list[Hit]] = {}
        for hit in self.hits:
            if hit.run_id is not None and hit.seq is not None:
                sessions.setdefault(hit.run_id, []).append(hit)
        for turns in sessions.values():
            turns.sort(key=_seq)
        return sessions

    def _rows(self, rows: NDArray[np.intp]) -> "Small":
        """These of its hits, in this order."""
        place_of = np.full(len(self.hits), -1, np.int32)
        place_of[rows] = np.arange(len(rows), dtype=np.int32)
        places = place_of[self.places]
        kept = places >= 0
        return Small([self.hits[row] for row in rows.tolist()], self.vectors[rows], self.words[kept], places[kept])


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


def search(held: Mapping[Scope, Small], where: Filter, query: SearchQuery) -> list[Hit]:
    """As `Memories.search`. `held` are the scopes that `scopes_of` names."""
    scopes = [small for small in held.values() if small.hits]
    if not scopes:
        return []
    hits = [hit for small in scopes for hit in small.hits]
    ids = np.concatenate([small.ids for small in scopes])
    allowed = _allowed(hits, where)
    facts = allowed & np.concatenate([small.facts for small in scopes])
    near: dict[int, float] = {}
    text: dict[int, float] = {}
    newest: dict[int, None] = {}
    if query.text is not None and query.limit > 0 and (stems := query_stems(query.text)):
        scores = _bm25(scopes, stems)
        rows = _best(scores, ids, allowed & (scores > 0), query.limit)
        text = dict(zip(rows.tolist(), (scores[rows] / scores[rows].max(initial=0.0)).tolist(), strict=True))
    if query.vector is not None:
        cosines = np.concatenate([small.vectors @ query.vector for small in scopes])
        for among, limit in ((allowed, query.limit), (facts, query.facts)):
            rows = _best(cosines, ids, among, limit)
            near |= zip(rows.tolist(), cosines[rows].tolist(), strict=True)
    elif query.facts > 0:
        created = np.array([hit.created_at for hit in hits], np.int64)
        newest = dict.fromkeys(_best(created, ids, facts, query.facts).tolist())
    found = near.keys() | text.keys() | newest.keys()
    return [structs.replace(hits[row], dense=near.get(row), text=text.get(row)) for row in found]


def neighbours(held: Mapping[Scope, Small], where: Filter, around: Sequence[Neighbourhood], radius: int) -> list[Hit]:
    """As `Memories.neighbours`. `held` are the scopes that `scopes_of` names."""
    found: dict[int, Hit] = {}
    for spot in around:
        small = held.get(Scope(where.tenant, spot.namespace, spot.owner))
        if small is not None:
            found |= {hit.id: hit for hit in small.around(spot.run_id, spot.seq, radius)}
    hits = list(found.values())
    return [hit for hit, admitted in zip(hits, _allowed(hits, where).tolist(), strict=True) if admitted]


def _seq(hit: Hit) -> int:
    return hit.seq or 0


def _allowed(hits: Sequence[Hit], where: Filter) -> NDArray[np.bool_]:
    if _asked_of_hits(where) == _NOTHING_ASKED:
        return np.ones(len(hits), np.bool_)
    return np.array([_admits(where, hit) for hit in hits], np.bool_)


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
    counts = np.concatenate([small.counts(stems) for small in scopes]).astype(np.float64)
    lengths = np.concatenate([small.lengths for small in scopes])
    holders = np.count_nonzero(counts, axis=0)
    rarity = np.log1p((len(lengths) - holders + 0.5) / (holders + 0.5))
    penalty = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1.0))
    shares = counts * (_K1 + 1) / (counts + penalty[:, None])
    scores: NDArray[np.float64] = shares @ rarity
    return scores


def _best(
    scores: NDArray[np.float64] | NDArray[np.float32] | NDArray[np.int64],
    ids: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    limit: int,
) -> NDArray[np.intp]:
    """The rows of the highest; of equals, those of the newer."""
    rows = np.flatnonzero(allowed)
    if len(rows) <= limit:
        return rows
    return rows[np.lexsort((-ids[rows], -scores[rows]))[: max(limit, 0)]]

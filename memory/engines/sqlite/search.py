"""A hybrid search on one snapshot: the text leg, the vector leg and the facts, merged by id."""

import apsw
import numpy as np
from numpy.typing import NDArray

from memory.engines.base import Filter, SearchQuery
from memory.engines.sqlite.filters import conditions
from memory.engines.sqlite.fulltext import TextQueries
from memory.engines.sqlite.rows import STORED, from_row
from memory.engines.sqlite.scopes import Scope, scopes_for
from memory.engines.sqlite.vectors import Candidates, Matrices
from memory.model import Hit, Memory, hit_of

_SPARE = 16
"""How many candidates are looked at beyond those wanted, since the filter refuses a few."""


class Search:
    """The query builder, with what it keeps in memory between queries."""

    def __init__(self, dimension: int) -> None:
        self._matrices = Matrices(dimension)
        self._texts = TextQueries()

    def run(self, connection: apsw.Connection, where: Filter, query: SearchQuery) -> list[Hit]:
        scopes = scopes_for(where)
        if not scopes:
            return []
        found: dict[int, Memory] = {}
        dense: dict[int, float] = {}
        text: dict[int, float] = {}
        if query.text is not None and query.limit > 0:
            for memory, score in self._by_text(connection, where, scopes, query.text, query.limit):
                found[memory.id] = memory
                text[memory.id] = score
        if query.vector is not None:
            candidates = self._matrices.compare(connection, scopes, query.vector)
            for pool, count in ((candidates, query.limit), (candidates.only(~candidates.episodic), query.facts)):
                for memory, cosine in _nearest(connection, where, pool, count):
                    found[memory.id] = memory
                    dense[memory.id] = cosine
        elif query.facts > 0:
            found |= {memory.id: memory for memory in _newest_facts(connection, where, query.facts)}
        return [hit_of(memory, dense=dense.get(id), text=text.get(id)) for id, memory in found.items()]

    def _by_text(
        self, connection: apsw.Connection, where: Filter, scopes: list[Scope], text: str, limit: int
    ) -> list[tuple[Memory, float]]:
        """The best, with their shares of the best one's score."""
        expression = self._texts.expression(connection, scopes, text)
        if expression is None:
            return []
        condition, values = conditions(where)
        # Ordered by `rank` alone and with the index outermost, FTS5 hands out rows best first, and the filter sees no
        # more of them than it takes to fill the limit.
        rows = connection.execute(
            f"SELECT w.rank, {STORED} FROM words w CROSS JOIN memories m ON m.key = w.rowid "
            f"WHERE words MATCH ? AND {condition} ORDER BY w.rank LIMIT ?",
            (expression, *values, limit),
        )
        found: list[tuple[Memory, float]] = [(from_row(*stored), rank) for rank, *stored in rows]
        return [(memory, rank / found[0][1]) for memory, rank in found]


def _nearest(
    connection: apsw.Connection, where: Filter, candidates: Candidates, count: int
) -> list[tuple[Memory, float]]:
    """The `count` nearest of those the filter allows.

    Mostly it allows nearly all, so the nearest are asked about first; where too few of them pass, it is asked for
    everything it allows.
    """
    if count <= 0 or not len(candidates.cosines):
        return []
    first = candidates.nearest(count + count // 4 + _SPARE)
    allowed = _allowed(connection, where, first)
    if len(allowed) < count and len(first.cosines) < len(candidates.cosines):
        passing = candidates.only(np.isin(candidates.changes, _all_changes(connection, where)))
        allowed = _allowed(connection, where, passing.nearest(count))
    return allowed[:count]


def _allowed(connection: apsw.Connection, where: Filter, candidates: Candidates) -> list[tuple[Memory, float]]:
    """Those which the filter allows and whose vector is still theirs, in the order given."""
    if not len(candidates.memories):
        return []
    condition, values = conditions(where)
    rows = connection.execute(
        f"SELECT m.vector, {STORED} FROM carray(?) c CROSS JOIN memories m ON m.key = c.value WHERE {condition}",
        (apsw.carray(candidates.memories), *values),
    )
    found = {change: stored for change, *stored in rows}
    return [
        (from_row(*found[change]), cosine)
        for change, cosine in zip(candidates.changes.tolist(), candidates.cosines.tolist(), strict=True)
        if change in found
    ]


def _all_changes(connection: apsw.Connection, where: Filter) -> NDArray[np.int64]:
    condition, values = conditions(where)
    rows = connection.execute(f"SELECT m.vector FROM memories m WHERE {condition}", values)
    return np.fromiter((change for (change,) in rows), np.int64)


def _newest_facts(connection: apsw.Connection, where: Filter, count: int) -> list[Memory]:
    condition, values = conditions(where)
    rows = connection.execute(
        f"SELECT {STORED} FROM memories m WHERE {condition} AND m.type <> 'episodic' "
        "ORDER BY m.created_at DESC, m.id DESC LIMIT ?",
        (*values, count),
    )
    return [from_row(*row) for row in rows]

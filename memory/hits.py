"""What a search found, in columns of the tables that it comes from."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from math import isnan
from typing import cast, overload

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from memory.model import Hit
from memory.tables import Column, Read, Rows, Table, ids_of, joined

Scores = NDArray[np.float64]
"""One to each hit; NaN where the leg did not return it."""


class Hits(Sequence[Hit]):
    """Some of the memories of one or more tables, each once, with what each search leg said of them."""

    def __init__(
        self, tables: tuple[Table, ...], rows: Rows, dense: Scores | None = None, text: Scores | None = None
    ) -> None:
        """`rows` count through the tables, one after the other; a table's own `rows` are all of it."""
        self.tables = tables
        self.dense = np.full(len(rows), np.nan) if dense is None else dense
        """Cosine similarity to the query, in -1..1."""
        self.text = np.full(len(rows), np.nan) if text is None else text
        """BM25 score over the best of its query, in 0..1."""
        self._table = tables[0] if rows is tables[0].rows else None
        """The one that they are all of, in its order."""
        self.rows = rows

    @classmethod
    def of(cls, hits: Iterable[Hit]) -> "Hits":
        """As they come, with the scores that they have."""
        hits = list(hits)
        dense = np.array([hit.dense for hit in hits], np.float64)
        text = np.array([hit.text for hit in hits], np.float64)
        table = Table(hits)
        return cls((table,), table.rows, dense, text)

    @classmethod
    def chosen(cls, tables: tuple[Table, ...], inside: NDArray[np.bool_], dense: Scores, text: Scores) -> "Hits":
        """Those that are `inside`; it and the scores are of all the memories of the tables."""
        if len(tables) == 1 and inside.all():
            return cls(tables, tables[0].rows, dense, text)
        rows = inside.nonzero()[0]
        return cls(tables, rows, dense[rows], text[rows])

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> list[Hit]: ...
    def __getitem__(self, place: int | slice) -> Hit | list[Hit]:
        """With its scores."""
        if isinstance(place, slice):
            return list(self)[place]
        return _scored(self.memories[place], float(self.dense[place]), float(self.text[place]))

    def __iter__(self) -> Iterator[Hit]:
        """With their scores."""
        scores = zip(self.dense.tolist(), self.text.tolist(), strict=True)
        return (_scored(hit, *of) for hit, of in zip(self.memories, scores, strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def memories(self) -> list[Hit]:
        """Without scores: the same objects in every answer, where they are held."""
        of = self._all
        return [of[row] for row in self.rows.tolist()] if self._table is None else list(of)

    @property
    def whole(self) -> bool:
        """Whether it is known that there are no others."""
        return len(self) == sum(len(table.hits) for table in self.tables if table.whole)

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        return self.column(ids_of)

    def column(self, read: Callable[[Sequence[Hit]], Column]) -> Column:
        """What `read` makes of these, a row to each; it reads each by itself, and may have done so long ago. Not to be
        written to."""
        if self._table is not None:
            return self._table.column(read)
        return cast("Column", joined([table.column(read) for table in self.tables])[self.rows])

    def once(self, read: Callable[["Hits"], Read]) -> Read:
        """What `read` makes of these together, without their scores."""
        return read(self) if self._table is None else self._table.once(read, self)

    def take(self, places: Rows) -> "Hits":
        """Those at `places`, in their order."""
        return Hits(self.tables, self.rows[places], self.dense[places], self.text[places])

    def by_id(self) -> "Hits":
        """The same by rising id."""
        if self._table is not None and self._table.whole:
            return self
        ids = self.ids
        return self if (ids[1:] > ids[:-1]).all() else self.take(ids.argsort())

    def by_text(self) -> "Hits":
        """Those of the text leg, without what the vector leg said of them."""
        found = np.flatnonzero(~np.isnan(self.text))
        return Hits(self.tables, self.rows[found], text=self.text[found])

    def merged(self, other: "Hits") -> "Hits":
        """Both, each memory once, with the better of what the two say of it."""
        if self.tables == other.tables:
            count = sum(len(table.hits) for table in self.tables)
            dense, text = np.full((2, count), np.nan)
            inside = np.zeros(count, np.bool_)
            for one in (self, other):
                inside[one.rows] = True
                dense[one.rows] = np.fmax(dense[one.rows], one.dense)
                text[one.rows] = np.fmax(text[one.rows], one.text)
            return Hits.chosen(self.tables, inside, dense, text)
        known = {hit.id: hit for hit in self}
        for hit in other:
            first = known.setdefault(hit.id, hit)
            known[hit.id] = structs.replace(
                first, dense=_greater(first.dense, hit.dense), text=_greater(first.text, hit.text)
            )
        return Hits.of(known.values())

    @property
    def _all(self) -> Sequence[Hit]:
        first, *others = self.tables
        return [*first.hits, *(hit for table in others for hit in table.hits)] if others else first.hits


def _scored(hit: Hit, dense: float, text: float) -> Hit:
    near, worded = None if isnan(dense) else dense, None if isnan(text) else text
    return hit if (hit.dense, hit.text) == (near, worded) else structs.replace(hit, dense=near, text=worded)


def _greater(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)

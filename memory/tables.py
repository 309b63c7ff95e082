"""Memories with what was read off them.

What the ranking asks of a memory besides its scores (how long it is, whether it asks something, when it happened) is
the same for every query. So it is read off all the memories that are at hand, once; where some of them change, what was
read off the others stays.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from memory.model import Hit

Given = TypeVar("Given")
Read = TypeVar("Read")
Column = TypeVar("Column", bound=NDArray[Any])

Rows = NDArray[np.intp]


class Postings(NamedTuple):
    """Which rows have which keys; the keys in order, so that those of one key lie together."""

    keys: NDArray[np.int64]
    rows: NDArray[np.int32]

    def of(self, keys: Sequence[int]) -> list[NDArray[np.int32]]:
        """The rows that have each."""
        wanted = np.array(keys, np.int64)
        firsts, ends = self.keys.searchsorted(wanted), self.keys.searchsorted(wanted, "right")
        return [self.rows[first:end] for first, end in zip(firsts.tolist(), ends.tolist(), strict=True)]


class Table:
    """Never changed, so that what was read stays true."""

    def __init__(self, hits: Sequence[Hit], *, whole: bool = False) -> None:
        """`hits` without scores. `whole`: there are no others where these are from, and they come by rising id."""
        self.hits = hits
        self.whole = whole
        self.rows = np.arange(len(hits))
        self._columns: dict[Callable[[Sequence[Hit]], Any], Any] = {}
        self._postings: dict[Callable[[Hit], NDArray[np.int64]], Postings] = {}
        self._made: dict[Callable[[Any], Any], Any] = {}

    def column(self, read: Callable[[Sequence[Hit]], Column]) -> Column:
        """What `read` makes of all of them, a row to each; it reads each by itself. Not to be written to."""
        column: Column | None = self._columns.get(read)
        if column is None:
            column = self._columns[read] = read(self.hits)
        return column

    def postings(self, read: Callable[[Hit], NDArray[np.int64]]) -> Postings:
        """Which of them have which of the keys that `read` finds in each."""
        postings = self._postings.get(read)
        if postings is None:
            keys = [read(hit) for hit in self.hits]
            rows = np.arange(len(keys), dtype=np.int32).repeat([len(of) for of in keys])
            postings = self._postings[read] = _in_order(np.concatenate(keys or [_NO_KEYS]), rows)
        return postings

    def once(self, read: Callable[[Given], Read], given: Given) -> Read:
        """What `read` made of what it was first given."""
        made: Read | None = self._made.get(read)
        if made is None:
            made = self._made[read] = read(given)
        return made

    def take(self, rows: Rows) -> "Table":
        """These rows, in this order."""
        table = Table([self.hits[row] for row in rows.tolist()], whole=self.whole)
        place_of = places_of(rows, len(self.hits))
        table._columns = {read: column[rows] for read, column in self._columns.items()}
        for read, postings in self._postings.items():
            places = place_of[postings.rows]
            table._postings[read] = Postings(postings.keys[places >= 0], places[places >= 0])
        return table

    def followed_by(self, other: "Table") -> "Table":
        """The rows of both."""
        table = Table([*self.hits, *other.hits], whole=self.whole)
        table._columns = {read: joined([column, other.column(read)]) for read, column in self._columns.items()}
        for read, postings in self._postings.items():
            others = other.postings(read)
            keys = np.concatenate([postings.keys, others.keys])
            rows = np.concatenate([postings.rows, others.rows + np.int32(len(self.hits))])
            table._postings[read] = _in_order(keys, rows)
        return table


_NO_KEYS = np.zeros(0, np.int64)


def _in_order(keys: NDArray[np.int64], rows: NDArray[np.int32]) -> Postings:
    order = keys.argsort(kind="stable")  # quick where a little is added to what is in order
    return Postings(keys[order], rows[order])


def places_of(rows: Rows, count: int) -> NDArray[np.int32]:
    """Where each of `count` rows is among `rows`; -1 where it is not."""
    places = np.full(count, -1, np.int32)
    places[rows] = np.arange(len(rows), dtype=np.int32)
    return places


def objects(values: Sequence[object]) -> NDArray[np.object_]:
    """As a column: numpy would make a table of what has a length."""
    column = np.empty(len(values), np.object_)
    column[:] = values
    return column


def ids_of(hits: Sequence[Hit]) -> NDArray[np.int64]:
    return np.array([hit.id for hit in hits], np.int64)


def joined(columns: Sequence[Column]) -> Column:
    """One after the other; a single one as it is."""
    if len(columns) == 1:
        return columns[0]
    column: Any = np.concatenate(columns)
    return cast("Column", column)

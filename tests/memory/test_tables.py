"""What is read off memories, beside the same read anew."""

import random
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memory.model import Hit
from memory.tables import Table
from tests.support.hits import a_hit

_WORDS = st.lists(st.sampled_from("abcdef"), max_size=4).map(" ".join)
_CONTENTS = st.lists(_WORDS, max_size=8)


def lengths(hits: Sequence[Hit]) -> NDArray[np.int64]:
    return np.array([len(hit.content) for hit in hits], np.int64)


def words(hit: Hit) -> NDArray[np.int64]:
    return np.array([ord(word) for word in set(hit.content.split())], np.int64)


def told(table: Table) -> tuple[list[int], list[list[int]]]:
    having = table.postings(words).of([ord(word) for word in "abcdefg"])
    return table.column(lengths).tolist(), [sorted(rows.tolist()) for rows in having]


def a_table(contents: Sequence[str]) -> Table:
    return Table([a_hit(id, content) for id, content in enumerate(contents)])


@given(_CONTENTS, _CONTENTS, st.booleans())
def test_what_follows_is_read_as_if_it_had_always_been_there(
    first: list[str], second: list[str], read_before: bool
) -> None:
    table = a_table(first)
    if read_before:
        told(table)

    assert told(table.followed_by(a_table(second))) == told(a_table(first + second))


@given(_CONTENTS, st.randoms(), st.booleans())
def test_what_is_taken_is_read_as_if_there_were_nothing_else(
    contents: list[str], chance: random.Random, read_before: bool
) -> None:
    rows = [row for row in range(len(contents)) if chance.random() < 0.6]
    chance.shuffle(rows)
    table = a_table(contents)
    if read_before:
        told(table)

    assert told(table.take(np.array(rows, np.intp))) == told(a_table([contents[row] for row in rows]))


def test_what_was_read_is_not_read_again() -> None:
    reads = []

    def read(hits: Sequence[Hit]) -> NDArray[np.int64]:
        reads.append(len(hits))
        return lengths(hits)

    table = a_table(["a", "b"])
    table.column(read)
    table.column(read)
    table.followed_by(a_table(["c"])).column(read)

    assert reads == [2, 1]

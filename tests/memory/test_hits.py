import numpy as np
import pytest

from memory.hits import Hits
from memory.tables import Table
from tests.support.hits import a_hit

NAN = float("nan")


def some(table: Table, rows: list[int], dense: list[float], text: list[float]) -> Hits:
    return Hits((table,), np.array(rows, np.intp), np.array(dense), np.array(text))


@pytest.fixture
def table() -> Table:
    return Table([a_hit(id) for id in (1, 2, 3)], whole=True)


def said(hits: Hits) -> list[tuple[int, float | None, float | None]]:
    return sorted((hit.id, hit.dense, hit.text) for hit in hits)


MERGED = [(1, 0.5, None), (2, 0.9, 0.4), (3, None, 0.7)]


def test_of_what_two_searches_of_one_table_say_the_better_counts(table: Table) -> None:
    first, second = some(table, [0, 1], [0.5, 0.1], [NAN, 0.4]), some(table, [1, 2], [0.9, NAN], [0.2, 0.7])

    assert said(first.merged(second)) == said(second.merged(first)) == MERGED


def test_of_what_two_searches_of_other_tables_say_the_better_counts() -> None:
    first = Hits.of([a_hit(1, dense=0.5), a_hit(2, dense=0.1, text=0.4)])
    second = Hits.of([a_hit(2, dense=0.9, text=0.2), a_hit(3, text=0.7)])

    assert said(first.merged(second)) == said(second.merged(first)) == MERGED


def test_all_of_a_whole_table_are_whole_and_fewer_are_not(table: Table) -> None:
    everything = Hits((table,), table.rows)

    assert everything.whole
    assert not everything.take(np.array([0, 2])).whole
    assert everything.take(np.array([0, 2])).merged(everything.take(np.array([1]))).whole
    assert not Hits.of([a_hit(1)]).whole


def test_held_memories_are_the_same_objects_in_every_answer(table: Table) -> None:
    hits = some(table, [2, 0], [0.1, 0.2], [NAN, NAN])

    assert hits.memories[0] is table.hits[2]
    assert (hits[0].id, hits[0].dense) == (3, 0.1)


def test_by_id_they_rise(table: Table) -> None:
    assert said(some(table, [2, 0], [0.3, 0.1], [NAN, NAN]).by_id()) == [(1, 0.1, None), (3, 0.3, None)]
    assert Hits.of([a_hit(9), a_hit(4)]).by_id().ids.tolist() == [4, 9]


def test_what_the_text_leg_found_forgets_the_other(table: Table) -> None:
    assert said(some(table, [0, 1], [0.5, 0.1], [NAN, 0.4]).by_text()) == [(2, None, 0.4)]


def test_a_column_is_that_of_the_hits_in_their_order(table: Table) -> None:
    other = Table([a_hit(7)])

    assert Hits((table, other), np.array([3, 1])).ids.tolist() == [7, 2]

"""What is read off a small scope, beside the same said plainly."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.engines import small
from memory.engines.base import Filter, Neighbourhood, SearchQuery
from memory.engines.held import Shelf
from memory.engines.small import Item, Scope, Small, scopes_of
from memory.engines.words import indexed_words, stems
from memory.model import Memory, hit_of
from tests.contract.examples import NAMESPACE, NOW, TENANT, a_memory, a_vector, matches, unit

ANN = Scope(TENANT, NAMESPACE, "u:ann")
MINE = Filter(tenant=TENANT, namespaces=(NAMESPACE,), owners=("u:ann",))


def an_item(memory: Memory) -> Item:
    return Item(hit_of(memory), stems(indexed_words(memory.content).split()), a_vector(str(memory.id)))


def anns(id: int, content: str = "likes tea", **fields: Any) -> Memory:
    return a_memory(id, content, **({"user_id": "ann"} | fields))


def held(*memories: Memory) -> dict[Scope, Small]:
    return {ANN: Small.of([an_item(memory) for memory in memories])}


_CONTENTS = st.lists(st.sampled_from(["tea", "teas", "green", "coffee", "running", "runs", "寿司"]), max_size=6)
_MEMORIES = st.dictionaries(st.integers(0, 40), _CONTENTS, max_size=25)


@settings(max_examples=40)
@given(before=_MEMORIES, after=_MEMORIES, question=_CONTENTS, limit=st.integers(0, 30))
def test_a_scope_that_changed_answers_as_one_that_always_was_so(
    before: dict[int, list[str]], after: dict[int, list[str]], question: list[str], limit: int
) -> None:
    items = {id: an_item(anns(id, " ".join(words))) for id, words in after.items()}
    ids = before.keys() | after.keys()
    changed = Small.of([an_item(anns(id, " ".join(words))) for id, words in before.items()]).changed(
        ids, [*items.values()]
    )
    query = SearchQuery(text=" ".join(question), vector=a_vector("q"), limit=limit, facts=3)
    assert small.search({ANN: changed}, MINE, query) == small.search({ANN: Small.of(items.values())}, MINE, query)


@pytest.mark.parametrize("field", [field.name for field in msgspec.structs.fields(Filter)])
def test_no_field_of_a_filter_is_passed_over(field: str) -> None:
    """What is set to a value that nothing has either goes to the engine or lets nothing through."""
    narrow: dict[str, Any] = {
        "tenant": "other",
        "current": False,
        "tags": ("x",),
        "categories": ("x",),
        "metadata": {"x": 1},
        "min_confidence": 2.0,
        "created_from": NOW + 10**6,
        "happened_from": NOW + 10**6,
        "created_to": 0,
        "happened_to": 0,
        "source": "imported",
        "states": ("paused",),
    }
    value = narrow.get(field, ("nothing",) if field in ("namespaces", "owners", "types") else "nothing")
    where = msgspec.structs.replace(MINE, **{field: value})
    scopes = scopes_of(where)
    if scopes is not None:
        memories = held(anns(1), anns(2, type="episodic"))
        found = {scope: memories.get(scope, Small.of([])) for scope in scopes}
        assert small.search(found, where, SearchQuery(text="tea", vector=a_vector("q"), facts=9)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"types": ("semantic",)},
        {"min_confidence": 0.5},
        {"run_id": "r"},
        {"user_id": "ann"},
        {"content_hash": anns(1, "coffee").content_hash},
        {"created_from": NOW + 2, "created_to": NOW + 3},
        {"happened_from": NOW + 3},
        {"happened_to": NOW + 2, "states": ("active", "paused")},
    ],
)
def test_a_filter_lets_through_what_it_says(fields: dict[str, Any]) -> None:
    memories = [
        anns(1, "coffee", confidence=0.2),
        anns(2, type="episodic", run_id="r", seq=1),
        anns(3, event_at=NOW),
        anns(4, confidence=0.5, run_id="r", seq=2),
    ]
    where = msgspec.structs.replace(MINE, **fields)
    expected = {memory.id for memory in memories if matches(where, memory)}
    assert 0 < len(expected) <= 4
    hits = small.search(held(*memories), where, SearchQuery(vector=a_vector("q")))
    assert {hit.id for hit in hits} == expected
    around = [Neighbourhood(namespace=NAMESPACE, owner="u:ann", run_id="r", seq=1)]
    turns = small.neighbours(held(*memories), where, around, 1)
    assert {hit.id for hit in turns} == expected & {2, 4}


def test_more_scopes_than_a_look_is_worth_go_to_the_engine() -> None:
    owners = tuple(f"u:{n}" for n in range(small.MOST_SCOPES + 1))
    assert scopes_of(Filter(tenant=TENANT, namespaces=("n",), owners=owners[1:])) is not None
    assert scopes_of(Filter(tenant=TENANT, namespaces=("n",), owners=owners)) is None


def test_a_text_score_is_bm25_over_the_scopes_asked() -> None:
    shared = Scope(TENANT, NAMESPACE, "")
    both = held(anns(1, "green tea"), anns(2, "tea in the tea house")) | {
        shared: Small.of([an_item(a_memory(3, "black coffee, no milk, no sugar"))])
    }
    where = msgspec.structs.replace(MINE, owners=("u:ann", ""))
    found = {hit.id: hit.text for hit in small.search(both, where, SearchQuery(text="Green TEAS?"))}
    lengths, mean = {1: 2, 2: 5}, 13 / 3
    green, tea = np.log1p((3 - 1 + 0.5) / 1.5), np.log1p((3 - 2 + 0.5) / 2.5)

    def share(count: int, id: int) -> float:
        return count * 2.2 / (count + 1.2 * (0.25 + 0.75 * lengths[id] / mean))

    scores = {1: green * share(1, 1) + tea * share(1, 1), 2: tea * share(2, 2)}
    assert found == pytest.approx({id: score / scores[1] for id, score in scores.items()})


def test_among_equals_the_newer_are_taken() -> None:
    equals = [Item(hit_of(anns(id)), ["tea"], unit(a_vector("same"))) for id in range(10)]
    same = {ANN: Small.of(equals)}
    for query in (SearchQuery(text="tea", limit=3), SearchQuery(vector=a_vector("q"), limit=3)):
        assert {hit.id for hit in small.search(same, MINE, query)} == {7, 8, 9}


@settings(max_examples=40)
@given(sizes=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2000)), max_size=40))
def test_a_shelf_never_holds_more_than_its_bytes_and_keeps_what_was_used_last(sizes: list[tuple[int, int]]) -> None:
    shelf: Shelf[int] = Shelf(5000)
    for number, size in sizes:
        scope = Scope(TENANT, NAMESPACE, str(number))
        shelf.put(scope, number, size)
        assert shelf.bytes <= 5000
        assert shelf.get(scope) == number
    for number, _ in sizes:
        shelf.drop(Scope(TENANT, NAMESPACE, str(number)))
    assert (shelf.bytes, len(shelf)) == (0, 0)


def test_what_no_shelf_can_hold_pushes_nothing_out() -> None:
    shelf: Shelf[int] = Shelf(5000)
    shelf.put(ANN, 1, 100)
    bob = ANN._replace(owner="u:bob")
    shelf.put(bob, 2, 5000)
    assert (shelf.get(ANN), shelf.get(bob)) == (1, None)


def test_scopes_that_were_emptied_have_no_neighbours() -> None:
    around = [Neighbourhood(namespace=NAMESPACE, owner="u:ann", run_id="r", seq=1)]
    assert small.neighbours({ANN: Small.of([])}, MINE, around, 1) == []


def test_a_scope_of_few_is_returned_whole_and_of_more_by_the_best() -> None:
    memories = held(*(anns(id, "tea" if id % 2 else "coffee") for id in range(8)))
    query = SearchQuery(text="tea", vector=a_vector("q"), limit=2, whole=8)

    assert len(small.search(memories, MINE, query)) == 8
    assert small.search(memories, MINE, query).whole
    assert len(small.search(memories, MINE, msgspec.structs.replace(query, whole=7))) <= 4
    assert len(small.search(memories, MINE, msgspec.structs.replace(query, vector=None))) == 2


def a_full_shelf() -> Shelf[str]:
    shelf: Shelf[str] = Shelf(10_000)
    for number in range(4):
        scope = ANN._replace(owner=f"u:{number}")
        shelf.look(scope)
        shelf.put(scope, scope.owner, 2000)
    return shelf


def test_a_round_through_more_than_fits_pushes_nothing_out() -> None:
    shelf = a_full_shelf()
    found = 0
    for _ in range(20):
        for number in range(8):
            scope = ANN._replace(owner=f"u:{number}")
            if shelf.look(scope) is not None:
                found += 1
            elif shelf.has_room_for(scope):
                shelf.put(scope, scope.owner, 2000)
    assert found >= 20 * 3


def test_what_is_wanted_more_often_takes_the_room_of_what_was_used_longest_ago() -> None:
    shelf = a_full_shelf()
    bob = ANN._replace(owner="u:bob")
    looks = 0
    while shelf.look(bob) is None and looks < 5:
        looks += 1
        if shelf.has_room_for(bob):
            shelf.put(bob, "bob", 2000)
    assert (looks, shelf.get(bob), shelf.get(ANN._replace(owner="u:0"))) == (2, "bob", None)


def test_what_was_used_long_ago_makes_room() -> None:
    shelf = a_full_shelf()
    for _ in range(1000):
        shelf.look(ANN._replace(owner="u:0"))
    bob = ANN._replace(owner="u:bob")
    for number in range(100_000):
        shelf.look(ANN._replace(owner=f"u:{number % 3 + 1}"))
    for _ in range(3):
        shelf.look(bob)
    assert shelf.has_room_for(bob)

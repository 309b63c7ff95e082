import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.engines.base import Filter, SearchQuery
from memory.engines.redis import rarity
from memory.engines.redis.engine import RedisEngine
from memory.engines.redis.policy import Size
from memory.engines.redis.rarity import Rarity
from tests.contract.examples import TENANT, a_record
from tests.contract.examples import given as stored

COUNTS = {"the": 90_000, "house": 3_000, "lark": 40, "zyx": 0}
LARGE = Size(matches=100_000, total=100_000)


@pytest.fixture
def known() -> Rarity:
    known = Rarity()
    assert known.unknown(list(COUNTS), LARGE) == list(COUNTS)
    known.learn(list(COUNTS), [[count] for count in COUNTS.values()])
    return known


def test_in_a_large_scope_the_common_words_do_not_choose(known: Rarity) -> None:
    assert known.choosing(["the", "lark", "house", "zyx"], LARGE) == ["zyx", "lark", "house"]


def test_where_all_are_common_the_rarest_chooses(known: Rarity) -> None:
    assert known.choosing(["the"], LARGE) == ["the"]


def test_a_word_that_was_nowhere_chooses_too_but_never_alone_where_another_is_somewhere(known: Rarity) -> None:
    assert known.choosing(["the", "zyx"], LARGE) == ["zyx", "the"]
    assert known.choosing(["zyx"], LARGE) == ["zyx"]


def test_in_a_small_scope_all_words_choose_and_none_is_counted(known: Rarity) -> None:
    small = Size(matches=500, total=100_000)
    assert known.choosing(["the", "lark"], small) == ["the", "lark"]
    assert known.unknown(["new"], small) == []


def test_a_scope_that_is_a_part_of_the_index_is_charged_its_part_of_a_word(known: Rarity) -> None:
    assert known.choosing(["the", "house"], LARGE) == ["house"]
    assert known.choosing(["the", "house"], Size(matches=2_100, total=100_000)) == ["house", "the"]


def test_words_are_counted_anew_when_the_index_has_grown(known: Rarity) -> None:
    assert known.unknown(["the"], Size(matches=105_000, total=105_000)) == []
    assert known.unknown(["the"], Size(matches=115_000, total=115_000)) == ["the"]


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 10_000), min_size=1))
def test_some_word_always_chooses_and_none_that_is_commoner_than_one_left_out(counts: dict[str, int]) -> None:
    found = Rarity()
    size = Size(matches=10_000, total=10_000)
    found.unknown(list(counts), size)
    found.learn(list(counts), [[count] for count in counts.values()])
    chosen = found.choosing(list(counts), size)
    left = counts.keys() - set(chosen)
    assert chosen
    assert max(counts[word] for word in chosen) <= min((counts[word] for word in left), default=10_000)


async def test_what_has_a_rare_word_is_scored_by_its_common_words_too(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine._schema.wait(engine._schema.generation)  # else words are counted twice for a while
    monkeypatch.setattr(rarity, "_BUDGET", 20)
    await stored(
        engine,
        *(a_record(id, f"common filler {id}") for id in range(100)),
        a_record(200, "common lark"),
        a_record(201, "another lark"),
    )
    where, query = Filter(tenant=TENANT), SearchQuery(text="common lark", limit=200)
    searches = [{hit.id: hit.text for hit in await engine.memories.search(where, query)} for _ in range(3)]
    assert len(searches[0]) == 102
    assert list(searches[-1]) == [200, 201]
    assert searches[-1] == pytest.approx({id: searches[0][id] for id in (200, 201)})


async def test_a_word_that_was_nowhere_is_found_as_soon_as_a_memory_has_it(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine._schema.wait(engine._schema.generation)
    monkeypatch.setattr(rarity, "_BUDGET", 20)
    await stored(
        engine, *(a_record(id, f"common filler {id}") for id in range(100)), a_record(200, "a lark in the morning")
    )
    where, query = Filter(tenant=TENANT), SearchQuery(text="lark zanzibar", limit=200)
    for _ in range(2):
        assert [hit.id for hit in await engine.memories.search(where, query)] == [200]
    await stored(engine, a_record(201, "off to Zanzibar"))
    assert {hit.id for hit in await engine.memories.search(where, query)} == {200, 201}

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.hits import Hits
from memory.retrieval.distinct import distinct, essence, spread
from tests.support.hits import a_hit, ranked


def kept_of(texts: list[str]) -> list[int]:
    return list(distinct(Hits.of(a_hit(id, text) for id, text in enumerate(texts)), range(len(texts))))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I like tea.", "i like  tea"),
        ("I like the tea!", "I really like tea"),
        ("Oh, I like tea", "I like tea."),
        ("Don\u2019t call me", "don't call me."),
        ("\u201eJa\u201c, sagte sie", "ja sagte sie"),
    ],
)
def test_one_utterance_in_two_spellings_is_one(one: str, other: str) -> None:
    assert kept_of([one, other]) == [0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I like tea.", "I do not like tea."),
        ("I can eat nuts", "I can't eat nuts"),
        ("It costs 1.5 euros", "It costs 15 euros"),
        ("It is -5 degrees", "It is 5 degrees"),
        ("Version .5 runs", "Version 5 runs"),
        ("Ada likes tea", "Bob likes tea"),
        ("My dog is ill", "His dog is ill"),
        ("Ada beats Bob", "Bob beats Ada"),
        ("You like tea.", "You like tea?"),
        ("I take vitamin A daily", "I take vitamin daily"),
        ("Ich esse Fleisch", "Ich esse kein Fleisch"),
        ("Always call me", "Never call me"),
    ],
)
def test_two_facts_that_differ_in_one_word_are_two(one: str, other: str) -> None:
    assert kept_of([one, other]) == [0, 1]


@given(st.lists(st.text(alphabet="ab .!?5", max_size=6), max_size=12))
def test_of_those_that_say_the_same_exactly_the_first_is_kept(texts: list[str]) -> None:
    kept = kept_of(texts)

    told = [" ".join(texts[at].split()).casefold() for at in kept]
    assert len(set(told)) == len(told)
    assert {essence(texts[at]) for at in kept} == {essence(text) for text in texts}


def test_long_texts_that_end_alike_are_told_apart_in_a_moment() -> None:
    texts = [f"{number:03} " + "once more, with feeling; " * 400 for number in range(100)]
    begin = time.process_time()
    assert kept_of(texts) == list(range(100))
    assert time.process_time() - begin < 2.0  # each is read once; each beside each other would take ten


def test_without_diversity_nothing_changes_places() -> None:
    found = [ranked(a_hit(1, "a b"), 0.9), ranked(a_hit(2, "a b c"), 0.5)]

    assert [(one.hit.id, one.score) for one in spread(found, 0.0)] == [(1, 0.9), (2, 0.5)]
    assert spread([], 1.0) == []


def test_what_is_lost_by_likeness_stands_among_the_reasons() -> None:
    [_, second] = spread([ranked(a_hit(1, "a b"), 0.9), ranked(a_hit(2, "b a c"), 0.6)], 0.5)

    assert second.score == pytest.approx(0.6 * (1 - 0.5 * 2 / 3))
    assert second.reasons["diversity"] == pytest.approx(-0.2)

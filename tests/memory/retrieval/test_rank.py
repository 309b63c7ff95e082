from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Retrieval
from memory.hits import Hits
from memory.model import Hit
from memory.retrieval.rank import rank
from memory.retrieval.ranked import Ranked, Steer
from memory.retrieval.words import Wanted
from tests.support.hits import a_hit, a_turn
from tests.support.services import START

WEIGHTS = Retrieval()
NO_STEER = Steer()


def ranking(hits: list[Hit], query: str = "peanuts", **given: Any) -> list[Ranked]:
    usual: dict[str, Any] = {"weights": WEIGHTS, "now": START, "steer": NO_STEER}
    return rank(Hits.of(hits), Wanted(query), **usual | given)


def order(hits: list[Hit], query: str = "peanuts", **given: Any) -> list[int]:
    return [one.hit.id for one in ranking(hits, query, **given)]


def test_the_better_match_comes_first() -> None:
    hits = [a_hit(1, "a", dense=0.2, text=0.3), a_hit(2, "b", dense=0.6, text=1.0), a_hit(3, "c", dense=0.5)]

    assert order(hits)[0] == 2


def test_ties_go_to_the_newer_id() -> None:
    hits = [a_hit(id, f"text {id}", dense=0.5) for id in (2, 9, 4)]

    assert order(hits) == [9, 4, 2]


def test_equal_texts_are_told_once() -> None:
    hits = [a_hit(1, "I like tea.", dense=0.5), a_hit(2, "i like  tea.", dense=0.4), a_hit(3, "coffee", dense=0.1)]

    assert order(hits) == [1, 3]


def test_one_utterance_is_told_once_and_another_fact_beside_it() -> None:
    hits = [
        a_hit(1, "I really like the tea", dense=0.5),
        a_hit(2, "I like tea!", dense=0.4),
        a_hit(3, "I don't like tea.", dense=0.3),
    ]

    assert order(hits) == [1, 3]


def test_what_says_just_what_the_query_says_comes_first() -> None:
    hits = [a_hit(1, "Peanuts, peanuts!", dense=0.9, text=1.0), a_hit(2, "I eat peanuts", dense=0.1)]

    [first, *_] = ranking(hits, "i eat  peanuts")

    assert first.hit.id == 2
    assert "exact" in first.reasons


def test_a_question_asked_again_is_not_its_own_answer() -> None:
    hits = [a_turn(1, "What do I eat?", dense=1.0, text=1.0), a_turn(2, "Peanuts.")]

    assert "exact" not in ranking(hits, "What do I eat?")[0].reasons


def test_a_question_of_when_favours_what_names_a_time() -> None:
    hits = [a_hit(1, "We met in July.", dense=0.5), a_hit(2, "We met in Rome.", dense=0.51)]

    assert order(hits, "where did we meet") == [2, 1]
    assert order(hits, "when did we meet") == [1, 2]


def test_diversity_asked_for_puts_something_else_before_more_of_the_same() -> None:
    hits = [
        a_hit(1, "Ada likes green tea in the morning", dense=0.9),
        a_hit(2, "Ada likes green tea in the evening", dense=0.8),
        a_hit(3, "Bob sold his old car", dense=0.7),
    ]

    assert order(hits, "zzz") == [1, 2, 3]
    assert order(hits, "zzz", weights=Retrieval(diversity=0.7)) == [1, 3, 2]


def test_nothing_below_the_threshold_is_returned() -> None:
    hits = [a_hit(1, "a", dense=0.6), a_hit(2, "b", dense=0.1)]

    assert order(hits, min_score=0.5) == [1]


def test_what_loses_by_likeness_may_fall_below_the_threshold() -> None:
    hits = [a_hit(1, "Ada likes green tea", dense=0.6), a_hit(2, "Ada likes black tea", dense=0.59)]

    assert order(hits, "zzz", min_score=0.6) == [1, 2]
    assert order(hits, "zzz", min_score=0.6, weights=Retrieval(diversity=0.7)) == [1]


def test_a_query_that_nothing_answers_scores_low() -> None:
    unrelated = ranking([a_hit(1, "Likes tea.", dense=0.18)], "quantum entanglement")
    related = ranking([a_hit(1, "Is allergic to peanuts.", dense=0.58, text=1.0)], "allergic to nuts")

    assert unrelated[0].score < 0.3
    assert related[0].score >= 0.7


def test_a_turn_beside_a_match_is_found_with_its_reason() -> None:
    hits = [a_turn(5, "What are you allergic to?", dense=0.6, text=1.0), a_turn(6, "Peanuts."), a_turn(20, "Bye.")]

    answer = next(one for one in ranking(hits) if one.hit.seq == 6)

    assert set(answer.reasons) >= {"neighbours", "session"}
    assert {"vector", "text"}.isdisjoint(answer.reasons)
    assert order(hits).index(6) < order(hits).index(20)


def test_an_asked_for_kind_is_raised() -> None:
    hits = [a_hit(1, "a", dense=0.5), a_hit(2, "b", dense=0.48, type="procedural")]

    assert order(hits) == [1, 2]
    assert order(hits, steer=Steer(kinds=frozenset({"procedural"}))) == [2, 1]


def test_the_time_that_is_named_counts() -> None:
    hits = [a_hit(1, "a", dense=0.5, happened_at=100), a_hit(2, "b", dense=0.4, happened_at=5000)]

    assert order(hits, steer=Steer(happened=(4000, 6000))) == [2, 1]


def test_being_new_makes_no_memory_relevant() -> None:
    old = a_hit(1, "a", dense=0.5, text=1.0, happened_at=0)
    new = a_hit(2, "b", dense=0.1, happened_at=START, access_count=1000)

    assert order([old, new], steer=Steer(newest=True)) == [1, 2]


def test_a_weight_of_nought_silences_its_signal() -> None:
    hits = [a_hit(1, "a", dense=0.6), a_hit(2, "b", text=1.0)]

    for weights in (Retrieval(text_weight=0.0), Retrieval(vector_weight=0.0)):
        named = "text" if weights.text_weight == 0 else "vector"
        assert all(named not in one.reasons for one in ranking(hits, weights=weights))


def test_without_hits_there_is_no_ranking() -> None:
    assert ranking([]) == []


def test_without_any_evidence_the_newest_come_first() -> None:
    assert order([a_hit(1, "a"), a_hit(2, "b")], "") == [2, 1]


score = st.none() | st.floats(-1, 1)
hits = st.builds(
    lambda id, turn, dense, text, seq, run, age, kind: a_hit(
        id,
        f"content {id % 7}",
        type="episodic" if turn else kind,
        run_id=run if turn else None,
        seq=seq if turn else None,
        dense=dense,
        text=None if text is None else abs(text),
        happened_at=START - age,
    ),
    st.integers(0, 2**53 - 1),
    st.booleans(),
    score,
    score,
    st.integers(1, 12),
    st.sampled_from(["a", "b"]),
    st.integers(-(10**9), 10**12),
    st.sampled_from(["semantic", "working", "procedural"]),
)
found = st.lists(hits, max_size=25, unique_by=(lambda hit: hit.id, lambda hit: (hit.run_id, hit.seq or hit.id)))
weights = st.builds(
    Retrieval,
    diversity=st.sampled_from([0.0, 0.5, 1.0]),
    **{name: st.floats(0, 10) for name in ("vector_weight", "session_weight", "question_weight")},
)


@given(hits=found, weights=weights, query=st.sampled_from(["", "content 3", "who", "zzz"]))
def test_scores_fall_lie_in_bounds_and_are_the_sum_of_their_reasons(
    hits: list[Hit], weights: Retrieval, query: str
) -> None:
    result = ranking(hits, query, weights=weights, steer=Steer(happened=(0, START), newest=True))

    scores = [one.score for one in result]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    for one in result:
        assert one.score == pytest.approx(min(max(sum(one.reasons.values()), 0), 1), abs=1e-9)
    assert len({one.hit.content_hash for one in result}) == len(result)


@given(hits=found, seed=st.randoms())
def test_the_order_of_the_hits_makes_no_difference(hits: list[Hit], seed: Any) -> None:
    shuffled = list(hits)
    seed.shuffle(shuffled)

    assert [(one.hit.id, one.score) for one in ranking(hits)] == [(one.hit.id, one.score) for one in ranking(shuffled)]

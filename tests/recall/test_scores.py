from typing import Any

import pytest
from msgspec import structs

from tests.recall.application import Stored
from tests.recall.corpus import Question
from tests.recall.floor import EVIDENCE, RECALL, broken
from tests.recall.scores import Figures, by_category, figures, judged, over

QUESTION = Question(user="ada", text="Where?", category="multi-hop", evidence=frozenset(("ada/1", "ada/2")))
STORED = Stored(
    names={"m1": "ada/1", "m2": "ada/2", "m3": "ada/3", "m4": "bob/1"},
    texts={"ada/1": "In  Ghent, by the river.", "ada/2": "Then in Porto.", "ada/3": "No.", "bob/1": "In Turin."},
    users={"m1": "ada", "m2": "ada", "m3": "ada", "m4": "bob", "m5": "ada"},
    outdated=frozenset({"m5"}),
    former={"ada/1": ["I live in Turin."]},
)
GOOD = Figures(
    questions=1,
    recall=dict.fromkeys(RECALL, 100.0),
    evidence=dict.fromkeys(EVIDENCE, 100.0),
    wrong_user=0,
    outdated=0,
    over_budget=0,
    misleading=0,
)


def a_context(content: str, *ids: str, token_count: int = 50) -> dict[str, Any]:
    return {"content": content, "token_count": token_count, "memories": [{"id": id} for id in ids]}


def test_recall_is_the_share_of_the_evidence_among_the_first() -> None:
    given = judged(QUESTION, ["m3", "m1", "m2"], {}, STORED, (1, 2, 3))
    assert given.recall == {1: 0, 2: 0.5, 3: 1}


def test_evidence_counts_in_a_context_only_where_its_text_stands_there() -> None:
    listed = a_context("- In Ghent, by the river.\n", "m1", "m2")
    assert judged(QUESTION, [], {512: listed}, STORED, ()).evidence == {512: 0.5}


@pytest.mark.parametrize("id", ["m4", "unknown"])
def test_what_is_not_known_to_be_the_users_is_anothers(id: str) -> None:
    assert judged(QUESTION, ["m1", id], {}, STORED, ()).wrong_user == 1
    assert judged(QUESTION, [], {512: a_context("", id)}, STORED, ()).wrong_user == 1


def test_an_outdated_fact_counts_wherever_it_is_returned() -> None:
    assert judged(QUESTION, ["m5"], {512: a_context("", "m5")}, STORED, ()).outdated == 2


@pytest.mark.parametrize(
    ("content", "expected"),
    [("I live in Turin.", 1), ("I live in Turin. In Ghent, by the river.", 0), ("Hello.", 0)],
    ids=["former alone", "with the news", "neither"],
)
def test_a_context_misleads_that_tells_what_was_said_formerly_and_not_what_holds(content: str, expected: int) -> None:
    assert judged(QUESTION, [], {512: a_context(content, "m1")}, STORED, ()).misleading == expected


@pytest.mark.parametrize(
    ("token_count", "budget", "expected"), [(5, 5, False), (6, 5, True), (2, 5, True)], ids=["fits", "over", "belied"]
)
def test_a_context_is_over_its_budget_by_its_own_count_or_by_its_words(
    token_count: int, budget: int, expected: bool
) -> None:
    assert over(a_context("one two three", token_count=token_count), budget) is expected


def test_figures_are_means_and_sums_of_the_answers() -> None:
    found = judged(QUESTION, ["m1", "m2"], {}, STORED, (5,))
    missed = structs.replace(judged(QUESTION, ["m4"], {}, STORED, (5,)), category="temporal")
    assert figures([found, missed]).recall == {5: 50}
    assert figures([found, missed]).wrong_user == 1
    assert {name: of.recall[5] for name, of in by_category([found, missed]).items()} == {
        "multi-hop": 100,
        "temporal": 0,
    }


def test_what_is_above_the_floor_breaks_nothing() -> None:
    assert broken(GOOD) == []


@pytest.mark.parametrize(
    ("worse", "told"),
    [
        ({"recall": GOOD.recall | {10: RECALL[10] - 0.1}}, "recall@10"),
        ({"evidence": dict.fromkeys(EVIDENCE, 0.0)}, "of the evidence"),
        ({"wrong_user": 1}, "other users"),
        ({"outdated": 1}, "outdated facts"),
        ({"over_budget": 1}, "over their budget"),
    ],
)
def test_each_floor_can_break(worse: dict[str, Any], told: str) -> None:
    [sentence] = broken(structs.replace(GOOD, **worse))
    assert told in sentence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.extraction.facts import Correction, Fact
from memory.extraction.rules.extract import STATEMENTS, extract
from memory.extraction.rules.sentences import clauses, negates, plain, sentences
from memory.extraction.rules.statement import may_open, opening_of
from tests.memory.extraction.quality import SETS, labelled
from tests.memory.extraction.rules.examples import NOTHING, STATED


def facts(text: str) -> list[Fact]:
    return [finding for finding in extract([text]) if isinstance(finding, Fact)]


@pytest.mark.parametrize(("text", "content", "slot"), STATED)
def test_what_the_user_says_of_themself_is_a_fact(text: str, content: str, slot: str | None) -> None:
    assert (content, slot) in [(fact.content, fact.slot) for fact in facts(text)]


@pytest.mark.parametrize("text", NOTHING)
def test_what_they_do_not_say_of_themself_is_none(text: str) -> None:
    assert extract([text]) == []


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("Actually it's Porto, not Lisbon.", "Porto", "Lisbon"),
        ("No, Porto, not Lisbon", "Porto", "Lisbon"),
        ("Sorry, I meant Porto, not Lisbon.", "Porto", "Lisbon"),
        ("Correction: not Lisbon but Porto.", "Porto", "Lisbon"),
        ("Wait, it isn't Lisbon, it's Porto.", "Porto", "Lisbon"),
    ],
)
def test_a_correction_names_right_and_wrong(text: str, right: str, wrong: str) -> None:
    assert extract([text]) == [Correction(right=right, wrong=wrong)]


@pytest.mark.parametrize("text", ["It's hot, not cold.", "Sorry, not now but later.", "Actually I am not sure."])
def test_what_only_sounds_like_a_correction_is_none(text: str) -> None:
    assert [
        finding for finding in extract([text]) if isinstance(finding, Correction) and finding.right != "later"
    ] == []


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("My name is Anna.", "identity"),
        ("I live in Porto.", "fact"),
        ("I love jazz.", "preference"),
        ("Always answer in French.", "instruction"),
    ],
)
def test_facts_have_a_category(text: str, category: str) -> None:
    assert [fact.category for fact in facts(text)] == [category]


def test_no_statement_is_passed_over_for_how_a_clause_begins() -> None:
    said = [text for text, *_ in STATED] + [message.text for name in SETS for message in labelled(name)]
    for clause in {part for text in said for sentence in sentences(text) for part in clauses(plain(sentence))}:
        for statement in STATEMENTS:
            if statement.pattern.match(clause):
                assert may_open(statement, opening_of(clause)), (clause, statement.pattern.pattern)


def test_each_fact_comes_once() -> None:
    assert len(facts("I love jazz. I love jazz! i love jazz")) == 1


def test_what_was_asked_to_be_remembered_is_certain() -> None:
    assert [fact.confidence for fact in facts("Remember that I live in Porto.")] == [1.0]


_SUBJECTS = [
    "I like",
    "I love",
    "I eat",
    "I drink",
    "I want",
    "I live in",
    "I work at",
    "I'm allergic to",
    "I speak",
    "I use",
]
_NEGATIONS = ["I don't like", "I never want", "I no longer like", "I don't eat", "I never drink", "I'm not allergic to"]
_NEGATIONS += [
    "I don't live in",
    "I no longer work at",
    "I don't speak",
    "I can't eat",
    "I'm not a fan of",
    "I can't stand",
]
_THINGS = ["Porto", "mushrooms", "sushi", "German", "coffee", "cats", "jazz", "milk"]
_JOINTS = [". ", " and ", ", and ", " but ", "; ", " because ", ", so ", " or ", "\n"]
_STATEMENTS = st.tuples(st.sampled_from(_SUBJECTS + _NEGATIONS), st.sampled_from(_THINGS)).map(" ".join)


@given(st.lists(st.tuples(_STATEMENTS, st.sampled_from(_JOINTS)), min_size=1, max_size=5))
def test_polarity_is_never_inverted(said: list[tuple[str, str]]) -> None:
    """For each thing that is in one statement alone: a fact that names it is negated if and only if that one is."""
    text = "".join(statement + joint for statement, joint in said)
    for fact in facts(text):
        named = [thing for thing in _THINGS if thing in fact.content]
        if len(named) != 1:
            continue
        about = [statement for statement, _ in said if named[0] in statement]
        if len(about) == 1:
            assert negates(fact.content) == negates(about[0]), (text, fact.content)


@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(text: str) -> None:
    extract([text])

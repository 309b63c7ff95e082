"""How good rule extraction is on messages that were labelled before it saw them (the rules were mended since, so the
floors here guard against getting worse; they measure nothing new)."""

import time
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from memory.extraction.exchange import MAX_CHARACTERS
from memory.extraction.facts import Fact
from memory.extraction.rules.extract import extract
from memory.extraction.rules.sentences import negates


class Labelled(Struct):
    text: str
    facts: list[str]
    """Of each fact to be found, a part in lower case; none: nothing may be found."""


class Score(Struct):
    right: int = 0
    wrong: int = 0
    missed: int = 0
    inverted: int = 0


def messages() -> list[Labelled]:
    lines = Path(__file__).with_name("labelled.jsonl").read_bytes()
    return [msgspec.json.decode(line, type=Labelled) for line in lines.splitlines()]


@pytest.fixture(scope="module")
def score() -> Score:
    total = Score()
    for message in messages():
        contents = [fact.content.lower() for fact in extract([message.text]) if isinstance(fact, Fact)]
        for content in contents:
            expected = [part for part in message.facts if part in content]
            total.right += bool(expected)
            total.wrong += not expected
            total.inverted += any(negates(part) and not negates(content) for part in expected)
        total.missed += sum(not any(part in content for content in contents) for part in message.facts)
    return total


def test_nineteen_of_twenty_facts_are_right(score: Score) -> None:
    assert score.right + score.wrong > 250
    assert score.right / (score.right + score.wrong) >= 0.95


def test_no_fact_is_inverted(score: Score) -> None:
    assert score.inverted == 0


def test_most_facts_are_found(score: Score) -> None:
    assert score.right / (score.right + score.missed) >= 0.9


@pytest.mark.parametrize(
    "unit",
    [
        "I ",
        "I am ",
        "I love a and ",
        "my ",
        "the ",
        '"',
        "a, ",
        "I live in ",
        "please can you ",
        "not ",
        "x: ",
        "1. ",
        "?",
        "“",
    ],
)
def test_a_long_message_is_read_in_a_moment(unit: str) -> None:
    begin = time.process_time()
    extract([unit * (MAX_CHARACTERS // len(unit)), (unit * 60 + ". ") * 40])
    assert time.process_time() - begin < 2.0  # it takes some 50 ms; backtracking would take minutes

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.extraction.rules.caseless import Caseless


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"I live in (?P<x>\w+)", "i LIVE in Porto", "Porto"),
        (r"(?P<x>\S+)\W+\d", "Apt. 5", "Apt."),
        (r"(?P<x>[A-ZÀ-Þ]\w+)$", "porto", "porto"),
        (r"(?P<x>(?-i:may)) come", "may COME", "may"),
    ],
)
def test_letters_match_whatever_their_case(pattern: str, text: str, found: str) -> None:
    match = Caseless(pattern).match(text)
    assert match is not None
    assert match["x"] == found


def test_a_part_that_minds_case_still_does() -> None:
    assert Caseless(r"(?-i:may)\b").search("In May") is None


@given(st.sampled_from(["I|my", r"\bno\B", r"[^A-F]x", "É|ß", r"(?!I)\w"]), st.text("iImyMYnoNO xXéÉßfF"))
def test_it_finds_what_ignoring_case_finds(pattern: str, text: str) -> None:
    expected = re.compile(pattern, re.IGNORECASE).search(text)
    found = Caseless(pattern).search(text)
    assert (found and found.span()) == (expected and expected.span())

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.hits import Hits
from memory.retrieval.speakers import without_speakers
from tests.support.hits import a_hit

TALK = ["Maren: You too.", "Jonas Klein: Yes.", "Maren: Bye!", "Jonas Klein: No."]


def turns(*contents: str) -> Hits:
    return Hits.of(a_hit(number, content=content, type="episodic") for number, content in enumerate(contents, 1))


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("What is Maren's dog called?", "What is dog called?"),
        ("what did jonas tell Maren about Berlin?", "what did tell about Berlin?"),
        ("Wie heißt Marens Hund?", "Wie heißt Hund?"),
    ],
)
def test_names_of_speakers_are_left_out(query: str, rest: str) -> None:
    assert without_speakers(query, turns(*TALK)) == rest


@pytest.mark.parametrize("query", ["Who is Maren?", "What did we say of Berlin?", "Marenka's dog", ""])
def test_a_query_that_names_nobody_else_or_nothing_else_stays(query: str) -> None:
    assert without_speakers(query, turns(*TALK)) == query


@pytest.mark.parametrize(
    "contents",
    [
        ["Maren: You too."],
        ["Maren is here", "Maren is there"],
        ["at about 10:30 Maren left", "at about 10:30 Maren left"],
        ["What I told Maren about: this", "What I told Maren about: that"],
    ],
)
def test_who_is_no_speaker_stays(contents: list[str]) -> None:
    assert without_speakers("What is Maren's dog called?", turns(*contents)) == "What is Maren's dog called?"


@given(st.text(), st.lists(st.text(max_size=20)))
def test_a_query_never_ends_up_empty(query: str, contents: list[str]) -> None:
    rest = without_speakers(query, turns(*contents, *contents))
    assert rest == query or rest.strip()

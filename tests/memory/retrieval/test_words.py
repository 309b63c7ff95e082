import pytest

from memory.retrieval.words import telling


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("What food should I avoid?", "food avoid"),
        ("When did Caroline go to the LGBTQ support group?", "Caroline go LGBTQ support group"),
        ("Wo wohnt Müller?", "Wo wohnt Müller"),
        ("私はどこに住んでいますか", "私はどこに住んでいますか"),
    ],
)
def test_function_words_are_left_out(query: str, words: str) -> None:
    assert telling(query) == words


@pytest.mark.parametrize("query", ["Who am I?", "", "?!"])
def test_a_query_of_nothing_else_stays_as_it_is(query: str) -> None:
    assert telling(query) == query

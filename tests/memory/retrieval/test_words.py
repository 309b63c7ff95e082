import pytest

from memory.retrieval.words import stems, telling


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


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("What did Caroline paint?", ["carol", "paint"]),
        ("painting and painted", ["paint"]),
        ("Müllers Straße", ["mülle", "stras"]),
        ("寿司屋 sushi", ["寿司", "司屋", "sushi"]),
        ("", []),
    ],
)
def test_stems_are_the_beginnings_of_telling_words(query: str, found: list[str]) -> None:
    assert stems(query) == found


def test_of_a_long_query_some_stems_are_enough() -> None:
    assert len(stems(" ".join(f"w{number}" for number in range(500)))) == 32

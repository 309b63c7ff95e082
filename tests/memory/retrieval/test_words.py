import pytest

from memory.hits import Hits
from memory.retrieval.words import Wanted, beginnings, holds, telling
from tests.support.hits import a_hit


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
        ("What did Caroline paint?", [("caroli",), ("paint",)]),
        ("painting and painted", [("paint",)]),
        ("hobbies running", [("hobb",), ("run",)]),
        ("Müllers Straße", [("müller",), ("stras",)]),
        ("寿司屋 sushi", [("寿司",), ("司屋",), ("sushi",)]),
        ("bought", [("buy", "bought")]),
        ("", []),
    ],
)
def test_the_words_of_a_query_are_known_by_what_their_forms_begin_with(
    query: str, found: list[tuple[str, ...]]
) -> None:
    assert beginnings(query) == found


@pytest.mark.parametrize(
    ("text", "query", "held"),
    [
        ("two cats", "cat", True),
        ("a category", "cat", False),
        ("the party", "art", False),
        ("party art", "art", True),
        ("she wrote it", "What does she write?", True),
        ("my hobby", "hobbies", True),
        ("好きな寿司", "寿司", True),
        ("", "cat", False),
    ],
)
def test_a_text_holds_a_word_that_begins_like_it(text: str, query: str, held: bool) -> None:
    assert holds(text, beginnings(query)[0]) is held


def test_of_a_long_query_some_words_are_enough() -> None:
    assert len(beginnings(" ".join(f"w{number}" for number in range(500)))) == 32


def test_each_hit_has_the_words_that_it_holds() -> None:
    hits = Hits.of([a_hit(1, "green"), a_hit(2, "tea"), a_hit(3, "no word"), a_hit(4, "Green teas")])

    assert Wanted("green tea").held(hits).tolist() == [[1, 0, 0, 1], [0, 1, 0, 1]]


@pytest.mark.parametrize("query", ["green", "寿司"])
def test_a_long_text_is_searched_like_a_short_one(query: str) -> None:
    long = f"{'so much to say, ' * 30}{query}!"

    assert Wanted(query).held(Hits.of([a_hit(1, long), a_hit(2, "so much"), a_hit(3, query)])).tolist() == [[1, 0, 1]]

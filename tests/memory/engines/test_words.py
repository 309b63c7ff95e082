from hypothesis import given
from hypothesis import strategies as st

from memory.engines.words import indexed_words, query_words


def test_case_width_and_accents_are_folded() -> None:
    assert indexed_words("Café \uff26\uff2f\uff2f Straße Ünïcode") == "cafe foo strasse unicode"


def test_a_query_keeps_each_word_once_in_order() -> None:
    assert query_words("the cat, the dog; the Cat") == ["the", "cat", "dog"]


def test_a_query_stops_at_its_limit() -> None:
    assert query_words("a b c d", limit=2) == ["a", "b"]


def test_an_unspaced_script_counts_as_pairs() -> None:
    assert query_words("寿司屋") == ["寿司", "司屋"]


def test_a_question_of_one_character_is_found_in_what_is_indexed() -> None:
    assert query_words("猫") == ["猫"]
    assert "猫" in indexed_words("白い猫です").split()


def test_spaced_words_inside_an_unspaced_run_stay_whole() -> None:
    assert query_words("東京tower") == ["東京", "tower"]


def test_indic_words_are_not_cut_at_their_vowel_signs() -> None:
    assert query_words("हिन्दी भाषा।") == ["हिन्दी", "भाषा"]


@given(st.text())
def test_words_hold_no_white_space_quotes_or_operators(text: str) -> None:
    assert not set(indexed_words(text)) & set("\"'*:|(){}[]^-+~@%\\,.\n\t\0")


@given(st.text())
def test_every_query_word_is_among_the_indexed_words_of_the_same_text(text: str) -> None:
    assert set(query_words(text)) <= set(indexed_words(text).split())

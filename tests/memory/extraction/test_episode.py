from hypothesis import given
from hypothesis import strategies as st

from memory.extraction.episode import pieces, transcript
from tests.memory.extraction.lessons import an_exchange


def test_a_transcript_names_who_said_what() -> None:
    assert transcript(an_exchange("one", "two", answer=" three ")) == "User: one\nUser: two\nAssistant: three"


def test_an_empty_answer_leaves_no_line() -> None:
    assert transcript(an_exchange("one", answer=" ")) == "User: one"


def test_a_long_text_is_cut_at_paragraphs_before_words() -> None:
    assert pieces("a b c d e f\n\ng h", 14) == ["a b c d e f", "g h"]


@given(st.text(), st.integers(min_value=4, max_value=60))
def test_pieces_keep_every_word_within_the_limit(text: str, limit: int) -> None:
    parts = pieces(text, limit)
    assert all(0 < len(part.encode()) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())

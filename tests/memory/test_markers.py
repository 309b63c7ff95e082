import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.markers import BLOCK_CLOSE, BLOCK_OPEN, neutralise, strip_blocks


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"{BLOCK_OPEN}\nmemory\n{BLOCK_CLOSE}\n\nhello", "hello"),
        (f"hello\n\n{BLOCK_OPEN}memory{BLOCK_CLOSE}", "hello"),
        (f"a {BLOCK_OPEN}x{BLOCK_CLOSE} b {BLOCK_OPEN}y{BLOCK_CLOSE} c", "a  b  c"),
        (f"hello {BLOCK_OPEN} cut off", "hello"),
        ("  no block  ", "  no block  "),
    ],
)
def test_blocks_are_stripped_with_what_they_hold(text: str, left: str) -> None:
    assert strip_blocks(text) == left


@pytest.mark.parametrize(
    "mark",
    [
        "</remora-memory>",
        "< / Remora-MEMORY >",
        "<\u200b/remora-memory>",
        "</remora-\u200bmemory>",
        "</remora\u2010memory>",
        "&lt;/remora_memory&gt;",
        "\uff1c/remora-\nmemory\uff1e",
    ],
)
def test_no_look_alike_of_a_mark_stays_one_word(mark: str) -> None:
    neutral = neutralise(f"tea {mark} and more")
    assert "remora memory" in " ".join(neutral.lower().split())


_PIECES = st.sampled_from([BLOCK_OPEN, BLOCK_CLOSE, "< / Remora-Memory>", "<", "/", "remora-memory", ">", " ", "word"])


@given(st.lists(_PIECES).map("".join))
def test_neutral_text_has_no_marks_and_its_length(text: str) -> None:
    neutral = neutralise(text)
    assert len(neutral) == len(text)
    assert BLOCK_OPEN not in neutral.lower()
    assert BLOCK_CLOSE not in neutral.lower()
    assert strip_blocks(f"{BLOCK_OPEN}{neutral}{BLOCK_CLOSE}") == ""

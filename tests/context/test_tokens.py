import asyncio
import logging
import threading

import pytest
import regex
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from context.tokens import BUNDLED_ENCODING, MARK, Encoding, TokenCounter, TokenCounters
from tests.context.texts import texts
from tests.support.encodings import bundled, counters, toy_tiktoken

COUNTERS = counters()
any_counter = pytest.mark.parametrize(
    ("encoding", "counter"), COUNTERS, ids=["bundled", "toy o200k_base", "toy cl100k_base"]
)

line_starts = st.characters(exclude_categories=["Cs", "Z", "Cc"], exclude_characters="/")
lines = st.builds(lambda start, text: f"{start}{text}\n", line_starts, texts)


@any_counter
@given(text=texts)
def test_a_count_is_that_of_the_whole_text(encoding: Encoding, counter: TokenCounter, text: str) -> None:
    assert counter.count(text) == encoding.count(text)


@any_counter
@given(written=st.lists(lines, max_size=6))
def test_a_text_costs_what_its_lines_cost(encoding: Encoding, counter: TokenCounter, written: list[str]) -> None:
    assert encoding.count("".join(written)) == sum(counter.count(line) for line in written)


@any_counter
def test_a_long_text_costs_what_its_lines_cost(encoding: Encoding, counter: TokenCounter) -> None:
    text = "".join(f"- line {number}: 日本語 {'x' * number}\n" for number in range(600))

    assert counter.count(text) == encoding.count(text)


@given(text=texts)
def test_the_bundled_words_add_up_to_the_text(text: str) -> None:
    encoding = COUNTERS[0][0]
    tokens = encoding._tokenizer.encode(text, add_special_tokens=False).ids  # type: ignore[attr-defined]

    assert encoding.count(text) == len(tokens)


@pytest.mark.parametrize("text", ["<s>", "</s>", "<unk>"])
def test_a_text_that_spells_a_special_token_is_ordinary_text(text: str) -> None:
    assert bundled().count(text) > 1


@any_counter
@given(text=texts, limit=st.integers(-1, 40))
def test_a_cut_text_is_a_marked_beginning_within_the_limit(
    encoding: Encoding, counter: TokenCounter, text: str, limit: int
) -> None:
    cut = counter.truncate(text, limit)

    if counter.count(text) <= limit:
        assert cut == text
    elif cut:
        kept = cut.removesuffix(MARK)
        assert cut != kept
        assert text.startswith(kept)
        assert encoding.count(cut) <= limit


@any_counter
@given(text=texts, limit=st.integers(5, 40))
def test_a_cut_keeps_graphemes_whole(encoding: Encoding, counter: TokenCounter, text: str, limit: int) -> None:
    cut = counter.truncate(text, limit)

    if cut.endswith(MARK) and cut != text:
        graphemes = regex.findall(r"\X", text)
        ends = {0}
        for grapheme in graphemes:
            ends.add(max(ends) + len(grapheme))
        assert len(cut.removesuffix(MARK)) in ends


@any_counter
def test_a_cut_keeps_the_white_space_between(encoding: Encoding, counter: TokenCounter) -> None:
    text = "one\n\n    two\tthree\n" * 20

    assert counter.truncate(text, 40).startswith("one\n\n    two\tthree\none\n\n    two")


def test_a_cut_falls_between_words() -> None:
    text = "some unremarkable sentences about nothing in particular " * 5

    for limit in range(6, 40):
        kept = bundled().truncate(text, limit).removesuffix(MARK)
        assert text.startswith(f"{kept} ")


@any_counter
def test_a_lone_surrogate_counts_without_error(encoding: Encoding, counter: TokenCounter) -> None:
    assert counter.count("lone \ud83d surrogate") > 0


async def test_where_the_tables_load_counts_are_exact(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    loaded = TokenCounters(open_encoding=toy_tiktoken)
    await loaded.load()

    assert (loaded.default.encoding, loaded.default.exact) == ("o200k_base", True)
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        (None, "o200k_base"),
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("openai/gpt-4", "cl100k_base"),
        ("claude-sonnet-4", "o200k_base"),
        ("text-davinci-003", "o200k_base"),
        ("", "o200k_base"),
    ],
)
async def test_the_model_decides_the_encoding(model: str | None, encoding: str) -> None:
    loaded = TokenCounters(open_encoding=toy_tiktoken)
    await loaded.load()

    assert loaded.for_model(model).encoding == encoding


async def test_where_the_tables_do_not_load_the_bundled_encoding_counts(caplog: pytest.LogCaptureFixture) -> None:
    def unreachable(_name: str) -> tiktoken.Encoding:
        raise ConnectionError

    loaded = TokenCounters(open_encoding=unreachable)
    await loaded.load()

    assert (loaded.default.encoding, loaded.default.exact) == (BUNDLED_ENCODING, False)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "ConnectionError" in caplog.text


async def test_tables_that_never_come_are_not_waited_for() -> None:
    release = threading.Event()

    def hanging(name: str) -> tiktoken.Encoding:
        release.wait()
        return toy_tiktoken(name)

    loaded = TokenCounters(open_encoding=hanging)
    async with asyncio.timeout(5):
        await loaded.load(time_limit=0.01)

    assert not loaded.default.exact
    release.set()


async def test_what_has_loaded_in_time_is_used() -> None:
    def half(name: str) -> tiktoken.Encoding:
        if name == "cl100k_base":
            raise OSError
        return toy_tiktoken(name)

    loaded = TokenCounters(open_encoding=half)
    await loaded.load()

    assert loaded.for_model("gpt-4o").exact
    assert not loaded.for_model("gpt-4").exact

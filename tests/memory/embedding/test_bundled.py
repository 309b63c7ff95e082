import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.embedding.bundled import BundledEmbedder, bundled_tokenizer

LIBRARY = """
import json, sys
from pathlib import Path
import wordllama
model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
print(json.dumps(model.embed(sys.argv[1:], norm=True).tolist()))
"""


@pytest.fixture(scope="module")
def embedder() -> BundledEmbedder:
    return BundledEmbedder()


async def test_embeds_as_the_library_does(embedder: BundledEmbedder) -> None:
    texts = ["User prefers dark mode", "Ich wohne in Lissabon", "東京に住んでいます 🐟", "a"]
    done = subprocess.run([sys.executable, "-c", LIBRARY, *texts], check=True, capture_output=True, text=True)
    expected = np.array(json.loads(done.stdout), np.float32)

    np.testing.assert_allclose(np.array(await embedder.embed(texts)), expected, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(st.characters()), max_size=5))
async def test_any_text_has_a_unit_vector(embedder: BundledEmbedder, texts: list[str]) -> None:
    vectors = await embedder.embed([*texts, "", "\ud800"])

    assert len(vectors) == len(texts) + 2
    for vector in vectors:
        assert vector.dtype == np.float32
        assert vector.shape == (embedder.spec.dimension,)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


_PIECES = (
    *("a", "Tea", "ing", "x" * 30, "1", "?", "é", "東京", "🐟"),
    *(" ", "  ", "\u2581", "\n", "\t", "\u3000", "\x00", "<s>", "<"),
)


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(_PIECES)).map("".join))
def test_takes_word_by_word_what_the_tokenizer_finds_in_the_whole(embedder: BundledEmbedder, text: str) -> None:
    expected = bundled_tokenizer().encode(text, add_special_tokens=False).ids
    assert embedder.tokens(text) == expected
    assert embedder.tokens(text) == expected


def test_no_token_of_the_model_goes_on_behind_a_space() -> None:
    assert not [token for token in bundled_tokenizer().get_vocab() if "\u2581" in token.lstrip("\u2581")]


async def test_what_goes_to_a_thread_comes_back_the_same(embedder: BundledEmbedder) -> None:
    texts = ["a long story " * 200, "peanuts", "a long story " * 200]

    together = await embedder.embed(texts)

    [alone] = await embedder.embed(["peanuts"])
    np.testing.assert_array_equal(together[1], alone)
    np.testing.assert_array_equal(together[0], together[2])


async def test_near_meanings_are_near(embedder: BundledEmbedder) -> None:
    food, allergy, cars = await embedder.embed(["what can I eat?", "allergic to peanuts", "the engine of the car"])

    assert food @ allergy > food @ cars

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.embedding.bundled import BundledEmbedder

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


async def test_what_goes_to_a_thread_comes_back_the_same(embedder: BundledEmbedder) -> None:
    texts = ["a long story " * 200, "peanuts", "a long story " * 200]

    together = await embedder.embed(texts)

    [alone] = await embedder.embed(["peanuts"])
    np.testing.assert_array_equal(together[1], alone)
    np.testing.assert_array_equal(together[0], together[2])


async def test_near_meanings_are_near(embedder: BundledEmbedder) -> None:
    food, allergy, cars = await embedder.embed(["what can I eat?", "allergic to peanuts", "the engine of the car"])

    assert food @ allergy > food @ cars

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.embedding.fastembed import FastembedEmbedder
from memory.errors import EmbedderUnavailable


class Model:
    """As fastembed's models answer: a generator of arrays of any length."""

    def embed(self, texts: list[str]) -> Iterator[NDArray[np.float64]]:
        for text in texts:
            if text == "broken":
                raise RuntimeError("ONNX is unhappy")
            yield np.array([3.0, 4.0])


async def test_vectors_are_made_unit_float32() -> None:
    embedder = FastembedEmbedder(Model(), "m", 2)

    [vector] = await embedder.embed(["a"])

    assert vector.dtype == np.float32
    assert vector.tolist() == pytest.approx([0.6, 0.8])


async def test_a_failing_model_is_unavailability() -> None:
    embedder = FastembedEmbedder(Model(), "m", 2)

    with pytest.raises(EmbedderUnavailable, match="RuntimeError"):
        await embedder.embed(["a", "broken"])

"""Embeddings by the `fastembed` package (the extra of that name): ONNX models, computed here."""

import asyncio
import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from memory.embedding.vectors import unit
from memory.engines.base import EmbeddingSpec, Vector
from memory.errors import EmbedderUnavailable, Misconfigured


class FastembedEmbedder:
    """Made by `load_fastembed`, which loads the model."""

    immediate = False

    def __init__(self, model: Any, name: str, dimension: int) -> None:
        self.spec = EmbeddingSpec(name=name, dimension=dimension)
        self._model = model

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        try:
            return await asyncio.to_thread(_embed, self._model, list(texts))
        except Exception as error:
            raise EmbedderUnavailable(f"the fastembed model failed: {type(error).__name__}") from error


def load_fastembed(name: str) -> FastembedEmbedder:
    """Blocks, and downloads the model at its first use. Raises Misconfigured where the package is not installed, has no
    such model or can't get it."""
    try:
        package = importlib.import_module("fastembed")
    except ImportError as error:
        raise Misconfigured("REMORA_EMBEDDER=fastembed needs the extra: install 'remora[fastembed]'") from error
    try:
        model = package.TextEmbedding(model_name=name)
        [probe] = _embed(model, ["dimension"])
    except Exception as error:
        raise Misconfigured(f"fastembed can't load the model '{name}': {error}") from error
    return FastembedEmbedder(model, name, len(probe))


def _embed(model: Any, texts: list[str]) -> list[Vector]:
    return [unit(np.asarray(raw, np.float32)) for raw in model.embed(texts)]

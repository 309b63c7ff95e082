"""The embedding model inside the `wordllama` package: 256 dimensions, no network.

A text's embedding is the mean of its tokens' vectors, so the model is a tokenizer and a table. Both are read as files:
importing the package would cost 40 MB more and install a root log handler. The table stays in its file, mapped into
memory, so that only those of its 16 MB are there that are in use, and once for all processes.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from memory.embedding.vectors import unit
from memory.engines.base import EmbeddingSpec, Vector
from memory.errors import Misconfigured

_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_DIMENSION = 256

_INLINE_CHARACTERS = 4000
"""About a millisecond's work; more goes to a thread."""

_SPACE = "\u2581"
"""As the vocabulary spells it."""
_WORD = re.compile(" +[^ ]*")
_LONG = 24
_WORDS_KEPT = 8_000
"""[M] 3 MB. A text of such words is embedded in 44 µs, else in 78; a word that is not among them costs 6."""


class BundledEmbedder:
    """Raises Misconfigured where the package lacks its files."""

    spec = EmbeddingSpec(name="wordllama-l2-supercat-256", dimension=_DIMENSION)
    immediate = True

    def __init__(self) -> None:
        self._tokenizer = bundled_tokenizer()
        file = _package_folder() / _WEIGHTS
        try:
            self._table = _mapped(file, "embedding.weight")
        except Exception as error:
            raise Misconfigured(f"the bundled embedding model can't be read from {file}: {error}") from error
        self._known = lru_cache(_WORDS_KEPT)(self._encode)

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if sum(map(len, texts)) <= _INLINE_CHARACTERS:
            return [self._embed(text) for text in texts]
        return await asyncio.to_thread(lambda: [self._embed(text) for text in texts])

    def _embed(self, text: str) -> Vector:
        # The tokenizer takes no lone surrogates.
        whole = text if text.isascii() else text.encode("utf-8", "replace").decode()
        rows = self._table[self.tokens(whole)]
        return unit(np.add.reduce(rows, axis=0, dtype=np.float32))

    def tokens(self, text: str) -> list[int]:
        """As the tokenizer finds them in the whole of `text`: since no token of the model's goes on behind a space, it
        makes no difference to take each word, with the spaces before it, by itself."""
        if not text:
            return []
        spaced = f" {text}".replace(_SPACE, " ")
        # "<s>" may be a token, and what follows it begins anew.
        words = [spaced] if "<" in text else _WORD.findall(spaced)
        tokens: list[int] = []
        for word in words:
            tokens += self._known(word) if len(word) <= _LONG else self._encode(word)
        return tokens

    def _encode(self, word: str) -> Sequence[int]:
        if word == " ":  # the tokenizer puts one before what is not empty
            space = self._tokenizer.token_to_id(_SPACE)
            assert space is not None
            return (space,)
        return tuple(self._tokenizer.encode(word[1:], add_special_tokens=False).ids)


@cache
def bundled_tokenizer() -> Tokenizer:
    """One for the process, which nobody may change: [M] its vocabulary takes 10 MB, and twice that while it is read.
    Raises Misconfigured."""
    file = _package_folder() / _TOKENIZER
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:
        raise Misconfigured(f"the bundled tokenizer can't be read from {file}: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    # Its words are whole texts, so its cache of 10,000 words holds 30 MB, costs time and saves none.
    tokenizer.model._resize_cache(0)  # noqa: SLF001
    return tokenizer


def _mapped(file: Path, tensor: str) -> NDArray[np.float16]:
    """A tensor of half precision in a file of the format https://github.com/huggingface/safetensors#format."""
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        told = json.loads(opened.read(size))[tensor]
    if told["dtype"] != "F16":
        raise ValueError(f"its weights are {told['dtype']}, not F16")
    mapped = np.memmap(file, np.float16, "r", offset=8 + size + told["data_offsets"][0], shape=tuple(told["shape"]))
    return np.asarray(mapped)


def _package_folder() -> Path:
    found = find_spec("wordllama")
    if found is None or found.origin is None:
        raise Misconfigured("the bundled embedder needs the package 'wordllama'")
    return Path(found.origin).parent

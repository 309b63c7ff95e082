"""Embeddings from any OpenAI-compatible `/embeddings` endpoint."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import msgspec
import numpy as np
import tenacity
from httpx_aiohttp import HttpxAiohttpClient
from msgspec import Struct

from config.settings import Secret
from memory.embedding.vectors import unit
from memory.engines.base import EmbeddingSpec, Vector
from memory.errors import EmbedderUnavailable

_BATCH = 64
"""Texts per request: 64 of the longest memories stay below the 300,000 tokens that OpenAI takes at once."""
_PARALLEL = 4
_ATTEMPTS = 3
_WAIT = tenacity.wait_random_exponential(multiplier=0.1, max=2.0)


class _Embedding(Struct):
    index: int
    embedding: list[float]


class _Answer(Struct):
    data: list[_Embedding]


class _Transient(EmbedderUnavailable):
    """Trying again may help."""


_decode = msgspec.json.Decoder(_Answer).decode


class OpenAIEmbedder:
    """Made by `open_openai`, which asks for the dimension."""

    immediate = False

    def __init__(self, client: httpx.AsyncClient, model: str, dimension: int) -> None:
        self.spec = EmbeddingSpec(name=model, dimension=dimension)
        self._client = client
        self._parallel = asyncio.Semaphore(_PARALLEL)

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        # The endpoint refuses an empty input; a blank text has no direction anyway.
        told = [text for text in texts if text.strip()]
        batches = await asyncio.gather(*(self._batch(told[at : at + _BATCH]) for at in range(0, len(told), _BATCH)))
        vectors = iter([vector for batch in batches for vector in batch])
        return [next(vectors) if text.strip() else unit(np.zeros(self.spec.dimension, np.float32)) for text in texts]

    async def _batch(self, texts: list[str]) -> list[Vector]:
        async with self._parallel:
            vectors = await _request(self._client, self.spec.name, texts)
        if any(len(vector) != self.spec.dimension for vector in vectors):
            raise EmbedderUnavailable(f"the embedding endpoint changed its dimension from {self.spec.dimension}")
        return vectors


@asynccontextmanager
async def open_openai(
    base_url: str, model: str, api_key: Secret | None, *, timeout: float
) -> AsyncIterator[OpenAIEmbedder]:
    """`timeout` is in seconds, for each attempt. Raises EmbedderUnavailable where the endpoint can't tell the model's
    dimension."""
    headers = {} if api_key is None else {"Authorization": f"Bearer {api_key.reveal()}"}
    async with HttpxAiohttpClient(
        base_url=f"{base_url.rstrip('/')}/", headers=headers, timeout=timeout, follow_redirects=False
    ) as client:
        [probe] = await _request(client, model, ["dimension"])
        yield OpenAIEmbedder(client, model, len(probe))


async def _request(client: httpx.AsyncClient, model: str, texts: list[str]) -> list[Vector]:
    """The embeddings of `texts`, in order, trying again where that may help."""
    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(_Transient),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=_WAIT,
        reraise=True,
    )
    return await retrying(_request_once, client, model, texts)


async def _request_once(client: httpx.AsyncClient, model: str, texts: list[str]) -> list[Vector]:
    try:
        answer = await client.post("embeddings", json={"model": model, "input": texts})
    except httpx.TransportError as error:
        raise _Transient(f"the embedding endpoint can't be reached: {type(error).__name__}") from error
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
        raise _Transient(f"the embedding endpoint answered {answer.status_code}", status=answer.status_code)
    if not answer.is_success:
        raise EmbedderUnavailable(f"the embedding endpoint answered {answer.status_code}", status=answer.status_code)
    try:
        found = _decode(answer.content).data
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EmbedderUnavailable("the embedding endpoint answered with something else than embeddings") from error
    found.sort(key=lambda one: one.index)
    if [one.index for one in found] != list(range(len(texts))) or not all(one.embedding for one in found):
        raise EmbedderUnavailable(f"the embedding endpoint answered {len(found)} embeddings for {len(texts)} texts")
    return [unit(np.array(one.embedding, np.float32)) for one in found]

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from config.supervisor import Supervisor
from memory.embedding import cache
from memory.embedding.cache import CachedEmbedder
from memory.engines.base import EmbeddingSpec, Vector
from memory.errors import EmbedderUnavailable


class CountingEmbedder:
    """An embedder of four dimensions: a text's length and its first letters. It waits at its gate and fails as told."""

    spec = EmbeddingSpec(name="counting", dimension=4)
    immediate = False

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.failing = False

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.asked.append(list(texts))
        self.entered.set()
        await self.gate.wait()
        if self.failing:
            raise EmbedderUnavailable("down")
        raw = [np.array([len(text), *map(ord, text.ljust(3)[:3])], np.float32) for text in texts]
        return [vector / np.linalg.norm(vector) for vector in raw]


@pytest.fixture
def inner() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    async with Supervisor() as supervisor:
        yield supervisor


@pytest.fixture
def cached(inner: CountingEmbedder, supervisor: Supervisor) -> CachedEmbedder:
    return CachedEmbedder(inner, supervisor)


async def test_only_what_is_new_is_embedded(cached: CachedEmbedder, inner: CountingEmbedder) -> None:
    await cached.embed(["a", "b", "a"])

    again = await cached.embed(["b", "c", "A"])

    assert inner.asked == [["a", "b"], ["c", "A"]]
    assert [vector.tolist() for vector in again] == [vector.tolist() for vector in await inner.embed(["b", "c", "A"])]


async def test_those_who_ask_at_once_share_one_embedding(
    cached: CachedEmbedder, inner: CountingEmbedder, supervisor: Supervisor
) -> None:
    inner.gate.clear()
    first = supervisor.start(cached.embed(["a", "b"]), name="first")
    second = supervisor.start(cached.embed(["b", "c"]), name="second")
    await inner.entered.wait()
    inner.gate.set()

    (_, b), (b_again, _) = await asyncio.gather(first, second)

    assert inner.asked == [["a", "b"], ["c"]]
    assert b is b_again


async def test_an_embedding_goes_on_when_its_caller_gives_up(cached: CachedEmbedder, inner: CountingEmbedder) -> None:
    inner.gate.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(cached.embed(["a"]), 0.01)
    inner.gate.set()

    await cached.embed(["a"])

    assert inner.asked == [["a"]]


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(
    cached: CachedEmbedder, inner: CountingEmbedder, supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    inner.failing = True
    inner.gate.clear()
    waiting = [asyncio.wait_for(cached.embed(["a"]), 5) for _ in range(3)]
    inner.gate.set()

    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [EmbedderUnavailable] * 3
    assert len(inner.asked) == 1
    inner.failing = False
    assert len(await cached.embed(["a"])) == 1
    assert not caplog.records


async def test_the_cache_is_bounded(
    inner: CountingEmbedder, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_CACHED_BYTES", 2 * 4 * 4)
    cached = CachedEmbedder(inner, supervisor)
    await cached.embed(["a", "b", "c"])

    await cached.embed(["b", "c"])
    await cached.embed(["a"])

    assert inner.asked == [["a", "b", "c"], ["a"]]

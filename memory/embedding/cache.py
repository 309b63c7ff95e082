"""Embeds a text once, however often and however many at a time ask for it."""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b

from cachetools import LRUCache

from config.supervisor import Supervisor
from memory.embedding.base import Embedder
from memory.engines.base import EmbeddingSpec, Vector
from memory.errors import RemoraError

_CACHED_BYTES = 32_000_000

_Key = bytes
_Flight = asyncio.Task[dict[_Key, Vector] | RemoraError]


class CachedEmbedder:
    """Keeps the least recently used 32 MB of vectors, by a hash of the text. An embedding under way goes on when its
    caller gives up, so that the next one finds it."""

    def __init__(self, inner: Embedder, supervisor: Supervisor) -> None:
        self._inner = inner
        self._supervisor = supervisor
        self._cache: LRUCache[_Key, Vector] = LRUCache(_CACHED_BYTES, getsizeof=lambda vector: vector.nbytes)
        self._flights: dict[_Key, _Flight] = {}

    @property
    def spec(self) -> EmbeddingSpec:
        return self._inner.spec

    @property
    def immediate(self) -> bool:
        return self._inner.immediate

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        by_key = {_key(text): text for text in texts}
        vectors = {key: vector for key in by_key if (vector := self._cache.get(key)) is not None}
        missing = {key: text for key, text in by_key.items() if key not in vectors and key not in self._flights}
        if missing:
            flight = self._supervisor.start(self._fly(missing), name="embed")
            self._flights |= dict.fromkeys(missing, flight)
        flights = {self._flights[key] for key in by_key if key not in vectors}
        if flights:
            await asyncio.wait(flights)
        for landed in flights:
            outcome = landed.result()
            if isinstance(outcome, RemoraError):
                raise outcome
            vectors |= outcome
        return [vectors[_key(text)] for text in texts]

    async def _fly(self, missing: dict[_Key, str]) -> dict[_Key, Vector] | RemoraError:
        """Returns an error rather than raising it: it belongs to those who wait, and may be nobody's."""
        try:
            embedded = await self._inner.embed(list(missing.values()))
        except RemoraError as error:
            return error
        finally:
            for key in missing:
                del self._flights[key]
        found = dict(zip(missing, embedded, strict=True))
        self._cache.update(found)
        return found


def _key(text: str) -> _Key:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

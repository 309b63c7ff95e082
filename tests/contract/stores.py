"""Where an engine of each kind keeps its data, so that a test, a second engine and another process open the same."""

from pathlib import Path

from msgspec import Struct

from memory.engines.base import LEASE_SECONDS, EmbeddingSpec, Engine
from memory.engines.redis.engine import RedisEngine
from memory.engines.sqlite.engine import SqliteEngine

SPEC = EmbeddingSpec(name="test-embedder", dimension=8)


class Store(Struct, frozen=True, kw_only=True):
    """`path` None and `url` None is SQLite in memory."""

    path: Path | None = None
    url: str | None = None
    prefix: str = ""

    @property
    def shared(self) -> bool:
        """Serves several engines at a time."""
        return self.url is not None

    def engine(
        self, *, embedding: EmbeddingSpec = SPEC, reindexing: bool = False, lease_seconds: float = LEASE_SECONDS
    ) -> Engine:
        """A new engine on it, not yet entered."""
        if self.url is not None:
            return RedisEngine(
                self.url, prefix=self.prefix, embedding=embedding, reindexing=reindexing, lease_seconds=lease_seconds
            )
        return SqliteEngine(self.path, embedding=embedding, reindexing=reindexing, lease_seconds=lease_seconds)

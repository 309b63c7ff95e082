"""From `REMORA_STORE` to an engine."""

from pathlib import Path

from config.settings import Settings
from memory.engines.base import EmbeddingSpec, Engine
from memory.errors import Misconfigured

_SQLITE = "sqlite://"


def make_engine(settings: Settings, embedding: EmbeddingSpec, *, reindexing: bool = False) -> Engine:
    """The engine that `settings.store` names, not yet entered. Raises Misconfigured for a bad URL."""
    held_bytes = settings.store_held_mb * 1_000_000
    if not settings.store.startswith(_SQLITE):
        from memory.engines.redis.engine import RedisEngine

        return RedisEngine(
            settings.store,
            prefix=settings.store_prefix,
            embedding=embedding,
            reindexing=reindexing,
            held_bytes=held_bytes,
        )
    from memory.engines.sqlite.engine import SqliteEngine

    place = settings.store.removeprefix(_SQLITE)
    if place and not place.startswith("/"):
        raise Misconfigured(f"REMORA_STORE: 'sqlite://{place}' needs a third slash: 'sqlite:///{place}'")
    return SqliteEngine(
        Path(place[1:]) if place else None, embedding=embedding, reindexing=reindexing, held_bytes=held_bytes
    )

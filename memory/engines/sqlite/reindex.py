"""Embedding every memory anew, in batches, for another embedder."""

from collections.abc import Awaitable, Callable, Sequence

import apsw

from memory.engines.base import EmbeddingSpec, Vector
from memory.engines.sqlite import schema
from memory.engines.sqlite.database import Database
from memory.engines.sqlite.rows import STORED, encode_vector, from_row

_AT_ONCE = 256

Embed = Callable[[Sequence[str]], Awaitable[list[Vector]]]


async def reindex(
    database: Database, embedding: EmbeddingSpec, embed: Embed, progress: Callable[[int, int], None]
) -> int:
    """As `Engine.reindex`. The store is the new embedder's from the first batch on; who enters it before the last one
    is told to run this again, which begins at the beginning."""
    await database.write(lambda connection: schema.begin_reindexing(connection, embedding))
    total = await database.read(lambda connection: int(connection.execute("SELECT count(*) FROM memories").get))
    done = last = 0
    while batch := await _contents_after(database, last):
        vectors = await embed([content for _, content in batch])
        keys = [key for key, _ in batch]
        await _store(database, keys, [encode_vector(vector, embedding.dimension) for vector in vectors])
        last = keys[-1]
        done += len(batch)
        progress(done, total)
    await database.write(schema.end_reindexing)
    return done


async def _contents_after(database: Database, key: int) -> list[tuple[int, str]]:
    def read(connection: apsw.Connection) -> list[tuple[int, str]]:
        rows = connection.execute(
            f"SELECT m.key, {STORED} FROM memories m WHERE m.key > ? ORDER BY m.key LIMIT ?", (key, _AT_ONCE)
        )
        return [(key, from_row(*stored).content) for key, *stored in rows]

    return await database.read(read)


async def _store(database: Database, keys: list[int], embeddings: list[bytes]) -> None:
    def write(connection: apsw.Connection) -> None:
        for key, embedding in zip(keys, embeddings, strict=True):
            change = database.number()
            connection.execute(
                "UPDATE vectors SET change = ?, embedding = ? "
                "WHERE change = (SELECT vector FROM memories WHERE key = ?)",
                (change, embedding, key),
            )
            connection.execute("UPDATE memories SET vector = ? WHERE key = ?", (change, key))

    await database.write(write)

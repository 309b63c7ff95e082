"""The engines as tests.bench.scale measures them: each with a query of its own beside Remora's."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol, cast

import apsw
import numpy as np
import psutil
from numpy.typing import NDArray

from memory.engines.base import EmbeddingSpec, Filter, Memories, SearchQuery, Vector
from memory.engines.held import HELD_BYTES
from memory.engines.redis.engine import RedisEngine
from memory.engines.redis.search import Search
from memory.engines.sqlite.engine import SqliteEngine
from memory.engines.sqlite.fulltext import TextQueries
from memory.engines.sqlite.scopes import scopes_for
from memory.service.recall import CANDIDATES
from tests.support.redis_server import RedisServer


class Opened(Protocol):
    memories: Memories
    server: psutil.Process | None
    """The engine's own process, where it has one."""

    async def prepare(self, where: Filter, text: str, vector: Vector) -> None:
        """What a process that has been at it for a while would know already."""
        ...

    async def raw(self, where: Filter, text: str, vector: Vector) -> None:
        """The engine's answer to both legs, fetched and thrown away."""
        ...


class OnRedis:
    def __init__(self, engine: RedisEngine, server: psutil.Process) -> None:
        self.memories: Memories = engine.memories
        self.server: psutil.Process | None = server
        self._client = engine._client
        self._search = Search(engine._client, engine._schema)

    async def prepare(self, where: Filter, text: str, vector: Vector) -> None:
        await self._search.hits(where, SearchQuery(text=text, vector=vector, limit=CANDIDATES), {})

    async def raw(self, where: Filter, text: str, vector: Vector) -> None:
        legs = self._search.legs(where, SearchQuery(text=text, vector=vector, limit=CANDIDATES))
        await self._client.many([leg.command for leg in legs])


class OnSqlite:
    def __init__(self, engine: SqliteEngine, file: Path) -> None:
        self.memories: Memories = engine.memories
        self.server: psutil.Process | None = None
        self._connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        self._texts = TextQueries()
        self._vectors: dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]] = {}

    async def prepare(self, where: Filter, text: str, vector: Vector) -> None:
        for scope in scopes_for(where):
            if scope.number not in self._vectors:
                rows = self._connection.execute(
                    f"SELECT memory, embedding FROM vectors WHERE {scope.column} = ?", (scope.number,)
                ).fetchall()
                keys = np.array([key for key, _ in rows], np.int64)
                packed = b"".join(cast(bytes, embedding) for _, embedding in rows)
                matrix = np.frombuffer(packed, np.float32).reshape(-1, len(vector))
                self._vectors[scope.number] = keys, matrix
        self._texts.expression(self._connection, scopes_for(where), text)

    async def raw(self, where: Filter, text: str, vector: Vector) -> None:
        scopes = scopes_for(where)
        expression = self._texts.expression(self._connection, scopes, text)
        self._connection.execute(
            "SELECT w.rank, m.record FROM words w CROSS JOIN memories m ON m.key = w.rowid "
            "WHERE words MATCH ? AND m.current ORDER BY w.rank LIMIT ?",
            (expression, CANDIDATES),
        ).fetchall()
        for scope in scopes:
            keys, matrix = self._vectors[scope.number]
            if not len(keys):
                continue
            cosines = matrix @ vector
            nearest = np.argpartition(cosines, -CANDIDATES)[-CANDIDATES:] if len(keys) > CANDIDATES else slice(None)
            self._connection.execute(
                "SELECT record FROM carray(?) c CROSS JOIN memories m ON m.key = c.value WHERE m.current",
                (apsw.carray(np.ascontiguousarray(keys[nearest])),),
            ).fetchall()


@asynccontextmanager
async def on_redis(folder: Path, spec: EmbeddingSpec, held: bool) -> AsyncIterator[Opened]:
    with RedisServer(appendfsync="everysec") as server:
        async with RedisEngine(
            server.url, prefix="scale", embedding=spec, held_bytes=HELD_BYTES if held else 0
        ) as engine:
            yield OnRedis(engine, psutil.Process(server.pid))


@asynccontextmanager
async def on_sqlite(folder: Path, spec: EmbeddingSpec, held: bool) -> AsyncIterator[Opened]:
    file = folder / "scale.db"
    async with SqliteEngine(file, embedding=spec, held_bytes=HELD_BYTES if held else 0) as engine:
        yield OnSqlite(engine, file)


OPENERS: dict[str, Callable[[Path, EmbeddingSpec, bool], AbstractAsyncContextManager[Opened]]] = {
    "redis": on_redis,
    "sqlite": on_sqlite,
}

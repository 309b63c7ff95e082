"""Memories on SQLite."""

from collections.abc import AsyncIterator, Callable, Sequence

import apsw
import numpy as np

from memory.engines import small
from memory.engines.base import (
    Append,
    Filter,
    Limit,
    Neighbourhood,
    Page,
    Record,
    SearchQuery,
    SortKey,
    Usage,
    Vector,
    Written,
)
from memory.engines.sqlite.database import Database
from memory.engines.sqlite.erasure import erasing
from memory.engines.sqlite.filters import conditions
from memory.engines.sqlite.held import HeldScopes
from memory.engines.sqlite.log import append
from memory.engines.sqlite.rows import STORED, from_row
from memory.engines.sqlite.search import Search
from memory.engines.sqlite.table import MemoryTable
from memory.engines.sqlite.usage import usage
from memory.hits import Hits
from memory.model import Hit, Memory, hit_of

_SCANNED_AT_ONCE = 500


class SqliteMemories:
    def __init__(self, database: Database, *, dimension: int, clock: Callable[[], int], held_bytes: int) -> None:
        self._database = database
        self._clock = clock
        self._table = MemoryTable(number=database.number, dimension=dimension)
        self._search = Search(dimension)
        self._held = HeldScopes(database, limit=held_bytes)

    async def insert(self, records: Sequence[Record], *, limits: Sequence[Limit] = ()) -> list[Written]:
        def insert(connection: apsw.Connection, record: Record) -> Written:
            written = self._table.insert(connection, record, limits=limits)
            if written is Written.DONE:
                append(connection, record.log, now=self._clock())
            return written

        return await self._database.write(lambda connection: [insert(connection, record) for record in records])

    async def get(self, tenant: str, ids: Sequence[int]) -> list[Memory | None]:
        def read(connection: apsw.Connection) -> list[Memory | None]:
            query = f"SELECT {STORED} FROM memories m WHERE tenant = ? AND id = ?"
            rows = [connection.execute(query, (tenant, id)).fetchone() for id in ids]
            return [None if row is None else from_row(*row) for row in rows]

        return await self._database.read(read)

    async def vectors(self, tenant: str, ids: Sequence[int]) -> list[Vector | None]:
        def read(connection: apsw.Connection) -> list[Vector | None]:
            query = (
                "SELECT embedding FROM memories m JOIN vectors v ON v.change = m.vector WHERE m.tenant = ? AND m.id = ?"
            )
            rows = [connection.execute(query, (tenant, id)).fetchone() for id in ids]
            return [None if row is None else np.frombuffer(row[0], np.float32) for row in rows]

        return await self._database.read(read)

    async def replace(
        self,
        memory: Memory,
        *,
        expected: int,
        vector: Vector | None = None,
        log: Sequence[Append] = (),
        limits: Sequence[Limit] = (),
    ) -> Written:
        def write(connection: apsw.Connection) -> Written:
            written = self._table.replace(connection, memory, expected=expected, vector=vector, limits=limits)
            if written is Written.DONE:
                append(connection, log, now=self._clock())
            return written

        return await self._database.write(write)

    async def delete(self, tenant: str, ids: Sequence[int], log: Sequence[Append] = ()) -> list[bool]:
        def write(connection: apsw.Connection) -> list[bool]:
            deleted = []
            for id in ids:
                connection.execute("DELETE FROM memories WHERE tenant = ? AND id = ?", (tenant, id))
                deleted.append(connection.changes() == 1)
            if any(deleted):
                append(connection, log, now=self._clock())
            return deleted

        return await self._database.write(write)

    async def touch(self, tenant: str, ids: Sequence[int], *, now: int, accesses: int = 1, searches: int = 0) -> None:
        def write(connection: apsw.Connection) -> None:
            connection.executemany(
                "UPDATE memories SET access_count = access_count + ?1, search_count = search_count + ?2, "
                "accessed_at = iif(?1, ?3, accessed_at) WHERE tenant = ?4 AND id = ?5",
                [(accesses, searches, now, tenant, id) for id in dict.fromkeys(ids)],
            )

        await self._database.write(write)

    async def search(
        self,
        where: Filter,
        query: SearchQuery,
        *,
        since: float | None = None,  # noqa: ARG002 - what is there now costs no more
    ) -> Hits:
        if (held := await self._held.look(where)) is not None:
            return small.search(held, where, query)
        return Hits.of(await self._database.read(lambda connection: self._search.run(connection, where, query)))

    async def neighbours(
        self,
        where: Filter,
        around: Sequence[Neighbourhood],
        *,
        radius: int = 1,
        since: float | None = None,  # noqa: ARG002 - likewise
    ) -> Hits:
        if around and (held := await self._held.look(where)) is not None:
            return small.neighbours(held, where, around, radius)
        condition, values = conditions(where)
        query = (
            f"SELECT {STORED} FROM memories m WHERE {condition} AND m.namespace = ? AND m.owner = ? AND m.run_id = ? "
            "AND m.seq BETWEEN ? AND ?"
        )

        def read(connection: apsw.Connection) -> list[Hit]:
            found: dict[int, Memory] = {}
            for spot in around:
                bounds = (spot.namespace, spot.owner, spot.run_id, spot.seq - radius, spot.seq + radius)
                for row in connection.execute(query, (*values, *bounds)):
                    memory = from_row(*row)
                    found[memory.id] = memory
            return [hit_of(memory) for memory in found.values()]

        return Hits.of(await self._database.read(read))

    async def usage(self, tenant: str, namespace: str | None = None) -> Usage:
        return await self._database.read(lambda connection: usage(connection, tenant, namespace))

    async def usages(self, tenant: str, namespaces: Sequence[str]) -> dict[str, Usage]:
        return await self._database.read(
            lambda connection: {namespace: usage(connection, tenant, namespace) for namespace in namespaces}
        )

    async def erase(self, tenant: str, namespace: str | None = None) -> int:
        self.forget(tenant, namespace)
        condition, values = "tenant = ?", [tenant]
        if namespace is not None:
            condition, values = "tenant = ? AND namespace = ?", [tenant, namespace]
        return sum([gone async for gone in erasing(self._database, "memories", "key", condition, values)])

    def forget(self, tenant: str | None = None, namespace: str | None = None) -> None:
        """Let go of what is held of it, or of all, in process."""
        self._held.forget(tenant, namespace)

    async def scan(self, where: Filter, *, after: int | None = None) -> AsyncIterator[list[Memory]]:
        condition, values = conditions(where)
        # Told which index, since another would have every batch sort all that is left.
        query = (
            f"SELECT {STORED} FROM memories m INDEXED BY memories_id WHERE {condition} AND m.id > ? "
            "ORDER BY m.id LIMIT ?"
        )
        last = -1 if after is None else after

        def read(connection: apsw.Connection) -> list[Memory]:
            rows = connection.execute(query, (*values, last, _SCANNED_AT_ONCE))
            return [from_row(*row) for row in rows]

        while batch := await self._database.read(read):
            yield batch
            last = batch[-1].id

    async def list(
        self, where: Filter, *, sort: SortKey = "created_at", descending: bool = True, offset: int = 0, limit: int = 100
    ) -> Page:
        condition, values = conditions(where)
        way = "DESC" if descending else "ASC"
        order = f"ORDER BY m.{sort} {way}, m.id {way}"

        def read(connection: apsw.Connection) -> Page:
            total = connection.execute(f"SELECT count(*) FROM memories m WHERE {condition}", values).get
            rows = connection.execute(
                f"SELECT {STORED} FROM memories m WHERE m.key IN "
                f"(SELECT m.key FROM memories m WHERE {condition} {order} LIMIT ? OFFSET ?) {order}",
                (*values, limit, offset),
            )
            return Page(memories=[from_row(*row) for row in rows], total=total)

        return await self._database.read(read)

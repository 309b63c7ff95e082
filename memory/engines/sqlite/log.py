"""Log on SQLite. An entry's id is its number in 16 hex digits; numbers rise over all streams and never come again."""

import re
from collections.abc import Callable, Iterable, Sequence

import apsw

from memory.engines.base import Append, Entry
from memory.engines.sqlite.database import Database

_ID = re.compile(r"[0-7][0-9a-f]{15}")


class SqliteLog:
    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def append(self, entries: Sequence[Append]) -> None:
        now = self._clock()
        await self._database.write(lambda connection: append(connection, entries, now=now))

    async def read(
        self, tenant: str, stream: str, *, after: str | None = None, limit: int = 100, newest_first: bool = False
    ) -> list[Entry]:
        if after is not None and not _ID.fullmatch(after):
            return []
        comparison, way = ("<", "DESC") if newest_first else (">", "ASC")
        begin = "" if after is None else f"AND number {comparison} ?4"
        values = (tenant, stream, limit) if after is None else (tenant, stream, limit, int(after, 16))

        def read(connection: apsw.Connection) -> list[Entry]:
            rows = connection.execute(
                f"SELECT number, at, entry FROM log WHERE tenant = ?1 AND stream = ?2 {begin} "
                f"ORDER BY number {way} LIMIT ?3",
                values,
            )
            return [Entry(id=f"{number:016x}", at=at, entry=entry) for number, at, entry in rows]

        return await self._database.read(read)

    async def erase(self, tenant: str, streams: Sequence[str] | None = None) -> None:
        def write(connection: apsw.Connection) -> None:
            if streams is None:
                connection.execute("DELETE FROM log WHERE tenant = ?", (tenant,))
            else:
                connection.executemany(
                    "DELETE FROM log WHERE tenant = ? AND stream = ?", [(tenant, stream) for stream in streams]
                )

        await self._database.write(write)


def append(connection: apsw.Connection, entries: Iterable[Append], *, now: int) -> None:
    for entry in entries:
        connection.execute(
            "INSERT INTO log (tenant, stream, at, entry) VALUES (?, ?, ?, ?)",
            (entry.tenant, entry.stream, now, entry.entry),
        )
        if entry.max_length is not None:
            connection.execute(
                "DELETE FROM log WHERE tenant = ?1 AND stream = ?2 AND number <= (SELECT number FROM log "
                "WHERE tenant = ?1 AND stream = ?2 ORDER BY number DESC LIMIT 1 OFFSET ?3)",
                (entry.tenant, entry.stream, entry.max_length),
            )

"""Counters on SQLite."""

from collections.abc import Callable, Mapping, Sequence

import apsw

from memory.engines.base import Taken
from memory.engines.sqlite.database import Database


class SqliteCounters:
    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def take(self, tenant: str, name: str, *, limit: int, window_seconds: int, amount: int = 1) -> Taken:
        now = self._clock()
        window = window_seconds * 1000
        ends_at = (now // window + 1) * window

        def write(connection: apsw.Connection) -> Taken:
            connection.execute("DELETE FROM windows WHERE ends_at <= ?", (now,))
            key = (tenant, name, ends_at)
            taken = connection.execute(
                "SELECT coalesce((SELECT taken FROM windows WHERE tenant = ? AND name = ? AND ends_at = ?), 0)", key
            ).get
            allowed = taken + amount <= limit
            if allowed:
                taken += amount
                connection.execute("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?)", (*key, taken))
            return Taken(allowed=allowed, remaining=max(0, limit - taken), reset_at=ends_at)

        return await self._database.write(write)

    async def reserve(self, tenant: str, name: str, amount: int, *, limit: int) -> bool:
        def write(connection: apsw.Connection) -> bool:
            if _value(connection, tenant, name) + amount > limit:
                return False
            add(connection, tenant, name, amount)
            return True

        return await self._database.write(write)

    async def add(self, tenant: str, amounts: Mapping[str, int]) -> dict[str, int]:
        return await self._database.write(
            lambda connection: {name: add(connection, tenant, name, amount) for name, amount in amounts.items()}
        )

    async def values(self, tenant: str, names: Sequence[str]) -> dict[str, int]:
        return await self._database.read(lambda connection: {name: _value(connection, tenant, name) for name in names})

    async def reset(self, tenant: str, names: Sequence[str]) -> None:
        def write(connection: apsw.Connection) -> None:
            connection.executemany(
                "DELETE FROM counters WHERE tenant = ? AND name = ?", [(tenant, name) for name in names]
            )

        await self._database.write(write)


def add(connection: apsw.Connection, tenant: str, name: str, amount: int) -> int:
    """The new value, never below 0."""
    return int(
        connection.execute(
            "INSERT INTO counters VALUES (?1, ?2, max(0, ?3)) "
            "ON CONFLICT DO UPDATE SET value = max(0, value + ?3) RETURNING value",
            (tenant, name, amount),
        ).get
    )


def _value(connection: apsw.Connection, tenant: str, name: str) -> int:
    query = "SELECT coalesce((SELECT value FROM counters WHERE tenant = ? AND name = ?), 0)"
    return int(connection.execute(query, (tenant, name)).get)

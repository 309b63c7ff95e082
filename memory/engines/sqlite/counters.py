"""Counters on SQLite."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import apsw

from memory.engines.base import Take, Taken
from memory.engines.sqlite.database import Database


class _Window(NamedTuple):
    tenant: str
    name: str
    milliseconds: int
    ends_at: int


class SqliteCounters:
    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def take(self, wanted: Sequence[Take]) -> list[Taken]:
        now = self._clock()
        windows = [_window(take, now) for take in wanted]

        def write(connection: apsw.Connection) -> list[Taken]:
            connection.execute("DELETE FROM windows WHERE ends_at <= ?", (now,))
            held = {window: _taken(connection, window) for window in windows}
            after = dict(held)
            allowed = []
            for take, window in zip(wanted, windows, strict=True):
                after[window] += take.amount
                allowed.append(after[window] <= take.limit)
            if all(allowed):
                changed = [(*window, taken) for window, taken in after.items() if taken != held[window]]
                connection.executemany("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?)", changed)
                held = after
            return [
                Taken(allowed=each, remaining=max(0, take.limit - held[window]), reset_at=window.ends_at)
                for each, take, window in zip(allowed, wanted, windows, strict=True)
            ]

        return await self._database.write(write, lasting=False)

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


def _window(take: Take, now: int) -> _Window:
    milliseconds = take.window_seconds * 1000
    return _Window(take.tenant, take.name, milliseconds, (now // milliseconds + 1) * milliseconds)


def _taken(connection: apsw.Connection, window: _Window) -> int:
    query = "SELECT taken FROM windows WHERE tenant = ? AND name = ? AND milliseconds = ? AND ends_at = ?"
    return int(connection.execute(query, window).get or 0)


def _value(connection: apsw.Connection, tenant: str, name: str) -> int:
    query = "SELECT coalesce((SELECT value FROM counters WHERE tenant = ? AND name = ?), 0)"
    return int(connection.execute(query, (tenant, name)).get)

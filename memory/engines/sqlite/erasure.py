"""Erasing all that is a tenant's, in batches between which others write."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import apsw

from memory.engines.sqlite.database import Database

_MEMORIES_AT_ONCE = 25
"""They take [M] a fifth of a millisecond each."""
_ROWS_AT_ONCE = 500

_PAGES_AT_ONCE = 64
"""Of the full-text index; they take [M] up to 9 ms."""

_TABLES = (
    # Jobs first, so that no more is learnt.
    ("jobs", "number"),
    ("memories", "key"),
    ("documents", "number"),
    ("counters", "tenant, name"),
    ("windows", "tenant, name, milliseconds, ends_at"),
    ("log", "number"),
)
"""Each with its key; triggers see to the rest."""

_FORGET_USAGE = """
DELETE FROM usage WHERE tenant = :tenant AND NOT EXISTS
    (SELECT 1 FROM memories m WHERE m.tenant = usage.tenant AND m.namespace = usage.namespace);
DELETE FROM totals WHERE tenant = :tenant AND NOT EXISTS (SELECT 1 FROM usage u WHERE u.tenant = totals.tenant)
"""
"""What was inserted meanwhile must stay counted."""


async def erase(database: Database, tenant: str, progress: Callable[[float], Awaitable[None]]) -> None:
    """As `Engine.erase`."""
    total = await database.read(lambda connection: sum(_count(connection, table, tenant) for table, _ in _TABLES))
    erased = 0
    for table, key in _TABLES:
        async for gone in erasing(database, table, key, "tenant = ?", [tenant]):
            erased += gone
            await progress(min(erased / max(total, 1), 1.0))
    await database.write(lambda connection: connection.execute(_FORGET_USAGE, {"tenant": tenant}))
    await _rewrite_words(database)
    await progress(1.0)


async def erasing(
    database: Database, table: str, key: str, condition: str, values: Sequence[str]
) -> AsyncIterator[int]:
    """Erases the rows that meet the condition: how many, batch by batch. It ends although others go on writing such."""
    limit = _MEMORIES_AT_ONCE if table == "memories" else _ROWS_AT_ONCE

    def write(connection: apsw.Connection) -> int:
        connection.execute(
            f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {limit})", values
        )
        return connection.changes()

    gone = limit
    while gone == limit:
        gone = await database.write(write)
        yield gone


async def _rewrite_words(database: Database) -> None:
    """Brings the full-text index into one piece: the words of a deleted row stay in it, though unfound, until then."""

    def merging(pages: int) -> Callable[[apsw.Connection], int]:
        def write(connection: apsw.Connection) -> int:
            before = connection.total_changes()
            connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
            return connection.total_changes() - before

        return write

    # As https://sqlite.org/fts5.html#the_merge_command has it: a negative number begins, less than two changes end it.
    changes = await database.write(merging(-_PAGES_AT_ONCE))
    while changes >= 2:
        changes = await database.write(merging(_PAGES_AT_ONCE))


def _count(connection: apsw.Connection, table: str, tenant: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table} WHERE tenant = ?", (tenant,)).get)

"""Writing a memory: its row, words, labels and vector. Usage and what a deletion takes along are triggers' affair."""

from collections.abc import Callable, Sequence

import apsw

from memory.engines.base import Limit, Record, Vector, Written
from memory.engines.sqlite.rows import COLUMNS, STORED, encode_vector, from_row, labels_of, to_row
from memory.engines.sqlite.scopes import scopes_of
from memory.engines.sqlite.usage import has_room
from memory.engines.words import indexed_words
from memory.model import Memory

_INSERT = (
    f"INSERT INTO memories (key, vector, {', '.join(COLUMNS)}) VALUES (?1, ?1, {', '.join('?' * len(COLUMNS))}) "
    "ON CONFLICT (tenant, id) DO NOTHING"
)
_UPDATE = f"UPDATE memories SET {', '.join(f'{column} = ?' for column in COLUMNS)} WHERE key = ?"


class MemoryTable:
    """For the writing thread, inside a transaction."""

    def __init__(self, *, number: Callable[[], int], dimension: int) -> None:
        """`number` gives rising numbers for keys and changes."""
        self._number = number
        self._dimension = dimension

    def insert(self, connection: apsw.Connection, record: Record, *, limits: Sequence[Limit] = ()) -> Written:
        memory = record.memory
        embedding = encode_vector(record.vector, self._dimension)
        if not has_room(connection, limits, memory):
            return Written.CLASH if _is_taken(connection, memory) else Written.FULL
        key = self._number()
        connection.execute(_INSERT, (key, *to_row(memory)))
        if not connection.changes():
            return Written.CLASH
        _write_words(connection, key, memory)
        _write_labels(connection, key, memory)
        _write_vector(connection, key, memory, embedding, change=key)
        return Written.DONE

    def replace(
        self,
        connection: apsw.Connection,
        memory: Memory,
        *,
        expected: int,
        vector: Vector | None,
        limits: Sequence[Limit] = (),
    ) -> Written:
        row = connection.execute(
            f"SELECT m.key, {STORED} FROM memories m WHERE tenant = ? AND id = ? AND version = ?",
            (memory.tenant, memory.id, expected),
        ).fetchone()
        if row is None:
            return Written.CLASH
        key, *stored = row
        old = from_row(*stored)
        if not has_room(connection, limits, memory, instead_of=old):
            return Written.FULL
        connection.execute(_UPDATE, (*to_row(memory), key))
        moved = old.owner != memory.owner
        if moved or old.content != memory.content:
            connection.execute("DELETE FROM words WHERE rowid = ?", (key,))
            _write_words(connection, key, memory)
        if labels_of(old) != labels_of(memory):
            connection.execute("DELETE FROM labels WHERE memory = ?", (key,))
            _write_labels(connection, key, memory)
        if vector is not None or moved or old.type != memory.type:
            query = "DELETE FROM vectors WHERE change = (SELECT vector FROM memories WHERE key = ?) RETURNING embedding"
            embedding = connection.execute(query, (key,)).get
            if vector is not None:
                embedding = encode_vector(vector, self._dimension)
            change = self._number()
            _write_vector(connection, key, memory, embedding, change=change)
            connection.execute("UPDATE memories SET vector = ? WHERE key = ?", (change, key))
        return Written.DONE


def _is_taken(connection: apsw.Connection, memory: Memory) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM memories WHERE tenant = ? AND id = ?)"
    return bool(connection.execute(query, (memory.tenant, memory.id)).get)


def _write_vector(connection: apsw.Connection, key: int, memory: Memory, embedding: bytes, *, change: int) -> None:
    scopes = scopes_of(memory.tenant, memory.namespace, memory.owner)
    connection.execute(
        "INSERT INTO vectors VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (change, key, memory.type == "episodic", *scopes, embedding),
    )


def _write_words(connection: apsw.Connection, key: int, memory: Memory) -> None:
    scopes = scopes_of(memory.tenant, memory.namespace, memory.owner)
    connection.execute(
        "INSERT INTO words (rowid, scope, content) VALUES (?, ?, ?)",
        (key, scopes.words, indexed_words(memory.content)),
    )


def _write_labels(connection: apsw.Connection, key: int, memory: Memory) -> None:
    connection.executemany("INSERT INTO labels VALUES (?, ?)", [(key, label) for label in labels_of(memory)])

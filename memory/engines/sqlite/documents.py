"""Documents on SQLite. What has expired is passed over when read, and removed by later writes."""

from collections.abc import Callable, Mapping, Sequence

import apsw

from memory.engines.base import Append, DeleteDocument, Document, PutDocument
from memory.engines.sqlite.database import Database
from memory.engines.sqlite.log import append

_LIVE = "(d.expires_at IS NULL OR d.expires_at > ?)"
_ONE = f"d.kind = ? AND d.tenant = ? AND d.key = ? AND {_LIVE}"
_FIELDS = "d.key, d.value, d.version"
_PURGED_AT_ONCE = 100


class SqliteDocuments:
    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def get(self, kind: str, tenant: str, key: str) -> Document | None:
        now = self._clock()
        return await self._database.read(
            lambda connection: _one(
                connection, f"SELECT {_FIELDS} FROM documents d WHERE {_ONE}", (kind, tenant, key, now)
            )
        )

    async def create(
        self, document: PutDocument, *, unique: Mapping[str, str] | None = None, log: Sequence[Append] = ()
    ) -> bool:
        now = self._clock()

        def write(connection: apsw.Connection) -> bool:
            created = _create(connection, document, unique or {}, now=now)
            if created:
                append(connection, log, now=now)
            return created

        return await self._database.write(write)

    async def replace(self, document: PutDocument, *, expected: int, log: Sequence[Append] = ()) -> bool:
        now = self._clock()

        def write(connection: apsw.Connection) -> bool:
            number = connection.execute(
                f"SELECT d.number FROM documents d WHERE {_ONE} AND d.version = ?",
                (document.kind, document.tenant, document.key, now, expected),
            ).get
            if number is None:
                return False
            _overwrite(connection, number, document, now=now)
            append(connection, log, now=now)
            return True

        return await self._database.write(write)

    async def find(self, kind: str, tenant: str, name: str, value: str) -> Document | None:
        now = self._clock()
        return await self._database.read(
            lambda connection: _one(
                connection,
                f"SELECT {_FIELDS} FROM document_uniques u JOIN documents d ON d.number = u.document "
                f"WHERE u.kind = ? AND u.tenant = ? AND u.name = ? AND u.value = ? AND {_LIVE}",
                (kind, tenant, name, value, now),
            )
        )

    async def delete(self, kind: str, tenant: str, key: str) -> bool:
        now = self._clock()
        document = DeleteDocument(kind=kind, tenant=tenant, key=key)
        return await self._database.write(lambda connection: delete(connection, document, now=now))

    async def list(
        self, kind: str, tenant: str, *, index: tuple[str, str] | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[list[Document], int]:
        now = self._clock()
        source = "documents d WHERE d.kind = ? AND d.tenant = ?"
        values: tuple[apsw.SQLiteValue, ...] = (kind, tenant)
        if index is not None:
            source = (
                "document_indexes i JOIN documents d ON d.number = i.document "
                "WHERE i.kind = ? AND i.tenant = ? AND i.name = ? AND i.value = ?"
            )
            values += index

        def read(connection: apsw.Connection) -> tuple[list[Document], int]:
            total = connection.execute(f"SELECT count(*) FROM {source} AND {_LIVE}", (*values, now)).get
            rows = connection.execute(
                f"SELECT {_FIELDS} FROM {source} AND {_LIVE} ORDER BY d.place, d.key LIMIT ? OFFSET ?",
                (*values, now, limit, offset),
            )
            return [Document(key=key, value=value, version=version) for key, value, version in rows], total

        return await self._database.read(read)


def put(connection: apsw.Connection, document: PutDocument, *, now: int) -> None:
    """Create it, or overwrite whatever is there."""
    _purge(connection, document, {}, now=now)
    number = connection.execute(
        "SELECT number FROM documents WHERE kind = ? AND tenant = ? AND key = ?",
        (document.kind, document.tenant, document.key),
    ).get
    if number is None:
        _insert(connection, document, now=now)
    else:
        _overwrite(connection, number, document, now=now)


def delete(connection: apsw.Connection, document: DeleteDocument, *, now: int) -> bool:
    values = (document.kind, document.tenant, document.key, now)
    connection.execute(f"DELETE FROM documents AS d WHERE {_ONE}", values)
    return connection.changes() == 1


def _create(connection: apsw.Connection, document: PutDocument, unique: Mapping[str, str], *, now: int) -> bool:
    _purge(connection, document, unique, now=now)
    try:
        with connection:
            number = _insert(connection, document, now=now)
            connection.executemany(
                "INSERT INTO document_uniques VALUES (?, ?, ?, ?, ?)",
                [(document.kind, document.tenant, name, value, number) for name, value in unique.items()],
            )
    except apsw.ConstraintError:
        return False
    return True


def _insert(connection: apsw.Connection, document: PutDocument, *, now: int) -> int:
    number = connection.execute(
        "INSERT INTO documents (kind, tenant, key, value, version, place, expires_at) VALUES (?, ?, ?, ?, 1, ?, ?) "
        "RETURNING number",
        (
            document.kind,
            document.tenant,
            document.key,
            document.value,
            float(document.order),
            _expiry(document, now=now),
        ),
    ).get
    _write_indexes(connection, number, document)
    return int(number)


def _overwrite(connection: apsw.Connection, number: int, document: PutDocument, *, now: int) -> None:
    connection.execute(
        "UPDATE documents SET value = ?, version = version + 1, place = ?, expires_at = ? WHERE number = ?",
        (document.value, float(document.order), _expiry(document, now=now), number),
    )
    connection.execute("DELETE FROM document_indexes WHERE document = ?", (number,))
    _write_indexes(connection, number, document)


def _write_indexes(connection: apsw.Connection, number: int, document: PutDocument) -> None:
    connection.executemany(
        "INSERT INTO document_indexes VALUES (?, ?, ?, ?, ?)",
        [(document.kind, document.tenant, name, value, number) for name, value in document.indexes.items()],
    )


def _purge(connection: apsw.Connection, document: PutDocument, unique: Mapping[str, str], *, now: int) -> None:
    """Remove what has expired: what stands in the document's way, and some of the rest."""
    connection.execute(
        "DELETE FROM documents WHERE kind = ? AND tenant = ? AND key = ? AND expires_at <= ?",
        (document.kind, document.tenant, document.key, now),
    )
    for name, value in unique.items():
        connection.execute(
            "DELETE FROM documents WHERE expires_at <= ? AND number IN (SELECT document FROM document_uniques "
            "WHERE kind = ? AND tenant = ? AND name = ? AND value = ?)",
            (now, document.kind, document.tenant, name, value),
        )
    connection.execute(
        "DELETE FROM documents WHERE number IN "
        f"(SELECT number FROM documents WHERE expires_at <= ? LIMIT {_PURGED_AT_ONCE})",
        (now,),
    )


def _expiry(document: PutDocument, *, now: int) -> int | None:
    return None if document.ttl_seconds is None else now + document.ttl_seconds * 1000


def _one(connection: apsw.Connection, query: str, values: "tuple[apsw.SQLiteValue, ...]") -> Document | None:
    row = connection.execute(query, values).fetchone()
    return None if row is None else Document(key=row[0], value=row[1], version=row[2])

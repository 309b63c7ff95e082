"""Making the tables, and refusing what this version must not touch."""

from pathlib import Path

import apsw

from memory.engines.base import EmbeddingSpec
from memory.errors import Misconfigured

APPLICATION = 0x52454D4F
"""`REMO` in the file's header: the database is Remora's."""

STEPS = ("schema.sql", "tenants.sql")
"""The script at place n brings a database of version n to version n + 1."""

VERSION = len(STEPS)


def prepare(connection: apsw.Connection, embedding: EmbeddingSpec, *, reindexing: bool) -> None:
    """Create or bring forward the tables, and record the embedder in a new database.

    Raises Misconfigured for another application's database, one of a newer version, and, unless `reindexing`, one
    of another embedder or one whose reindexing was interrupted.
    """
    with connection:
        _bring_forward(connection)
        _check_embedder(connection, embedding, reindexing=reindexing)


def begin_reindexing(connection: apsw.Connection, embedding: EmbeddingSpec) -> None:
    """Make the store the embedder's; nobody else enters until `end_reindexing`."""
    _record(connection, embedding)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('reindexing', 'interrupted')")


def end_reindexing(connection: apsw.Connection) -> None:
    connection.execute("DELETE FROM meta WHERE name = 'reindexing'")


def highest_number(connection: apsw.Connection) -> int:
    """The highest in use as a key of a memory or a change of a vector."""
    query = "SELECT max(coalesce((SELECT max(key) FROM memories), 0), coalesce((SELECT max(change) FROM vectors), 0))"
    return int(connection.execute(query).get)


def _bring_forward(connection: apsw.Connection) -> None:
    version = connection.pragma("user_version")
    is_empty = not connection.execute("SELECT count(*) FROM sqlite_schema").get
    if not is_empty and connection.pragma("application_id") != APPLICATION:
        raise Misconfigured(f"REMORA_STORE: '{connection.filename}' is another application's database")
    if version > VERSION:
        raise Misconfigured(
            f"REMORA_STORE: '{connection.filename}' was written by a newer Remora (its schema is of version {version}, "
            f"this Remora knows {VERSION}): upgrade this one"
        )
    for step in STEPS[version:]:
        connection.execute(Path(__file__).with_name(step).read_text(encoding="utf-8"))
    if version < VERSION:
        connection.pragma("application_id", APPLICATION)
        connection.pragma("user_version", VERSION)


def _check_embedder(connection: apsw.Connection, embedding: EmbeddingSpec, *, reindexing: bool) -> None:
    known = dict(connection.execute("SELECT name, value FROM meta"))
    if "embedder" not in known:
        _record(connection, embedding)
        return
    if reindexing:
        return
    if "reindexing" in known:
        raise Misconfigured(f"the reindexing for '{known['embedder']}' was interrupted: run `remora reindex` again")
    if (known["embedder"], known["dimension"]) != (embedding.name, str(embedding.dimension)):
        raise Misconfigured(
            f"the store's vectors are of the embedder '{known['embedder']}' ({known['dimension']} dimensions), but the "
            f"one configured is '{embedding.name}' ({embedding.dimension}): configure that one, or run `remora reindex`"
        )


def _record(connection: apsw.Connection, embedding: EmbeddingSpec) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO meta VALUES (?, ?)",
        [("embedder", embedding.name), ("dimension", str(embedding.dimension))],
    )

"""Databases of earlier versions, as they wrote them, opened by this one."""

import itertools
from pathlib import Path

import apsw
import pytest

from memory.engines.base import Filter, Limit, SearchQuery, Take, Usage, Written
from memory.engines.sqlite import schema
from memory.engines.sqlite.engine import SqliteEngine
from memory.engines.sqlite.table import MemoryTable
from tests.contract.examples import NAMESPACE, NOW, TENANT, a_record, a_vector
from tests.contract.stores import SPEC

RECORDS = [
    a_record(1, "likes tea", vector=a_vector("v"), user_id="ann", tags=["drinks"]),
    a_record(2, "likes coffee", namespace="other"),
    a_record(3, "gone", state="deleted"),
    a_record(1, "another tenant's", tenant="other"),
]
WINDOW = Take(tenant=TENANT, name="calls", limit=5, window_seconds=10**9)


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    """A database that version 1 has written to."""
    path = tmp_path / "remora.db"
    with apsw.Connection(str(path)) as connection:
        connection.execute(Path(schema.__file__).with_name(schema.STEPS[0]).read_text())
        connection.pragma("application_id", schema.APPLICATION)
        connection.pragma("user_version", 1)
        connection.execute(
            "INSERT INTO meta VALUES ('embedder', ?), ('dimension', ?)", (SPEC.name, str(SPEC.dimension))
        )
        table = MemoryTable(number=itertools.count(1).__next__, dimension=SPEC.dimension)
        for record in RECORDS:
            assert table.insert(connection, record) is Written.DONE
        connection.execute("INSERT INTO windows VALUES (?, 'calls', 2000000000000, 4)", (TENANT,))
        connection.execute(
            "INSERT INTO jobs (kind, tenant, payload, state, head, ready_at, enqueued_at) "
            "VALUES ('k', ?, CAST('p' AS BLOB), 'waiting', 1, ?2, ?2)",
            (TENANT, NOW),
        )
    connection.close()
    return path


async def test_a_database_of_version_1_is_brought_forward_and_all_of_it_is_found(version_1: Path) -> None:
    async with SqliteEngine(version_1, embedding=SPEC) as engine:
        assert await engine.memories.get(TENANT, [1, 2, 3]) == [record.memory for record in RECORDS[:3]]
        where = Filter(tenant=TENANT, owners=("u:ann",), tags=("drinks",))
        [hit] = await engine.memories.search(where, SearchQuery(text="tea", vector=a_vector("v")))
        assert (hit.id, hit.text) == (1, 1.0)
        assert [job.payload for job in await engine.jobs.lease("w")] == [b"p"]
        version = await engine._database.read(lambda connection: connection.pragma("user_version"))
        assert version == schema.VERSION


async def test_what_version_1_stored_counts_towards_limits(version_1: Path) -> None:
    async with SqliteEngine(version_1, embedding=SPEC) as engine:
        assert await engine.memories.usage(TENANT) == Usage(memories=2, tokens=4, bytes=21)
        assert await engine.memories.usage(TENANT, NAMESPACE) == Usage(memories=1, tokens=2, bytes=9)
        full = await engine.memories.insert([a_record(4)], limits=[Limit(memories=2)])
        assert full == [Written.FULL]
        await engine.memories.erase(TENANT)
        assert await engine.memories.usage(TENANT) == Usage()


async def test_a_window_of_version_1_is_forgotten(version_1: Path) -> None:
    """It does not say its length."""
    async with SqliteEngine(version_1, embedding=SPEC) as engine:
        [taken] = await engine.counters.take([WINDOW])
        assert taken.remaining == 4


async def test_a_failed_step_leaves_the_database_as_it_was(version_1: Path) -> None:
    connection = apsw.Connection(str(version_1))
    connection.execute("CREATE TABLE totals (in_the_way INTEGER)")
    before = connection.execute("SELECT sql FROM sqlite_schema").fetchall()
    with pytest.raises(apsw.SQLError):
        schema.prepare(connection, SPEC, reindexing=False)
    assert connection.pragma("user_version") == 1
    assert connection.execute("SELECT sql FROM sqlite_schema").fetchall() == before
    connection.close()

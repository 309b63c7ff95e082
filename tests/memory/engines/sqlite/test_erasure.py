"""What an erased tenant leaves in the tables and in the file, which is nothing."""

from pathlib import Path

import apsw

from memory.engines.base import Append, PutDocument
from memory.engines.sqlite.engine import SqliteEngine
from tests.contract.examples import a_record, given
from tests.contract.stores import SPEC
from tests.contract.tenants import Tenant

OF_MEMORIES = {"labels", "vectors", "words", "document_indexes", "document_uniques"}


def rows(connection: apsw.Connection) -> dict[str, int]:
    """How many are in each table."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {table: connection.execute(f"SELECT count(*) FROM {table}").get for table in tables}


async def test_no_table_holds_a_row_of_an_erased_tenant() -> None:
    async def untold(share: float) -> None:
        pass

    async with SqliteEngine(None, embedding=SPEC) as engine:
        await Tenant(engine, "kept").fill()
        before = await engine._database.read(rows)
        await Tenant(engine, "erased").fill()
        await engine.erase("erased", untold)
        after = await engine._database.read(rows)
        assert after.keys() > OF_MEMORIES
        # The full-text index keeps blocks of its own.
        assert {table: n for table, n in after.items() if not table.startswith("words_")} == {
            table: n for table, n in before.items() if not table.startswith("words_")
        }


async def test_no_byte_of_the_file_tells_what_an_erased_tenant_had(tmp_path: Path) -> None:
    async def untold(share: float) -> None:
        pass

    path = tmp_path / "remora.db"
    sentence, rare = "the zebrafinch sleeps over Quixada", "zebrafinch"
    async with SqliteEngine(path, embedding=SPEC) as engine:
        for first in range(0, 200, 10):
            numbers = range(first, first + 10)
            await given(engine, *(a_record(n, f"kept tea {n}", tenant="kept") for n in numbers))
            if first % 100 == 0:  # few enough for FTS5 not to see to them by itself
                await given(engine, a_record(first, f"{sentence} {first}", tenant="erased", tags=[rare]))
        document = PutDocument(kind="k", tenant="erased", key="key", value=sentence.encode() * 1000)
        await engine.commit([document, Append(tenant="erased", stream="s", entry=sentence.encode())])
    before = path.read_bytes()
    assert sentence.encode() in before
    async with SqliteEngine(path, embedding=SPEC) as engine:
        await engine.erase("erased", untold)
    after = path.read_bytes()
    assert b"kept tea 7" in after
    for text in (sentence, rare, "zebrafin", "quixada", "erased"):
        assert after.lower().count(text.encode()) == 0, text
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.endswith("-wal")] == []

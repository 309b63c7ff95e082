"""What an erased tenant leaves in the tables, which is nothing."""

import apsw

from memory.engines.sqlite.engine import SqliteEngine
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

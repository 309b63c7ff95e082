"""Small scopes held beside SQLite: who tells of a change, and when what is held ends."""

import asyncio
from pathlib import Path

import apsw

from memory.engines.base import Filter, SearchQuery
from memory.engines.small import Scope
from memory.engines.sqlite.changes import Change, Changes
from memory.engines.sqlite.engine import SqliteEngine
from tests.contract.examples import NAMESPACE, TENANT, a_record, a_vector
from tests.contract.examples import given as stored
from tests.contract.stores import SPEC

MINE = Filter(tenant=TENANT, namespaces=(NAMESPACE,), owners=("u:ann",))
ANN = Scope(TENANT, NAMESPACE, "u:ann")


async def found(engine: SqliteEngine) -> set[int]:
    return {hit.id for hit in await engine.memories.search(MINE, SearchQuery(vector=a_vector("q")))}


async def reads(engine: SqliteEngine, count: int) -> int:
    """How often the database is read for so many searches at once."""
    statements: list[str] = []

    def trace(_cursor: apsw.Cursor, statement: str, _bindings: object) -> bool:
        statements.append(statement)
        return True

    await engine._database.read(lambda connection: setattr(connection, "exec_trace", trace))
    await asyncio.gather(*(found(engine) for _ in range(count)))
    await engine._database.read(lambda connection: setattr(connection, "exec_trace", None))
    return sum(statement.startswith("SELECT v.embedding") for statement in statements)


async def test_many_searches_at_once_read_once_and_then_no_more() -> None:
    async with SqliteEngine(None, embedding=SPEC) as engine:
        await stored(engine, *(a_record(id, user_id="ann") for id in range(5)))
        assert await reads(engine, 20) == 1
        assert await reads(engine, 20) == 0
        await stored(engine, a_record(5, user_id="ann"), a_record(6, user_id="bob"))
        assert await reads(engine, 20) == 1


async def test_an_engine_told_to_hold_nothing_searches() -> None:
    async with SqliteEngine(None, embedding=SPEC, held_bytes=0) as engine:
        await stored(engine, a_record(1, user_id="ann"))
        assert await found(engine) == {1}
        assert await reads(engine, 5) == 0


async def test_a_scope_that_all_room_is_too_little_for_is_read_once_and_left_to_the_engine() -> None:
    async with SqliteEngine(None, embedding=SPEC, held_bytes=5_000) as engine:
        await stored(engine, *(a_record(id, user_id="ann") for id in range(50)))
        assert await reads(engine, 5) == 1
        assert await found(engine) == set(range(50))


async def test_what_another_engine_wrote_while_this_one_was_closed_is_found(tmp_path: Path) -> None:
    engine = SqliteEngine(tmp_path / "remora.db", embedding=SPEC)
    async with engine:
        await stored(engine, a_record(1, user_id="ann"))
        assert await found(engine) == {1}
    async with SqliteEngine(tmp_path / "remora.db", embedding=SPEC) as other:
        await stored(other, a_record(2, user_id="ann"))
    async with engine:
        assert await found(engine) == {1, 2}


def test_what_a_commit_changed_is_told_once() -> None:
    told: list[dict[Scope, Change]] = []
    changes = Changes()
    changes.tell = lambda written: told.append(dict(written))
    connection = apsw.Connection(":memory:")
    connection.execute(
        "CREATE TABLE memories (id, tenant, namespace, owner, record, vector, accessed_at, access_count, search_count)"
    )
    changes.watch(connection)
    for statement in (
        f"INSERT INTO memories VALUES (1, '{TENANT}', '{NAMESPACE}', 'u:ann', 'a', 1, 0, 0, 0)",
        "UPDATE memories SET owner = 'u:bob', record = 'b'",
        "UPDATE memories SET search_count = 1",
        "UPDATE memories SET access_count = 2, accessed_at = 9",
        "DELETE FROM memories",
    ):
        connection.execute(statement)
        changes.committed()
    bob = ANN._replace(owner="u:bob")
    assert told == [
        {ANN: Change(ids={1})},
        {ANN: Change(ids={1}), bob: Change(ids={1})},
        {bob: Change(accesses={1: (9, 2)})},
        {bob: Change(ids={1})},
    ]

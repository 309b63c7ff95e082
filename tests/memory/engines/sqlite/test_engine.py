"""What the embedded engine refuses to open, and what it says then."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from memory.engines.base import Vector
from memory.engines.sqlite.engine import SqliteEngine
from memory.engines.sqlite.schema import VERSION
from memory.errors import Misconfigured
from tests.contract.examples import a_vector
from tests.contract.stores import SPEC

HOLD = """
import asyncio, pathlib, sys
from memory.engines.sqlite.engine import SqliteEngine
from tests.contract.stores import SPEC

async def main():
    async with SqliteEngine(pathlib.Path(sys.argv[1]), embedding=SPEC):
        print("open", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def embed(texts: Sequence[str]) -> list[Vector]:
    return [a_vector(text) for text in texts]


def untold(done: int, total: int) -> None:
    """For a reindexing whose progress nobody watches."""


async def refusal(path: Path) -> str:
    with pytest.raises(Misconfigured) as caught:
        async with SqliteEngine(path, embedding=SPEC):
            pass
    return str(caught.value)


async def test_a_second_engine_is_refused_and_pointed_to_redis(tmp_path: Path) -> None:
    path = tmp_path / "remora.db"
    async with SqliteEngine(path, embedding=SPEC) as first:
        message = await refusal(path)
        await first.ping()
    assert str(path) in message
    assert "redis://" in message


async def test_another_name_for_the_same_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "remora.db")
    async with SqliteEngine(tmp_path / "remora.db", embedding=SPEC):
        assert "redis://" in await refusal(tmp_path / "link.db")


async def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "remora.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"open\n"
        assert "redis://" in await refusal(path)
    finally:
        process.kill()
        await process.communicate()
    async with SqliteEngine(path, embedding=SPEC) as engine:
        await engine.ping()


async def test_a_refused_engine_leaves_the_file_free(tmp_path: Path) -> None:
    path = tmp_path / "remora.db"
    path.write_bytes(b"no database" * 1000)
    await refusal(path)
    path.unlink()
    async with SqliteEngine(path, embedding=SPEC) as engine:
        await engine.ping()


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "missing") in await refusal(tmp_path / "missing" / "remora.db")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"a shopping list\n" * 1000)
    assert str(path) in await refusal(path)
    assert path.read_bytes() == b"a shopping list\n" * 1000


async def test_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert str(tmp_path / "folder") in await refusal(tmp_path / "folder")


async def test_another_applications_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with apsw.Connection(str(path)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    assert "another application" in await refusal(path)
    left = apsw.Connection(str(path))
    assert left.execute("SELECT name FROM sqlite_schema").fetchall() == [("recipes",)]
    left.close()


async def test_a_newer_schema_is_refused_by_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "remora.db"
    async with SqliteEngine(path, embedding=SPEC):
        pass
    newer = apsw.Connection(str(path))
    newer.execute(f"PRAGMA user_version = {VERSION + 6}")
    newer.close()
    message = await refusal(path)
    assert str(VERSION + 6) in message
    assert "upgrade" in message


async def test_a_store_whose_reindexing_was_interrupted_is_refused_until_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "remora.db"
    async with SqliteEngine(path, embedding=SPEC):
        pass
    broken = apsw.Connection(str(path))
    broken.execute("INSERT INTO meta VALUES ('reindexing', 'interrupted')")
    broken.close()
    assert "remora reindex" in await refusal(path)


async def test_only_an_engine_made_for_it_reindexes() -> None:
    async with SqliteEngine(None, embedding=SPEC) as engine:
        with pytest.raises(RuntimeError):
            await engine.reindex(embed, untold)


async def test_advice_warns_of_a_store_in_memory_only(tmp_path: Path) -> None:
    async with SqliteEngine(None, embedding=SPEC) as engine:
        assert len(await engine.advice()) == 1
    async with SqliteEngine(tmp_path / "remora.db", embedding=SPEC) as engine:
        assert await engine.advice() == []

"""Threads, transactions and deadlines."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import apsw
import pytest

from memory.engines.sqlite.database import Database
from memory.errors import StoreUnavailable
from tests.contract.stores import SPEC

ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
INSERT = "INSERT INTO counters VALUES ('t', ?, 1)"


def insert(name: str) -> Callable[[apsw.Connection], None]:
    def write(connection: apsw.Connection) -> None:
        connection.execute(INSERT, (name,))

    return write


async def stored(database: Database) -> list[str]:
    return await database.read(
        lambda connection: [str(name) for (name,) in connection.execute("SELECT name FROM counters ORDER BY name")]
    )


class Gate:
    """A write that holds the writing thread until it is opened, so that others queue up behind it."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()

    def __call__(self, _: apsw.Connection) -> None:
        self._reached.set()
        assert self._open.wait(30)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, 30)

    def open(self) -> None:
        self._open.set()


async def test_only_a_lasting_write_waits_for_the_disk_and_others_do_not_wait_for_it(database: Database) -> None:
    order: list[tuple[str, int]] = []

    def write(name: str) -> Callable[[apsw.Connection], None]:
        return lambda connection: order.append((name, connection.pragma("synchronous")))

    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(database.write(gate))
        await gate.reached()
        for name, lasting in (("one", True), ("two", False), ("three", True), ("four", False)):
            group.create_task(database.write(write(name), lasting=lasting))
            await asyncio.sleep(0)
        gate.open()
    normal, full = 1, 2
    assert order == [("two", normal), ("four", normal), ("one", full), ("three", full)]


async def test_a_cancelled_read_is_interrupted_and_leaves_the_connection_usable(database: Database) -> None:
    begun = threading.Event()

    def endless(connection: apsw.Connection) -> None:
        begun.set()
        connection.execute(ENDLESS).fetchall()

    async with asyncio.TaskGroup() as group:
        readings = [group.create_task(database.read(endless)) for _ in range(4)]
        assert await asyncio.to_thread(begun.wait, 30)
        for reading in readings:
            reading.cancel()
    # As many reads as there are threads at the least: none of them is still busy.
    assert await asyncio.gather(*(stored(database) for _ in range(8))) == [[]] * 8


async def test_a_deadline_interrupts_only_the_read_it_is_for(database: Database) -> None:
    def slow(connection: apsw.Connection) -> int:
        query = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 300000) SELECT count(*) FROM n"
        return int(connection.execute(query).get)

    async def short() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(database.read(lambda connection: connection.execute(ENDLESS).fetchall()), 0.02)

    answers = await asyncio.gather(*(database.read(slow) for _ in range(4)), *(short() for _ in range(4)))
    assert answers[:4] == [300_000] * 4


async def test_a_write_cancelled_before_it_began_does_not_take_place(database: Database) -> None:
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(database.write(gate))
        await gate.reached()
        cancelled = group.create_task(database.write(insert("cancelled")))
        kept = group.create_task(database.write(insert("kept")))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(0)
        gate.open()
    assert kept.done()
    assert await stored(database) == ["kept"]


async def test_a_write_cancelled_under_way_takes_place_whole(database: Database) -> None:
    gate = Gate()

    def two(connection: apsw.Connection) -> None:
        connection.execute(INSERT, ("one",))
        gate(connection)
        connection.execute(INSERT, ("two",))

    async with asyncio.TaskGroup() as group:
        cancelled = group.create_task(database.write(two))
        await gate.reached()
        cancelled.cancel()
        await asyncio.sleep(0)
        gate.open()
    await database.write(insert("three"))
    assert await stored(database) == ["one", "three", "two"]


async def test_writes_that_waited_together_share_a_transaction_but_not_a_failure(database: Database) -> None:
    gate = Gate()

    def failing(connection: apsw.Connection) -> None:
        connection.execute(INSERT, ("half",))
        raise ValueError("the caller's own")

    async with asyncio.TaskGroup() as group:
        group.create_task(database.write(gate))
        await gate.reached()
        calls = [database.write(call) for call in (insert("a"), insert("a"), failing, insert("b"))]
        writes = [group.create_task(_outcome(call)) for call in calls]
        await asyncio.sleep(0)
        gate.open()
    outcomes = [type(write.result()) for write in writes]
    assert outcomes == [type(None), StoreUnavailable, ValueError, type(None)]
    assert await stored(database) == ["a", "b"]


async def test_a_write_that_fills_the_disk_takes_no_other_with_it(database: Database) -> None:
    pages = await database.read(lambda connection: int(connection.execute("PRAGMA page_count").get))
    await database.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 20}"))
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(database.write(gate))
        await gate.reached()
        calls = [database.write(insert("a")), database.write(insert("x" * 500_000)), database.write(insert("b"))]
        writes = [group.create_task(_outcome(call)) for call in calls]
        await asyncio.sleep(0)
        gate.open()
    outcomes = [write.result() for write in writes]
    assert [type(outcome) for outcome in outcomes] == [type(None), StoreUnavailable, type(None)]
    assert await stored(database) == ["a", "b"]


async def test_what_was_queued_before_the_end_is_written(database: Database) -> None:
    async with asyncio.TaskGroup() as group:
        writes = [group.create_task(database.write(insert(f"{n:02}"))) for n in range(20)]
        await asyncio.sleep(0)
        await database.close()
    assert all(write.done() for write in writes)
    with pytest.raises(StoreUnavailable):
        await stored(database)


async def test_a_database_that_was_closed_can_be_opened_again(database: Database) -> None:
    await database.close()
    await database.open(SPEC, reindexing=False)
    await database.write(insert("a"))
    assert await stored(database) == ["a"]


async def test_every_transaction_waits_for_the_disk(database: Database) -> None:
    full = 2
    assert await database.write(lambda connection: connection.execute("PRAGMA synchronous").get) == full


async def _outcome(call: Awaitable[None]) -> Exception | None:
    try:
        await call
    except (StoreUnavailable, ValueError) as error:
        return error
    return None

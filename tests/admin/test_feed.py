"""The live feed: what a listener is told, and what not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from admin.feed import WAITING, Feed, Listener, Wanted
from config.supervisor import Supervisor
from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Append, Engine, Entry
from memory.engines.redis.engine import RedisEngine
from memory.errors import Unavailable
from memory.service.events import KEPT, STREAM, Event, Kind, append
from tests.support.redis_server import RedisServer
from tests.support.services import START, a_caller


class Heard(Struct):
    """A server-sent event, read as a client reads it."""

    event: str
    data: dict[str, object]
    id: str | None = None


@pytest.fixture
def feed(either_engine: Engine, supervisor: Supervisor) -> Feed:
    return Feed(either_engine.log, supervisor, listeners=3)


def an_event(id: str, *, kind: Kind = "memory.created", namespace: str = "default") -> Event:
    return Event(kind=kind, at=START, namespace=namespace, id=id)


async def happens(engine: Engine, *names: str, tenant: str = "default", **given: str) -> None:
    await engine.log.append([append(tenant, an_event(name, **given)) for name in names])  # type: ignore[arg-type]


async def ids_in(engine: Engine) -> list[str]:
    return [entry.id for entry in await engine.log.read("default", STREAM, limit=2 * KEPT)]


async def heard(listener: Listener, count: int) -> list[Heard]:
    """The next so many events."""
    told: list[Heard] = []
    async with asyncio.timeout(10):
        async for frame in listener.frames():
            told.append(read(frame))
            if len(told) == count:
                return told
    raise AssertionError(f"it ended after {told}")


async def until_its_end(listener: Listener) -> list[Heard]:
    async with asyncio.timeout(10):
        return [read(frame) async for frame in listener.frames()]


def read(frame: bytes) -> Heard:
    assert frame.endswith(b"\n\n")
    fields = dict(line.split(": ", 1) for line in frame.decode().rstrip("\n").split("\n"))
    return Heard(fields["event"], msgspec.json.decode(fields["data"]), fields.get("id"))


def names(told: list[Heard]) -> list[object]:
    return [one.data.get("id", one.event) for one in told]


@asynccontextmanager
async def listening(
    feed: Feed, caller: Caller | None = None, *, after: str | None = None, **given: object
) -> AsyncIterator[Listener]:
    wanted = Wanted(caller=caller or a_caller(), **given)  # type: ignore[arg-type]
    async with feed.listen(wanted, after=after) as listener:
        yield listener


async def test_a_listener_is_told_what_happens_from_now_on_in_order(feed: Feed, either_engine: Engine) -> None:
    await happens(either_engine, "before")
    async with listening(feed) as listener:
        await happens(either_engine, "first", "second")
        told = await heard(listener, 2)
    assert names(told) == ["first", "second"]
    assert [one.id for one in told] == (await ids_in(either_engine))[1:]
    assert told[0].event == "memory.created"
    assert told[0].data == {
        "kind": "memory.created",
        "at": "2026-01-19T10:00:00Z",
        "namespace": "default",
        "id": "first",
    }


async def test_the_first_event_of_all_is_told(feed: Feed, either_engine: Engine) -> None:
    async with listening(feed) as listener:
        await happens(either_engine, "first")
        assert names(await heard(listener, 1)) == ["first"]


async def test_a_listener_goes_on_after_the_last_event_it_had(feed: Feed, either_engine: Engine) -> None:
    await happens(either_engine, "a", "b", "c", "d")
    after = (await ids_in(either_engine))[1]
    async with listening(feed, after=after) as listener:
        await happens(either_engine, "e")
        assert names(await heard(listener, 3)) == ["c", "d", "e"]


async def test_nothing_is_told_twice_to_one_that_knows_more_than_the_reader(feed: Feed, either_engine: Engine) -> None:
    async with listening(feed) as first:
        await happens(either_engine, "a", "b")
        # The reader may not have seen them yet.
        async with listening(feed, after=(await ids_in(either_engine))[0]) as second:
            await happens(either_engine, "c")
            assert names(await heard(second, 2)) == ["b", "c"]
        assert names(await heard(first, 3)) == ["a", "b", "c"]


@pytest.mark.parametrize("after", ["unknown", "0000000000000000", "z" * 64, "0000-00000000000"])
async def test_what_goes_on_after_an_unknown_event_is_told_so_and_all_that_is_kept(
    feed: Feed, either_engine: Engine, after: str
) -> None:
    await happens(either_engine, "a", "b")
    async with listening(feed, after=after) as listener:
        await happens(either_engine, "c")
        told = await heard(listener, 4)
    assert names(told) == ["missed", "a", "b", "c"]
    assert told[0].id is None


async def test_what_is_no_longer_kept_is_told_as_missed(feed: Feed, either_engine: Engine) -> None:
    await happens(either_engine, "0")
    [after] = await ids_in(either_engine)
    await happens(either_engine, *(str(number) for number in range(1, KEPT + 5)))
    async with listening(feed, after=after) as listener:
        told = await heard(listener, KEPT + 1)
    assert names(told) == ["missed", *(str(number) for number in range(5, KEPT + 5))]


async def test_a_listener_of_another_tenant_is_told_nothing(feed: Feed, either_engine: Engine) -> None:
    async with listening(feed, a_caller(tenant="other")) as other, listening(feed) as listener:
        await happens(either_engine, "mine")
        await happens(either_engine, "theirs", tenant="other")
        assert names(await heard(listener, 1)) == ["mine"]
        assert names(await heard(other, 1)) == ["theirs"]


async def test_an_id_of_another_tenant_says_nothing_of_it(feed: Feed, either_engine: Engine) -> None:
    await happens(either_engine, "theirs", tenant="other")
    [theirs] = await either_engine.log.read("other", STREAM)
    async with listening(feed, after=theirs.id) as listener:
        await happens(either_engine, "mine")
        assert names(await heard(listener, 2)) == ["missed", "mine"]


async def test_a_restricted_key_is_told_of_its_namespaces_alone(feed: Feed, either_engine: Engine) -> None:
    await happens(either_engine, "mark", "a", namespace="open")
    after = (await ids_in(either_engine))[0]
    await happens(either_engine, "b", namespace="closed")
    async with listening(feed, a_caller(namespaces=frozenset(["open"])), after=after) as listener:
        await happens(either_engine, "c", namespace="closed")
        await happens(either_engine, "d", namespace="open")
        assert names(await heard(listener, 2)) == ["a", "d"]


async def test_a_listener_may_ask_for_one_namespace_and_some_kinds(feed: Feed, either_engine: Engine) -> None:
    async with listening(feed, namespace="notes", kinds=frozenset(["receipt"])) as listener:
        await happens(either_engine, "a", namespace="notes")
        await happens(either_engine, "b", kind="receipt")
        await happens(either_engine, "c", namespace="notes", kind="receipt")
        assert names(await heard(listener, 1)) == ["c"]


async def test_one_that_reads_too_slowly_is_ended_and_can_go_on_where_it_was(feed: Feed, either_engine: Engine) -> None:
    async with listening(feed) as slow, listening(feed, kinds=frozenset(["receipt"])) as quick:
        for start in range(0, WAITING + 50, 210):
            await happens(either_engine, *(str(number) for number in range(start, start + 210)))
            await happens(either_engine, "pass", kind="receipt")
            await heard(quick, 1)  # so that what came before was told
        told = await until_its_end(slow)
    assert len(told) == WAITING + 1
    assert told[-1].event == "too_slow"
    async with listening(feed, after=told[-2].id) as listener:
        rest = await heard(listener, 50)
    everything = [name for name in names(told[:-1] + rest) if name != "pass"]
    assert everything == [str(number) for number in range(len(everything))]


async def test_a_burst_of_more_than_is_kept_is_told_as_missed(feed: Feed, either_engine: Engine) -> None:
    async with listening(feed) as listener:
        await happens(either_engine, *(str(number) for number in range(KEPT + 10)))
        assert names(await heard(listener, 2)) == ["missed", "10"]


async def test_a_tenant_has_no_more_listeners_than_may_be_and_takes_nobody_elses_place(feed: Feed) -> None:
    async with listening(feed), listening(feed):
        async with listening(feed), listening(feed, a_caller(tenant="other")):
            with pytest.raises(Unavailable):
                await listening(feed).__aenter__()
        async with listening(feed):
            pass


async def test_nothing_reads_while_nobody_listens(feed: Feed) -> None:
    def readers() -> int:
        return sum(task.get_name() == "feed reader" and not task.cancelling() for task in asyncio.all_tasks())

    async with listening(feed), listening(feed), listening(feed, a_caller(tenant="other")):
        assert readers() == 2
    assert readers() == 0


async def test_the_end_of_the_server_ends_its_listeners(either_engine: Engine) -> None:
    async with Supervisor() as supervisor:
        feed = Feed(either_engine.log, supervisor, listeners=1)
        listen = listening(feed)
        listener = await listen.__aenter__()
        await happens(either_engine, "last")
        await heard(listener, 1)
    assert await until_its_end(listener) == []
    await listen.__aexit__(None, None, None)


async def test_listeners_outlive_an_outage_of_the_store(
    private_redis_server: RedisServer, embedder: BundledEmbedder, supervisor: Supervisor
) -> None:
    async with RedisEngine(private_redis_server.url, prefix="feed", embedding=embedder.spec) as engine:
        feed = Feed(engine.log, supervisor, listeners=2)
        async with listening(feed) as listener:
            private_redis_server.stop()
            with pytest.raises(Unavailable):
                await listening(feed, a_caller(tenant="other")).__aenter__()
            private_redis_server.start()
            async with asyncio.timeout(20):
                while True:
                    try:
                        await happens(engine, "afterwards")
                    except Unavailable:
                        continue
                    break
            assert names(await heard(listener, 1)) == ["afterwards"]


async def test_an_event_of_a_later_version_is_passed_over_and_logged_once(
    feed: Feed, either_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    later = Append(tenant="default", stream=STREAM, entry=b'{"kind": "memory.dreamt", "at": 1}')
    await happens(either_engine, "a")
    [after] = await ids_in(either_engine)
    await either_engine.log.append([later])
    await happens(either_engine, "b")
    async with listening(feed, after=after) as listener:
        await either_engine.log.append([later, later])
        await happens(either_engine, "c")
        assert names(await heard(listener, 2)) == ["b", "c"]
    assert caplog.text.count("passes over") == 1


async def test_a_reader_that_a_fault_ended_is_replaced(either_engine: Engine, supervisor: Supervisor) -> None:
    class Faulty:
        fails = False

        async def read(self, *given: Any, **options: Any) -> list[Entry]:
            if self.fails:
                raise ValueError("a fault of ours")
            return await either_engine.log.read(*given, **options)

    log: Any = Faulty()
    feed = Feed(log, supervisor, listeners=2)
    async with listening(feed) as first:
        log.fails = True
        assert await until_its_end(first) == []
        log.fails = False
        async with listening(feed) as second:
            await happens(either_engine, "a")
            assert names(await heard(second, 1)) == ["a"]

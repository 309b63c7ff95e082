"""Small scopes held beside Redis: what a look costs, and what makes it look again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any

import pytest
import redis.asyncio

from memory.engines.base import Filter, Neighbourhood, SearchQuery
from memory.engines.redis.engine import RedisEngine
from memory.engines.redis.journal import Version
from memory.engines.redis.keys import Keys
from tests.contract.examples import NAMESPACE, TENANT, a_record, a_vector
from tests.contract.examples import given as stored
from tests.contract.stores import SPEC
from tests.support.engines import indexed

TEA = SearchQuery(text="tea", vector=a_vector("q"), limit=200)


def of(user: str) -> Filter:
    return Filter(tenant=TENANT, namespaces=(NAMESPACE,), owners=(f"u:{user}", ""))


async def found(engine: RedisEngine, user: str = "ann") -> set[int]:
    return {hit.id for hit in await engine.memories.search(of(user), TEA)}


async def commands(bare: redis.asyncio.Redis, call: Callable[[], Awaitable[Any]]) -> dict[str, int]:
    """What Redis was asked for meanwhile."""
    before = await bare.info("commandstats")
    await call()
    after = await bare.info("commandstats")
    calls = {name: told["calls"] - before.get(name, {"calls": 0})["calls"] for name, told in after.items()}
    return {name.removeprefix("cmdstat_"): n for name, n in calls.items() if n and name != "cmdstat_info"}


@pytest.fixture
async def engine(engine: RedisEngine) -> RedisEngine:
    """With an index that is through with what was there before it: until then nothing is held."""
    await indexed(engine)
    return engine


@pytest.fixture
async def other(redis_url: str, redis_prefix: str, engine: RedisEngine) -> AsyncIterator[RedisEngine]:
    """Another process's."""
    async with RedisEngine(redis_url, prefix=redis_prefix, embedding=SPEC) as entered:
        yield entered


async def test_a_search_and_its_neighbours_ask_for_the_versions_and_nothing_else(
    engine: RedisEngine, bare: redis.asyncio.Redis
) -> None:
    await stored(engine, *(a_record(id, user_id="ann", run_id="r", seq=id) for id in range(1, 9)))
    await found(engine)

    async def recall() -> None:
        began = asyncio.get_running_loop().time()
        assert await found(engine) == set(range(1, 9))
        around = [Neighbourhood(namespace=NAMESPACE, owner="u:ann", run_id="r", seq=4)]
        assert len(await engine.memories.neighbours(of("ann"), around, since=began)) == 3

    assert await commands(bare, recall) == {"hmget": 1}


async def test_someone_without_memories_costs_the_versions_too(engine: RedisEngine, bare: redis.asyncio.Redis) -> None:
    assert await found(engine, "nobody") == set()
    assert await commands(bare, lambda: found(engine, "nobody")) == {"hmget": 1}


async def test_after_a_write_only_what_it_wrote_is_read(
    engine: RedisEngine, other: RedisEngine, bare: redis.asyncio.Redis
) -> None:
    await stored(engine, *(a_record(id, user_id="ann") for id in range(9)))
    await found(other)
    await stored(engine, a_record(10, user_id="ann"), a_record(11, user_id="ann"))
    assert await commands(bare, lambda: found(other)) == {"hmget": 3}
    assert await found(other) == {*range(9), 10, 11}


async def test_after_more_writes_than_a_journal_tells_all_is_read(engine: RedisEngine, other: RedisEngine) -> None:
    await stored(engine, a_record(0, user_id="ann"))
    await found(other)
    await stored(engine, *(a_record(id, user_id="ann") for id in range(1, 100)))
    assert await found(other) == set(range(100))


async def test_many_who_ask_at_once_load_once(
    engine: RedisEngine, other: RedisEngine, bare: redis.asyncio.Redis
) -> None:
    async def herd() -> None:
        await asyncio.gather(*(found(other) for _ in range(40)))

    await stored(engine, *(a_record(id, user_id="ann") for id in range(9)))
    asked = await commands(bare, herd)
    assert asked["FT.INFO"] == 2  # one for each scope
    await stored(engine, a_record(10, user_id="ann"))
    asked = await commands(bare, herd)
    assert asked == {"hmget": 41}


async def test_who_gives_up_loading_leaves_it_to_the_next(engine: RedisEngine, other: RedisEngine) -> None:
    await stored(engine, a_record(1, user_id="ann"))
    second: set[int] = set()

    async def ask() -> None:
        second.update(await found(other))

    async with asyncio.TaskGroup() as group:
        first = group.create_task(found(other))
        group.create_task(ask())
        async with asyncio.timeout(5):
            while len(other.memories._held._shelf) == 0:  # noqa: ASYNC110 - one of the two scopes is loaded
                await asyncio.sleep(0)
        first.cancel()
    assert second == {1}


async def test_a_journal_that_is_gone_is_not_trusted(
    engine: RedisEngine, other: RedisEngine, bare: redis.asyncio.Redis, redis_prefix: str
) -> None:
    await stored(engine, a_record(1, user_id="ann"))
    assert await found(other) == {1}
    journal = Keys(redis_prefix).journal(TENANT, NAMESPACE)
    await bare.delete(journal)
    assert await engine.memories.delete(TENANT, [1]) == [True]
    await bare.delete(journal)
    assert await found(other) == set()


async def test_a_namespace_takes_its_journals_along(
    engine: RedisEngine, bare: redis.asyncio.Redis, redis_prefix: str
) -> None:
    await stored(engine, a_record(1, user_id="ann"), a_record(2, namespace="other"))
    await found(engine)
    await engine.memories.erase(TENANT, NAMESPACE)
    journals = [key async for key in bare.scan_iter(f"{redis_prefix}:journal:*")]
    assert journals == [Keys(redis_prefix).journal(TENANT, "other").encode()]


async def test_what_was_written_before_there_were_journals_is_held_too(
    engine: RedisEngine, other: RedisEngine, bare: redis.asyncio.Redis, redis_prefix: str
) -> None:
    await stored(engine, a_record(1, user_id="ann"), a_record(2, user_id="ann"))
    await bare.delete(Keys(redis_prefix).journal(TENANT, NAMESPACE))
    assert await found(other) == {1, 2}
    assert await commands(bare, lambda: found(other)) == {"hmget": 1}
    await engine.memories.delete(TENANT, [1])
    assert await found(other) == {2}


async def test_an_engine_told_to_hold_nothing_searches(
    engine: RedisEngine, bare: redis.asyncio.Redis, redis_url: str, redis_prefix: str
) -> None:
    await stored(engine, a_record(1, user_id="ann"))
    async with RedisEngine(redis_url, prefix=redis_prefix, embedding=SPEC, held_bytes=0) as holding_none:
        assert await found(holding_none) == {1}
        assert "hmget" not in await commands(bare, lambda: found(holding_none))


async def test_what_does_not_fit_is_found_all_the_same(engine: RedisEngine, redis_url: str, redis_prefix: str) -> None:
    await stored(engine, *(a_record(id, user_id=f"u{id % 10}") for id in range(100)))
    async with RedisEngine(redis_url, prefix=redis_prefix, embedding=SPEC, held_bytes=30_000) as holding_few:
        for id in [*range(10), *range(10)]:
            assert await found(holding_few, f"u{id}") == set(range(id, 100, 10))
            assert 0 < holding_few.memories._held._shelf.bytes <= 30_000


async def test_a_scope_that_all_room_is_too_little_for_is_left_to_the_index(
    engine: RedisEngine, bare: redis.asyncio.Redis, redis_url: str, redis_prefix: str
) -> None:
    await stored(engine, *(a_record(id, user_id="ann") for id in range(50)))
    async with RedisEngine(redis_url, prefix=redis_prefix, embedding=SPEC, held_bytes=5_000) as holding_little:
        assert await found(holding_little) == set(range(50))
        assert "hmget" not in await commands(bare, lambda: found(holding_little))
        assert await found(holding_little) == set(range(50))


def a_journal(*writes: tuple[bytes, int]) -> Version:
    return Version(b"epoch", b"".join(stamp + b"%016d" % id for stamp, id in writes))


A, B, C = b"A" * 8, b"B" * 8, b"C" * 8


def test_a_version_tells_what_was_written_since_an_earlier_one() -> None:
    now = a_journal((A, 1), (A, 2), (B, 3), (C, 4), (C, 3))
    assert now.since(a_journal((A, 1), (A, 2))) == {3, 4}
    assert now.since(a_journal((B, 3))) == {3, 4}
    assert now.since(now) == set()


def test_a_version_does_not_tell_what_its_journal_does_not() -> None:
    now = a_journal((B, 3), (C, 4))
    assert now.since(a_journal((A, 1))) is None
    assert now.since(a_journal()) is None
    assert now.since(Version(b"other", now.journal)) is None


def test_versions_are_the_same_where_nothing_was_written_between() -> None:
    assert a_journal().same(a_journal())
    assert a_journal((A, 1), (B, 2)).same(a_journal((B, 2)))
    assert not a_journal((A, 1)).same(a_journal((B, 1)))
    assert not a_journal((A, 1)).same(Version(b"other", a_journal((A, 1)).journal))


async def test_a_scope_too_big_is_counted_anew_after_a_while(
    engine: RedisEngine, bare: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(engine, *(a_record(id, user_id="ann") for id in range(9)))
    monkeypatch.setattr("memory.engines.redis.held.MOST_MEMORIES", 8)
    began = monotonic()
    assert await found(engine) == set(range(9))
    assert "hmget" not in await commands(bare, lambda: found(engine))
    monkeypatch.setattr("memory.engines.redis.held.BIG_SECONDS", 0.0)
    assert await found(engine) == set(range(9))
    around = [Neighbourhood(namespace=NAMESPACE, owner="u:ann", run_id="r", seq=1)]
    await stored(engine, a_record(20, user_id="ann", run_id="r", seq=1))
    assert len(await engine.memories.neighbours(of("ann"), around, since=began)) == 1
    await engine.memories.delete(TENANT, [0, 1])
    assert await found(engine) == {*range(2, 9), 20}
    assert await commands(bare, lambda: found(engine)) == {"hmget": 1}

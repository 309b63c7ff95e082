"""A Redis that is down, comes back, hangs, or forgets."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import redis.asyncio

from memory.engines.base import Engine, Filter, SearchQuery, Written
from memory.engines.redis.engine import RedisEngine
from memory.errors import StoreUnavailable
from tests.contract.examples import TENANT, a_memory, a_record, a_vector, eventually
from tests.contract.stores import SPEC
from tests.support.redis_server import RedisServer

ALL = Filter(tenant=TENANT)
BOTH = SearchQuery(text="tea", vector=a_vector("q"))
PREFIX = "test"


@pytest.fixture
async def engine(private_redis_server: RedisServer) -> AsyncIterator[RedisEngine]:
    async with RedisEngine(private_redis_server.url, prefix=PREFIX, embedding=SPEC) as entered:
        yield entered


@contextmanager
def hanging(server: RedisServer) -> Iterator[None]:
    """It accepts connections and answers nothing."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def found(engine: Engine) -> set[int]:
    return {hit.id for hit in await engine.memories.search(ALL, BOTH)}


async def test_an_engine_entered_while_redis_is_down_works_once_it_is_up(private_redis_server: RedisServer) -> None:
    private_redis_server.stop()
    async with RedisEngine(private_redis_server.url, prefix=PREFIX, embedding=SPEC) as engine:
        for call in (engine.ping(), engine.memories.insert([a_record(1)]), engine.memories.search(ALL, BOTH)):
            with pytest.raises(StoreUnavailable):
                await call
        private_redis_server.start()
        assert await engine.memories.insert([a_record(1)]) == [Written.DONE]
        assert await found(engine) == {1}


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_an_engine_goes_on_without_a_restart_when_redis_is_back(
    private_redis_server: RedisServer, engine: RedisEngine, end: str
) -> None:
    await asyncio.gather(*(engine.memories.insert([a_record(id)]) for id in range(5)))
    getattr(private_redis_server, end)()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await engine.memories.search(ALL, BOTH)
    private_redis_server.start()
    assert await found(engine) == set(range(5))
    await asyncio.gather(*(engine.memories.insert([a_record(id)]) for id in range(5, 10)))
    assert await found(engine) == set(range(10))


async def test_a_redis_that_is_down_fails_calls_at_once(private_redis_server: RedisServer, engine: RedisEngine) -> None:
    private_redis_server.kill()
    began = time.monotonic()
    for _ in range(50):
        with pytest.raises(StoreUnavailable):
            await engine.counters.add(TENANT, {"n": 1})
    assert time.monotonic() - began < 2


async def test_a_waiting_lease_ends_with_redis(private_redis_server: RedisServer, engine: RedisEngine) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_outcome(engine))
        await eventually(lambda: _someone_waits(private_redis_server))
        private_redis_server.kill()
    assert isinstance(waiting.result(), StoreUnavailable)


async def _outcome(engine: RedisEngine) -> BaseException | None:
    try:
        await engine.jobs.lease("w", wait_seconds=60)
    except StoreUnavailable as error:
        return error
    return None


async def _someone_waits(server: RedisServer) -> bool:
    async with redis.asyncio.Redis.from_url(server.url) as client:
        return bool((await client.info("clients"))["blocked_clients"])


async def test_a_redis_that_hangs_costs_one_call_its_deadline_and_the_next_ones_nothing(
    private_redis_server: RedisServer, engine: RedisEngine
) -> None:
    await engine.memories.insert([a_record(1)])
    with hanging(private_redis_server):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.25):
                await engine.memories.search(ALL, BOTH)
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                await engine.memories.search(ALL, BOTH)
        assert time.monotonic() - began < 0.2

    async def back() -> bool:
        try:
            return await found(engine) == {1}
        except StoreUnavailable:
            return False

    await eventually(back)


async def test_scripts_that_redis_forgot_are_given_again(
    engine: RedisEngine, bare_private: redis.asyncio.Redis
) -> None:
    await engine.memories.insert([a_record(1)])
    await bare_private.script_flush()
    assert await engine.memories.insert([a_record(1), a_record(2)]) == [Written.CLASH, Written.DONE]


async def test_an_index_that_redis_lost_is_made_again_over_what_is_there(
    engine: RedisEngine, bare_private: redis.asyncio.Redis
) -> None:
    await engine.memories.insert([a_record(id) for id in range(20)])
    await bare_private.ft(f"{PREFIX}:index:1").dropindex()
    await engine.memories.search(ALL, BOTH)
    await engine.ping()
    assert await found(engine) == set(range(20))
    assert (await engine.memories.list(ALL)).total == 20


async def test_an_emptied_redis_is_a_new_store(engine: RedisEngine, bare_private: redis.asyncio.Redis) -> None:
    await engine.memories.insert([a_record(1)])
    await bare_private.flushall()
    assert await found(engine) == set()
    await bare_private.flushall()
    assert await engine.memories.insert([a_record(2)]) == [Written.DONE]
    assert await engine.memories.get(TENANT, [1, 2]) == [None, a_memory(2)]
    assert await found(engine) == {2}


async def test_a_full_redis_is_unavailable_for_writes_and_still_read(
    engine: RedisEngine, bare_private: redis.asyncio.Redis
) -> None:
    await engine.memories.insert([a_record(1)])
    await bare_private.config_set("maxmemory", "1")
    for write in (engine.memories.insert([a_record(2)]), engine.counters.add(TENANT, {"n": 1}), engine.ping()):
        with pytest.raises(StoreUnavailable, match="memory"):
            await write
    assert await found(engine) == {1}
    await bare_private.config_set("maxmemory", "0")
    assert await engine.memories.insert([a_record(2)]) == [Written.DONE]


@pytest.fixture
async def bare_private(private_redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(private_redis_server.url, protocol=2) as client:
        yield client

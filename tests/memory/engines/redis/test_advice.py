from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from memory.engines.redis.engine import RedisEngine
from tests.contract.stores import SPEC
from tests.support.redis_server import RedisServer


@pytest.fixture
async def engine(private_redis_server: RedisServer) -> AsyncIterator[RedisEngine]:
    async with RedisEngine(private_redis_server.url, prefix="test", embedding=SPEC) as entered:
        yield entered


@pytest.fixture
async def bare(private_redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(private_redis_server.url) as client:
        yield client


async def test_there_is_no_advice_for_a_safe_redis(engine: RedisEngine) -> None:
    assert await engine.advice() == []


@pytest.mark.parametrize(
    ("setting", "value"), [("appendonly", "no"), ("appendfsync", "no"), ("maxmemory-policy", "allkeys-lru")]
)
async def test_a_setting_that_may_lose_something_is_named(
    engine: RedisEngine, bare: redis.asyncio.Redis, setting: str, value: str
) -> None:
    await bare.config_set(setting, value)
    (sentence,) = await engine.advice()
    assert sentence.startswith(setting)


async def test_a_redis_that_hides_its_settings_is_said_so(engine: RedisEngine, bare: redis.asyncio.Redis) -> None:
    await bare.acl_setuser("default", commands=["-config"])
    (sentence,) = await engine.advice()
    assert "CONFIG GET" in sentence

"""Engines on a Redis, and a second look at what they left there."""

from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from memory.engines.redis.engine import RedisEngine
from tests.contract.stores import SPEC


@pytest.fixture
async def engine(redis_url: str, redis_prefix: str) -> AsyncIterator[RedisEngine]:
    async with RedisEngine(redis_url, prefix=redis_prefix, embedding=SPEC) as entered:
        yield entered


@pytest.fixture
async def bare(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """A client of nobody's, to see what is there and to do harm."""
    async with redis.asyncio.Redis.from_url(redis_url, protocol=2) as client:
        yield client

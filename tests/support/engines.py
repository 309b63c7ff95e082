"""Fixtures, for every test (`tests/conftest.py` names this module): each engine in turn, and what it needs."""

from collections.abc import AsyncIterator

import pytest

from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine
from memory.engines.redis.engine import RedisEngine
from memory.engines.sqlite.engine import SqliteEngine


@pytest.fixture(scope="session")
def embedder() -> BundledEmbedder:
    return BundledEmbedder()


async def indexed(engine: Engine) -> None:
    """Wait until its index is through with what was there before it, which on a busy Redis takes longer than a `ping`
    has patience."""
    if isinstance(engine, RedisEngine):
        await engine._schema.wait(engine._schema.generation)


@pytest.fixture(params=["sqlite", "redis"])
async def either_engine(request: pytest.FixtureRequest, embedder: BundledEmbedder) -> AsyncIterator[Engine]:
    """Each engine in turn, empty."""
    engine: Engine
    if request.param == "sqlite":
        engine = SqliteEngine(None, embedding=embedder.spec)
    else:
        url, prefix = request.getfixturevalue("redis_url"), request.getfixturevalue("redis_prefix")
        engine = RedisEngine(url, prefix=prefix, embedding=embedder.spec)
    async with engine:
        yield engine

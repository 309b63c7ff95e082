from collections.abc import AsyncIterator

import pytest

from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine
from memory.engines.redis.engine import RedisEngine
from memory.engines.sqlite.engine import SqliteEngine
from tests.memory.extraction.lessons import School
from tests.support.services import services_over


@pytest.fixture(scope="session")
def embedder() -> BundledEmbedder:
    return BundledEmbedder()


@pytest.fixture(params=["sqlite", "redis"])
async def school(request: pytest.FixtureRequest, embedder: BundledEmbedder) -> AsyncIterator[School]:
    engine: Engine
    if request.param == "sqlite":
        engine = SqliteEngine(None, embedding=embedder.spec)
    else:
        url, prefix = request.getfixturevalue("redis_url"), request.getfixturevalue("redis_prefix")
        engine = RedisEngine(url, prefix=prefix, embedding=embedder.spec)
    async with engine:
        yield School(services_over(engine, embedder), embedder)

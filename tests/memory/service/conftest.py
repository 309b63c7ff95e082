from collections.abc import AsyncIterator

import pytest

from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine
from memory.engines.redis.engine import RedisEngine
from memory.engines.sqlite.engine import SqliteEngine
from tests.support.services import Services, SetClock, a_caller, services_over


@pytest.fixture(scope="session")
def embedder() -> BundledEmbedder:
    return BundledEmbedder()


@pytest.fixture(params=["sqlite", "redis"])
async def services(request: pytest.FixtureRequest, embedder: BundledEmbedder) -> AsyncIterator[Services]:
    engine: Engine
    if request.param == "sqlite":
        engine = SqliteEngine(None, embedding=embedder.spec)
    else:
        url, prefix = request.getfixturevalue("redis_url"), request.getfixturevalue("redis_prefix")
        engine = RedisEngine(url, prefix=prefix, embedding=embedder.spec)
    async with engine:
        yield services_over(engine, embedder)


@pytest.fixture
def clock(services: Services) -> SetClock:
    return services.clock


@pytest.fixture
def caller() -> Caller:
    return a_caller()

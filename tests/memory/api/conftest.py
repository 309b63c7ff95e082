from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from memory.embedding.bundled import BundledEmbedder
from memory.engines.sqlite.engine import SqliteEngine
from tests.support.native import native_app
from tests.support.services import Services, SetClock, a_caller, services_over


@pytest.fixture(scope="session")
def embedder() -> BundledEmbedder:
    return BundledEmbedder()


@pytest.fixture
async def services(embedder: BundledEmbedder) -> AsyncIterator[Services]:
    async with SqliteEngine(None, embedding=embedder.spec) as engine:
        yield services_over(engine, embedder)


@pytest.fixture
def clock(services: Services) -> SetClock:
    return services.clock


@pytest.fixture
async def client(services: Services) -> AsyncIterator[AsyncTestClient[Any]]:
    async with AsyncTestClient(native_app(services, a_caller())) as client:
        yield client

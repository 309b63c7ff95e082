from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from memory.embedding.bundled import BundledEmbedder
from tests.support.native import native_app
from tests.support.services import Services, SetClock, a_caller, open_services


@pytest.fixture(scope="session")
def embedder() -> BundledEmbedder:
    return BundledEmbedder()


@pytest.fixture
async def services(embedder: BundledEmbedder) -> AsyncIterator[Services]:
    async with open_services(embedder) as services:
        yield services


@pytest.fixture
def clock(services: Services) -> SetClock:
    return services.clock


@pytest.fixture
async def client(services: Services) -> AsyncIterator[AsyncTestClient[Any]]:
    async with AsyncTestClient(native_app(services, a_caller())) as client:
        yield client

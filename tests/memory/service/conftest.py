from collections.abc import AsyncIterator

import pytest

from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
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
def caller() -> Caller:
    return a_caller()

import pytest

from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine
from tests.support.services import Services, SetClock, a_caller, services_over


@pytest.fixture
def services(either_engine: Engine, embedder: BundledEmbedder) -> Services:
    return services_over(either_engine, embedder)


@pytest.fixture
def clock(services: Services) -> SetClock:
    return services.clock


@pytest.fixture
def caller() -> Caller:
    return a_caller()

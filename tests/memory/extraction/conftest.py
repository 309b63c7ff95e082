import pytest

from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine
from tests.memory.extraction.lessons import School
from tests.support.services import services_over


@pytest.fixture
def school(either_engine: Engine, embedder: BundledEmbedder) -> School:
    return School(services_over(either_engine, embedder), embedder)

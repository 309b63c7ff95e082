from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from memory.embedding.bundled import BundledEmbedder
from memory.engines.sqlite.engine import SqliteEngine
from tests.support.native import native_app
from tests.support.services import a_caller, services_over


@pytest.fixture
async def client() -> AsyncIterator[AsyncTestClient[Any]]:
    embedder = BundledEmbedder()
    async with (
        SqliteEngine(None, embedding=embedder.spec) as engine,
        AsyncTestClient(native_app(services_over(engine, embedder), a_caller())) as client,
    ):
        yield client

from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from memory.embedding.bundled import BundledEmbedder
from tests.support.native import native_app
from tests.support.services import a_caller, open_services


@pytest.fixture
async def client() -> AsyncIterator[AsyncTestClient[Any]]:
    async with (
        open_services(BundledEmbedder()) as services,
        AsyncTestClient(native_app(services, a_caller())) as client,
    ):
        yield client

"""Remora over memory that lasts as long as the server, in front of a fake upstream; both shared by a module's tests."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def remora(fake: FakeUpstream) -> Iterator[RemoraServer]:
    with RemoraServer(settings_for(fake.url)) as server:
        yield server


@pytest.fixture
async def http(remora: RemoraServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=remora.origin, timeout=10) as client:
        yield client

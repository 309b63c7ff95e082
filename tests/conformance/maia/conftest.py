"""A whole server on each engine, and for each test a tenant of its own, in which nothing was stored yet."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from config.settings import Limits, Secret
from tests.support.operator import OPERATOR_KEY, Operator
from tests.support.prefixes import own_prefix
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session", params=["sqlite", "redis"])
def server(request: pytest.FixtureRequest, fake: FakeUpstream) -> Iterator[RemoraServer]:
    with ExitStack() as stack:
        store: dict[str, Any] = {"store": "sqlite://"}
        if request.param == "redis":
            url = request.getfixturevalue("redis_url")
            store = {"store": url, "store_prefix": stack.enter_context(own_prefix(url))}
        settings = settings_for(
            fake.url,
            admin_key=Secret(OPERATOR_KEY),
            upstream={"api_key": Secret("upstream-key")},
            limits=Limits(failed_keys_per_minute=1_000_000),
            **store,
        )
        yield stack.enter_context(RemoraServer(settings))


@pytest.fixture(scope="session")
def operator(server: RemoraServer) -> Iterator[Operator]:
    with Operator(server.origin) as operator:
        yield operator


@pytest.fixture
def tenant(operator: Operator) -> dict[str, Any]:
    return operator.tenant()


@pytest.fixture
def key(operator: Operator, tenant: dict[str, Any]) -> str:
    return operator.key(tenant["id"])


@pytest.fixture
def client(operator: Operator, key: str) -> httpx.Client:
    """Of this test's tenant."""
    return operator.acting(key)

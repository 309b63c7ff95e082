"""Fixtures, for every test (`tests/conftest.py` names this module): one whole server on each engine, for tests that
take a tenant each and so don't see each other."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from config.settings import Limits, Secret
from tests.support.operator import OPERATOR_KEY, Operator
from tests.support.prefixes import own_prefix
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream


@pytest.fixture(scope="session")
def shared_upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session", params=["sqlite", "redis"])
def shared_server(request: pytest.FixtureRequest, shared_upstream: FakeUpstream) -> Iterator[RemoraServer]:
    with operated_server(request, shared_upstream) as server:
        yield server


@contextmanager
def operated_server(request: pytest.FixtureRequest, upstream: FakeUpstream) -> Iterator[RemoraServer]:
    """On the engine that the fixture of `request` has for a parameter, with an operator's key, and an upstream key of
    its own."""
    with ExitStack() as stack:
        store: dict[str, Any] = {"store": "sqlite://"}
        if request.param == "redis":
            url = request.getfixturevalue("redis_url")
            store = {"store": url, "store_prefix": stack.enter_context(own_prefix(url))}
        settings = settings_for(
            upstream.url,
            admin_key=Secret(OPERATOR_KEY),
            upstream={"api_key": Secret("upstream-key")},
            limits=Limits(failed_keys_per_minute=1_000_000),
            **store,
        )
        yield stack.enter_context(RemoraServer(settings))


@pytest.fixture(scope="session")
def operator(shared_server: RemoraServer) -> Iterator[Operator]:
    with Operator(shared_server.origin) as operator:
        yield operator

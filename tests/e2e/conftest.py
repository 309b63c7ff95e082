"""Remora, its engines, an upstream and OpenAI's own clients: all real, all on this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream

ENGINES = ["sqlite", pytest.param("redis", marks=pytest.mark.xdist_group("redis"))]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """The settings of an empty store on each engine, which lasts as long as the test."""
    if request.param == "sqlite":
        return {"store": f"sqlite:///{tmp_path}/remora.db"}
    prefix = request.getfixturevalue("redis_prefix")
    return {"store": request.getfixturevalue("redis_url"), "store_prefix": prefix}


@pytest.fixture
def remora(fake: FakeUpstream, store: dict[str, Any]) -> Iterator[RemoraServer]:
    with RemoraServer(settings_for(fake.url, **store)) as server:
        yield server

"""One fixture over every engine: what the suite demands of one, it demands of all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory.engines.base import Engine
from tests.contract.stores import Store


@pytest.fixture(params=["sqlite-file", "sqlite-memory", "redis"])
def store(request: pytest.FixtureRequest) -> Store:
    return _store(request)


@pytest.fixture(params=["sqlite-file", "redis"])
def lasting_store(request: pytest.FixtureRequest) -> Store:
    """A store that an engine may be closed and opened on again."""
    return _store(request)


@pytest.fixture
async def engine(store: Store) -> AsyncIterator[Engine]:
    async with store.engine() as entered:
        yield entered


@pytest.fixture
async def peer(store: Store, engine: Engine) -> AsyncIterator[Engine]:
    """Another process's engine on the same store, where the store serves several; else the engine itself."""
    if not store.shared:
        yield engine
        return
    async with store.engine() as entered:
        yield entered


def _store(request: pytest.FixtureRequest) -> Store:
    match request.param:
        case "sqlite-file":
            folder: Path = request.getfixturevalue("tmp_path")
            return Store(path=folder / "remora.db")
        case "sqlite-memory":
            return Store()
        case _:
            return Store(url=request.getfixturevalue("redis_url"), prefix=request.getfixturevalue("redis_prefix"))

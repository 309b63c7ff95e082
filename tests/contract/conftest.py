"""One fixture over every engine: what the suite demands of one, it demands of all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory.engines.base import Engine
from tests.contract.stores import Store


@pytest.fixture(params=["sqlite-file", "sqlite-memory", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    match request.param:
        case "sqlite-file":
            return Store(path=tmp_path / "remora.db")
        case "sqlite-memory":
            return Store()
        case _:
            return Store(url=request.getfixturevalue("redis_url"), prefix=request.getfixturevalue("redis_prefix"))


@pytest.fixture
def lasting_store(store: Store) -> Store:
    """A store that an engine may be closed and opened on again."""
    if not store.lasting:
        pytest.skip("a store in memory ends with its engine")
    return store


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

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory.engines.sqlite.database import Database
from tests.contract.stores import SPEC


@pytest.fixture(params=["file", "memory"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(tmp_path / "remora.db" if request.param == "file" else None)
    await opened.open(SPEC, reindexing=False)
    yield opened
    await opened.close()

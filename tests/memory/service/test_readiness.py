import asyncio

import pytest

from memory.errors import StoreUnavailable
from memory.service import readiness
from memory.service.readiness import Readiness


async def ok() -> str:
    return "ok"


async def down() -> str:
    raise StoreUnavailable("no Redis at 10.0.0.7:6379")


async def silent() -> str:
    await asyncio.Event().wait()
    return "ok"


async def test_all_checks_good_is_ready() -> None:
    report = await Readiness({"storage": ok, "embedder": ok}).report()

    assert report.ready
    assert report.checks == {"storage": "ok", "embedder": "ok"}


async def test_one_bad_check_is_not_ready_and_says_why_in_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    readiness = Readiness({"storage": down, "embedder": ok})
    for _ in range(3):
        report = await readiness.report()

    assert not report.ready
    assert report.checks == {"storage": "does not answer", "embedder": "ok"}
    assert caplog.messages == ["not ready: storage: no Redis at 10.0.0.7:6379"]


async def test_a_check_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_PATIENCE_SECONDS", 0.01)

    report = await Readiness({"storage": silent}).report()

    assert not report.ready
    assert report.checks == {"storage": "does not answer"}

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import pytest
import structlog

from admin.metrics import Metrics
from config.logging import bind_request, unbind_request
from config.supervisor import Supervisor
from memory.engines.base import EmbeddingSpec, PutDocument, Write
from memory.engines.sqlite.engine import SqliteEngine
from memory.errors import StoreUnavailable
from proxy import outbox
from proxy.outbox import Outbox
from tests.support.figures import figure

TENANT = "t"


class Flaky(SqliteEngine):
    """A real engine that can be sent away; remembers how much each round trip brought."""

    def __init__(self) -> None:
        super().__init__(None, embedding=EmbeddingSpec(name="none", dimension=2))
        self.here = asyncio.Event()
        self.here.set()
        self.away = False
        self.commits: list[int] = []

    async def commit(self, writes: Sequence[Write]) -> None:
        await self.here.wait()
        if self.away:
            raise StoreUnavailable("away")
        if any(isinstance(write, PutDocument) and write.key == "poison" for write in writes):
            raise ValueError("poison")
        self.commits.append(len(writes))
        await super().commit(writes)


@pytest.fixture
async def engine() -> AsyncIterator[Flaky]:
    async with Flaky() as engine:
        yield engine


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    async with Supervisor() as supervisor:
        yield supervisor


def writes(key: str) -> list[PutDocument]:
    return [PutDocument(kind="k", tenant=TENANT, key=key, value=b"v")]


async def stored(engine: Flaky) -> list[str]:
    documents, _ = await engine.documents.list("k", TENANT)
    return [document.key for document in documents]


async def test_committed_is_stored(engine: Flaky, supervisor: Supervisor) -> None:
    assert await Outbox(engine, supervisor, Metrics()).commit(writes("a"))
    assert await stored(engine) == ["a"]


async def test_what_gathers_during_a_round_trip_goes_with_the_next(engine: Flaky, supervisor: Supervisor) -> None:
    box = Outbox(engine, supervisor, Metrics())
    await asyncio.gather(*(box.commit(writes(f"{number:02}")) for number in range(20)))
    assert engine.commits == [20]
    assert len(await stored(engine)) == 20


async def test_an_engine_that_is_away_is_tried_again(
    engine: Flaky, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_FIRST_PAUSE", 0.001)
    metrics = Metrics()
    box = Outbox(engine, supervisor, metrics)
    engine.away = True
    assert not await box.commit(writes("a"))
    assert not await box.commit(writes("b"))
    assert figure(metrics, "remora_writes_deferred_total") == 2
    engine.away = False
    await supervisor.join()
    assert await stored(engine) == ["a", "b"]
    assert await box.commit(writes("c"))


async def test_an_engine_that_is_slow_is_not_waited_for(engine: Flaky, supervisor: Supervisor) -> None:
    box = Outbox(engine, supervisor, Metrics(), wait_seconds=0.01)
    engine.here.clear()
    assert not await box.commit(writes("a"))
    engine.here.set()
    await supervisor.join()
    assert await stored(engine) == ["a"]


async def test_what_the_engine_refuses_does_not_stop_the_rest(engine: Flaky, supervisor: Supervisor) -> None:
    metrics = Metrics()
    box = Outbox(engine, supervisor, metrics)
    for key in ("a", "poison", "b"):
        box.post(writes(key))
    await supervisor.join()
    assert await stored(engine) == ["a", "b"]
    assert figure(metrics, "remora_writes_lost_total") == 1


async def test_there_is_an_end_to_what_is_kept(
    engine: Flaky, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CAPACITY", 2)
    metrics = Metrics()
    box = Outbox(engine, supervisor, metrics)
    for key in ("a", "b", "c"):
        box.post(writes(key))
    await supervisor.join()
    assert await stored(engine) == ["a", "b"]
    assert figure(metrics, "remora_writes_lost_total") == 1


async def test_an_orderly_end_waits_for_what_is_left(engine: Flaky) -> None:
    async with Supervisor() as supervisor:
        Outbox(engine, supervisor, Metrics()).post(writes("a"))
    assert await stored(engine) == ["a"]


async def test_what_is_lost_is_logged_under_the_call_that_left_it(engine: Flaky, supervisor: Supervisor) -> None:
    named: list[object] = []

    class Names(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            named.append((record.levelname, structlog.contextvars.get_contextvars().get("request_id")))

    handler = Names()
    logging.getLogger("remora.outbox").addHandler(handler)
    box = Outbox(engine, supervisor, Metrics())
    for key in ("a", "poison"):
        bind_request(key)
        box.post(writes(key))
    unbind_request()
    await supervisor.join()
    logging.getLogger("remora.outbox").removeHandler(handler)
    assert named == [("ERROR", None), ("ERROR", None), ("ERROR", "poison")]

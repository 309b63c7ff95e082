import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import structs

from config import settings
from config.settings import Retrieval
from context.assemble import Assembler
from context.tokens import TokenCounters
from memory import ids
from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Filter, SearchQuery
from memory.engines.sqlite.engine import SqliteEngine
from memory.errors import Forbidden, NotFound, StoreUnavailable
from memory.hits import Hits
from memory.model import NamespaceConfig
from memory.service import directory
from memory.service.namespaces import NamespaceDraft, Namespaces
from memory.service.recall import Recall
from proxy.body import ChatBody, read_body
from proxy.options import Options
from proxy.recollection import Recollector
from tests.support.services import a_caller

CALLER = a_caller(credential="c", user="ann")
OPTIONS = Options()


class Failing:
    """An engine's memories, whose search fails as told."""

    def __init__(self, memories: Any) -> None:
        self._memories = memories
        self.failure: Exception | None = None
        self.hangs = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memories, name)

    async def search(self, where: Filter, query: SearchQuery, **given: Any) -> Hits:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        found: Hits = await self._memories.search(where, query, **given)
        return found


class World:
    def __init__(self, engine: SqliteEngine, embedder: BundledEmbedder) -> None:
        self.memories = Failing(engine.memories)
        recall = Recall(self.memories, embedder, Retrieval())
        self.namespaces = Namespaces(engine)
        self._assembler = Assembler(recall, TokenCounters())
        self.recollector = self._recollector(10_000)
        self.hurried = self._recollector(50)

    def _recollector(self, deadline_ms: int) -> Recollector:
        return Recollector(self.namespaces, self._assembler, settings.Context(deadline_ms=deadline_ms))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    embedder = BundledEmbedder()
    async with SqliteEngine(None, embedding=embedder.spec) as engine:
        yield World(engine, embedder)


def body() -> ChatBody:
    read = read_body(b'{"messages": [{"role": "user", "content": "What do I like?"}]}')
    assert isinstance(read, ChatBody)
    return read


async def test_knowing_nothing_is_empty(world: World) -> None:
    found = await world.recollector.recollect(CALLER, OPTIONS, body())
    assert (found.outcome, found.reason) == ("empty", None)


@pytest.mark.parametrize("skip", [True, False])
async def test_a_namespace_given_by_its_id_is_called_by_its_name(world: World, skip: bool) -> None:
    made = await world.namespaces.ensure(CALLER, "work")
    options = Options(namespace=ids.spell(made.id, "ns"), skip_memory=skip)
    assert (await world.recollector.recollect(CALLER, options, body())).namespace == "work"


async def test_the_budget_is_the_headers_the_namespaces_the_tenants_or_the_settings(world: World) -> None:
    config = NamespaceConfig(token_budget=300)
    await world.namespaces.create(CALLER, NamespaceDraft(name="small", config=config))
    tenants = structs.replace(CALLER, token_budget=900)

    async def budget(caller: Caller, options: Options) -> int:
        assembled = (await world.recollector.recollect(caller, options, body())).assembled
        assert assembled is not None
        return assembled.token_budget

    assert await budget(tenants, Options(namespace="small", token_budget=50)) == 50
    assert await budget(tenants, Options(namespace="small")) == 300
    assert await budget(tenants, OPTIONS) == 900
    assert await budget(CALLER, OPTIONS) == settings.Context().token_budget


async def test_an_engine_that_is_away_degrades(world: World) -> None:
    world.memories.failure = StoreUnavailable("gone fishing")
    found = await world.recollector.recollect(CALLER, OPTIONS, body())
    assert (found.outcome, found.reason, found.store_answers) == ("degraded", "gone fishing", False)
    assert found.cause == "store"


async def test_an_engine_that_hangs_degrades_at_the_deadline(world: World) -> None:
    world.memories.hangs = True
    async with asyncio.timeout(5):
        found = await world.hurried.recollect(CALLER, OPTIONS, body())
    assert (found.outcome, found.cause) == ("degraded", "deadline")
    assert found.assembled is None


async def test_a_fault_of_ours_degrades_and_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.memories.failure = ZeroDivisionError()
    found = await world.recollector.recollect(CALLER, OPTIONS, body())
    assert (found.outcome, found.cause) == ("degraded", "fault")
    assert "ZeroDivisionError" in caplog.text


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "remora.proxy")
    world.memories.failure = StoreUnavailable("gone fishing")
    for _ in range(3):
        await world.recollector.recollect(CALLER, OPTIONS, body())
    world.memories.failure = None
    for _ in range(2):
        await world.recollector.recollect(CALLER, OPTIONS, body())
    assert [record.getMessage() for record in caplog.records] == [
        "calls go on without memory: gone fishing",
        "memory is back",
    ]


@pytest.mark.parametrize("options", [Options(namespace="other"), Options(namespace="other", skip_memory=True)])
async def test_a_namespace_that_the_key_may_not_use_fails_closed(world: World, options: Options) -> None:
    restricted = a_caller(credential="c", namespaces=frozenset(("default",)))
    with pytest.raises((NotFound, Forbidden)):
        await world.recollector.recollect(restricted, options, body())


async def test_a_call_for_one_namespace_too_many_goes_on_without_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MAX_NAMESPACES", 0)
    found = await world.recollector.recollect(CALLER, Options(namespace="another"), body())
    assert (found.outcome, found.cause, found.namespace) == ("degraded", "quota", "another")
    assert found.reason == "the tenant has its maximum of 0 namespaces"

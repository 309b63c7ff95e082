import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from config.supervisor import Supervisor
from memory.caller import Caller
from memory.engines.base import Filter
from memory.errors import StoreUnavailable
from memory.service import tally as module
from memory.service.drafts import MemoryDraft
from memory.service.tally import Tally
from tests.support.services import Services

WHERE = Filter(tenant="default")


async def remembered(services: Services, caller: Caller, *contents: str) -> list[int]:
    written = await services.remember.add(caller, [MemoryDraft(content=content) for content in contents], "default")
    return [memory.id for memory in written if not isinstance(memory, Exception)]


async def counts(services: Services, ids: list[int]) -> list[tuple[int, int]]:
    found = await services.engine.memories.get("default", ids)
    return [(memory.search_count, memory.access_count) for memory in found if memory is not None]


async def test_what_a_query_brings_is_counted_as_found_and_not_as_accessed(services: Services, caller: Caller) -> None:
    ids = await remembered(services, caller, "likes figs", "likes plums")

    for _ in range(3):
        await services.search.find(caller, WHERE, "figs", limit=1)
    await services.search.find(caller, WHERE, "plums")
    await services.search.find(caller, WHERE, None)
    assert await counts(services, ids) == [(0, 0), (0, 0)]
    await services.tally.flush()

    assert await counts(services, ids) == [(4, 0), (1, 0)]
    await services.tally.flush()
    assert await counts(services, ids) == [(4, 0), (1, 0)]


async def test_it_writes_by_itself_what_has_gathered(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GATHER_SECONDS", 0.0)
    [id] = await remembered(services, caller, "likes figs")
    written = asyncio.Event()

    class Watched:
        async def touch(self, *given: Any, **options: Any) -> None:
            await services.engine.memories.touch(*given, **options)
            written.set()

    memories: Any = Watched()
    tally = Tally(memories, clock=services.clock)
    async with asyncio.timeout(10), Supervisor() as supervisor:
        supervisor.start(tally.run(), name="tally")
        for times in (1, 2):
            tally.add("default", [id])
            await written.wait()
            written.clear()
            assert await counts(services, [id]) == [(times, 0)]


async def test_an_outage_costs_only_the_counts(services: Services, caller: Caller) -> None:
    [id] = await remembered(services, caller, "likes figs")

    class Away:
        away = True

        async def touch(self, *given: Any, **options: Any) -> None:
            if self.away:
                raise StoreUnavailable("gone fishing")
            await services.engine.memories.touch(*given, **options)

    memories: Any = Away()
    tally = Tally(memories, clock=services.clock)
    tally.add("default", [id])
    await tally.flush()
    memories.away = False
    tally.add("default", [id])
    await tally.flush()

    assert await counts(services, [id]) == [(1, 0)]


async def test_a_fault_does_not_end_it(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "_GATHER_SECONDS", 0.0)
    written: asyncio.Queue[Sequence[int]] = asyncio.Queue()

    class Faulty:
        async def touch(self, tenant: str, ids: Sequence[int], **_: Any) -> None:  # noqa: ARG002
            written.put_nowait(ids)
            if ids == [1]:
                raise ValueError("a fault of ours")

    memories: Any = Faulty()
    tally = Tally(memories)
    async with asyncio.timeout(10), Supervisor() as supervisor:
        supervisor.start(tally.run(), name="tally")
        for id in (1, 2):
            tally.add("default", [id])
            assert await written.get() == [id]

    assert "a fault of ours" in caplog.text


async def test_what_it_gathers_is_bounded(services: Services) -> None:
    touched: list[int] = []

    class Watched:
        async def touch(self, tenant: str, ids: Sequence[int], **_: Any) -> None:  # noqa: ARG002
            touched.extend(ids)

    memories: Any = Watched()
    tally = Tally(memories, clock=services.clock)
    for first in range(0, 60_000, 100):
        tally.add(f"tenant_{first % 7}", range(first, first + 100))
    await tally.flush()

    assert len(touched) == 50_000

"""What an export holds, and in which order."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

from memory.api.transfer import _lines
from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Record, Written
from memory.engines.sqlite.engine import SqliteEngine
from memory.errors import Forbidden
from memory.model import Memory, content_hash
from memory.service.drafts import MemoryDraft
from memory.service.export import Export
from memory.service.namespaces import NamespaceDraft
from tests.support.services import START, Services, a_caller


async def exported(services: Services, caller: Caller, **given: Any) -> list[Memory]:
    return [memory async for batch in services.export.batches(caller, **given) for memory, _ in batch]


def a_memory(id: int, content: str = "likes tea", **given: Any) -> Memory:
    times = dict.fromkeys(("created_at", "updated_at", "accessed_at"), START)
    place = {"tenant": "default", "namespace": "default", "content_hash": content_hash(content)}
    return Memory(id=id, content=content, **{**place, **times, **given})


async def stored(services: Services, *memories: Memory) -> None:
    vectors = await services.embedder.embed([memory.content for memory in memories])
    records = [Record(memory=memory, vector=vector) for memory, vector in zip(memories, vectors, strict=True)]
    assert set(await services.engine.memories.insert(records)) == {Written.DONE}


async def test_it_holds_every_memory_whole_but_the_deleted_ones(services: Services, caller: Caller) -> None:
    kept = [
        a_memory(1, user_id="ada", tags=["x"], metadata={"a": [1]}, superseded_by=2, version=3),
        a_memory(2, state="archived"),
        a_memory(3, state="paused", credential="somebody"),
    ]
    await stored(services, *kept, a_memory(4, state="deleted"))
    assert await exported(services, caller) == kept


async def test_it_can_be_narrowed_to_a_namespace_and_a_user_and_go_on_after_an_id(
    services: Services, caller: Caller
) -> None:
    await stored(
        services,
        a_memory(1, user_id="ada"),
        a_memory(2, user_id="bob"),
        a_memory(3, user_id="ada", namespace="notes"),
        a_memory(4, user_id="ada"),
    )
    assert [one.id for one in await exported(services, caller, user_id="ada")] == [1, 3, 4]
    assert [one.id for one in await exported(services, caller, user_id="ada", namespace="default")] == [1, 4]
    assert [one.id for one in await exported(services, caller, after=2)] == [3, 4]


async def test_a_restricted_key_takes_out_its_own_namespaces_alone(services: Services) -> None:
    await stored(services, a_memory(1), a_memory(2, namespace="notes"), a_memory(3, tenant="other", namespace="notes"))
    notes = a_caller(namespaces=frozenset(["notes"]))
    assert [one.id for one in await exported(services, notes)] == [2]
    assert await exported(services, notes, namespace="default") == []
    assert await exported(services, a_caller(namespaces=frozenset())) == []


async def test_it_needs_the_scope_to_read(services: Services) -> None:
    with pytest.raises(Forbidden):
        await exported(services, a_caller(scopes=frozenset(["write"])))


async def test_the_embeddings_come_along_when_asked_for(services: Services, caller: Caller) -> None:
    await stored(services, a_memory(1, "likes tea"), a_memory(2, "plays chess"))
    batches = [batch async for batch in services.export.batches(caller, vectors=True)]
    wanted = await services.embedder.embed(["likes tea", "plays chess"])
    [(_, first), (_, second)] = batches[0]
    assert first is not None
    assert second is not None
    assert np.array_equal([first, second], wanted)


async def test_what_is_remembered_meanwhile_comes_too_and_nothing_twice(services: Services, caller: Caller) -> None:
    await services.namespaces.create(caller, NamespaceDraft(name="notes"))
    for _ in range(12):
        await services.remember.add(caller, [MemoryDraft(content=f"note {one}") for one in range(100)], "notes")
    seen: list[int] = []
    late: list[int] = []
    async for batch in services.export.batches(caller, namespace="notes"):
        seen += [memory.id for memory, _ in batch]
        if len(late) < 2:
            late.append((await services.remember.one(caller, MemoryDraft(content="late"), "notes")).memory.id)
    assert len(seen) == 1200 + len(late)
    assert seen == sorted(set(seen))
    assert set(late) < set(seen)


async def test_ten_thousand_memories_take_no_more_room_than_some_hundreds(embedder: BundledEmbedder) -> None:
    async def confirm() -> None:
        pass

    async with SqliteEngine(None, embedding=embedder.spec) as engine:
        [vector] = await embedder.embed(["likes tea"])
        for start in range(0, 10_000, 1000):
            memories = (a_memory(id, f"{id} likes tea" + 1500 * "x") for id in range(start, start + 1000))
            await engine.memories.insert([Record(memory=memory, vector=vector) for memory in memories])
        size = 0
        tracemalloc.start()
        try:
            batches = Export(engine, embedder.spec).batches(a_caller())
            async for chunk in _lines(b"", await anext(batches), batches, None, confirm):
                size += len(chunk)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert size > 15_000_000
    assert peak < 5_000_000

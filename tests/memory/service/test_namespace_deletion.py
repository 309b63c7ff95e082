import json
from typing import Any

import pytest

from memory import ids
from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine, Filter, PutDocument
from memory.errors import Forbidden, Invalid, NotFound, StoreUnavailable
from memory.extraction.worker import Worker
from memory.model import NamespaceConfig
from memory.service import namespaces as module
from memory.service.directory import CACHED_SECONDS, NamespacePatch
from memory.service.drafts import MemoryDraft, MemoryPatch
from memory.service.keys import LESSON, history_stream, lesson_index
from memory.service.namespaces import LATECOMERS, LEFTOVERS, NamespaceDraft, Namespaces
from tests.support.services import Services, a_caller, services_over


@pytest.fixture
def namespaces(services: Services) -> Namespaces:
    return services.namespaces


@pytest.fixture
def elsewhere(either_engine: Engine, embedder: BundledEmbedder, services: Services) -> Services:
    """The services of another process."""
    return services_over(either_engine, embedder, clock=services.clock)


def draft(name: str, parent: str | None = None, **config: Any) -> NamespaceDraft:
    return NamespaceDraft(name=name, parent=parent, config=NamespaceConfig(**config))


async def remembered(services: Services, namespace: str, content: str, **given: Any) -> int:
    record = await services.remember.one(a_caller(), MemoryDraft(content=content, **given), namespace)
    return record.memory.id


async def contents(services: Services, namespace: str) -> list[str]:
    where = Filter(tenant="default", namespaces=(namespace,), current=False)
    return [memory.content for memory in (await services.engine.memories.list(where)).memories]


async def clear_up(services: Services) -> None:
    handlers = {LEFTOVERS: services.namespaces.sweep_up, LATECOMERS: services.namespaces.keep_latecomers}
    await Worker(services.engine, handlers).drain()


async def test_a_namespace_with_memories_is_deleted_only_by_force(services: Services, caller: Caller) -> None:
    made = await services.namespaces.create(caller, draft("alpha"))
    drafts = [MemoryDraft(content=f"{n}", run_id="s") for n in range(7)]
    await services.remember.add(caller, drafts, "alpha")
    await services.remember.add(caller, drafts[:1], "default")

    with pytest.raises(Invalid, match="not empty"):
        await services.namespaces.delete(caller, "alpha")
    await services.namespaces.delete(caller, ids.spell(made.id, "ns"), force=True)

    for gone in ("alpha", ids.spell(made.id, "ns")):
        with pytest.raises(NotFound):
            await services.namespaces.resolve(caller, gone)
    assert (await services.engine.memories.usage("default", "alpha")).memories == 0
    assert (await services.engine.memories.usage("default")).memories == 1
    await services.namespaces.create(caller, draft("alpha"))
    [record] = await services.remember.write(caller, drafts[:1], "alpha")
    assert not isinstance(record, Exception)
    assert record.memory.seq == 1


async def test_a_parent_is_deleted_only_by_force_and_its_children_stay(namespaces: Namespaces, caller: Caller) -> None:
    await namespaces.create(caller, draft("top"))
    await namespaces.create(caller, draft("below", parent="top"))

    with pytest.raises(Invalid, match="parent"):
        await namespaces.delete(caller, "top")
    await namespaces.delete(caller, "top", force=True)

    assert (await namespaces.resolve(caller, "below")).parent is None


async def test_deleting_needs_the_scope_delete(namespaces: Namespaces, caller: Caller) -> None:
    await namespaces.create(caller, draft("alpha"))

    with pytest.raises(Forbidden):
        await namespaces.delete(a_caller(scopes=frozenset({"read", "write"})), "alpha")


async def test_nothing_that_was_kept_of_its_memories_stays_behind(services: Services, caller: Caller) -> None:
    await services.namespaces.create(caller, draft("alpha"))
    kept, deleted = [await remembered(services, "alpha", content, run_id="s") for content in ("a", "b")]
    await services.revise.update(caller, kept, MemoryPatch(content="c"))
    await services.forget.one(caller, deleted)
    lesson = PutDocument(
        kind=LESSON, tenant="default", key="x", value=b"[]", indexes=dict([lesson_index("alpha")]), ttl_seconds=60
    )
    await services.engine.commit([lesson])

    await services.namespaces.delete(caller, "alpha", force=True)

    for id in (kept, deleted):
        with pytest.raises(NotFound):
            await services.history.of(caller, id)
        assert await services.engine.log.read("default", history_stream(id)) == []
    assert await services.engine.log.read("default", "forgotten:alpha") == []
    assert (await services.engine.documents.list(LESSON, "default"))[1] == 0
    counter = "seq:" + json.dumps(["alpha", "", "s"], separators=(",", ":"))
    assert await services.engine.counters.values("default", [counter]) == {counter: 0}


async def test_names_that_begin_alike_are_unrelated(services: Services, caller: Caller) -> None:
    for name in ("user", "user:john", "user*"):
        await services.namespaces.create(caller, draft(name))
        await remembered(services, name, f"of {name}", run_id="s")

    await services.namespaces.delete(caller, "user", force=True)

    assert [await contents(services, name) for name in ("user", "user:john", "user*")] == [
        [],
        ["of user:john"],
        ["of user*"],
    ]
    where = Filter(tenant="default", namespaces=("user:john",))
    assert (await services.search.find(caller, where, "of user")).total == 1


async def test_a_process_that_knows_only_its_predecessor_deletes_nothing_by_force(
    services: Services, elsewhere: Services, caller: Caller
) -> None:
    await services.namespaces.create(caller, draft("alpha"))
    await elsewhere.namespaces.resolve(caller, "alpha")
    await services.namespaces.delete(caller, "alpha", force=True)
    await services.namespaces.create(caller, draft("alpha"))
    await remembered(services, "alpha", "new")

    with pytest.raises(NotFound):
        await elsewhere.namespaces.delete(caller, "alpha", force=True)

    assert await contents(services, "alpha") == ["new"]


async def test_what_a_process_that_still_knew_it_wrote_goes_too_by_force(
    services: Services, elsewhere: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEFTOVERS_SECONDS", 0.0)
    await services.namespaces.create(caller, draft("alpha"))
    await elsewhere.namespaces.resolve(caller, "alpha")
    await services.namespaces.delete(caller, "alpha", force=True)
    late = await remembered(elsewhere, "alpha", "late", run_id="s")
    await elsewhere.revise.update(caller, late, MemoryPatch(content="later"))
    assert await contents(services, "alpha") == ["later"]
    services.clock.pass_(seconds=CACHED_SECONDS)
    with pytest.raises(NotFound):
        await remembered(elsewhere, "alpha", "too late")

    await clear_up(elsewhere)

    assert await contents(services, "alpha") == []
    assert (await services.engine.memories.usage("default")).memories == 0
    with pytest.raises(NotFound):
        await services.history.of(caller, late)


async def test_what_a_process_that_still_knew_it_wrote_brings_an_empty_one_back(
    services: Services, elsewhere: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEFTOVERS_SECONDS", 0.0)
    await services.namespaces.create(caller, draft("alpha"))
    await services.namespaces.resolve(caller, "alpha")
    made = await elsewhere.namespaces.update(caller, "alpha", NamespacePatch(config={"token_budget": 7}))
    await elsewhere.namespaces.resolve(caller, "alpha")
    await services.namespaces.delete(caller, "alpha")
    await remembered(elsewhere, "alpha", "late")

    await clear_up(services)

    assert await services.namespaces.resolve(caller, "alpha") == made
    assert await contents(services, "alpha") == ["late"]
    assert not await services.namespaces.directory.removed_since("default", "alpha", 0)


async def test_what_was_written_after_it_was_made_anew_and_deleted_by_force_stays_erased(
    services: Services, elsewhere: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEFTOVERS_SECONDS", 0.0)
    for force in (False, True):
        await services.namespaces.create(caller, draft("alpha"))
        await elsewhere.namespaces.resolve(caller, "alpha")
        services.clock.pass_(ms=1)
        await services.namespaces.delete(caller, "alpha", force=force)
    await remembered(elsewhere, "alpha", "late")

    await clear_up(services)

    assert await contents(services, "alpha") == []
    with pytest.raises(NotFound):
        await services.namespaces.resolve(caller, "alpha")


async def test_an_empty_namespace_stays_deleted_where_nobody_wrote(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEFTOVERS_SECONDS", 0.0)
    await services.namespaces.create(caller, draft("alpha"))
    forgotten = await remembered(services, "alpha", "a", run_id="s")
    await services.forget.one(caller, forgotten)
    await services.namespaces.delete(caller, "alpha")
    assert await services.engine.log.read("default", history_stream(forgotten)) == []

    await clear_up(services)

    with pytest.raises(NotFound):
        await services.namespaces.resolve(caller, "alpha")


@pytest.mark.parametrize("comes", ["a memory", "a child"])
async def test_what_comes_between_looking_and_deleting_hinders_it(
    services: Services, elsewhere: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch, comes: str
) -> None:
    made = await services.namespaces.create(caller, draft("alpha", token_budget=7))
    directory = services.namespaces.directory
    really = directory.remove

    async def just_after(*given: Any, **options: Any) -> None:
        if comes == "a memory":
            await remembered(elsewhere, "alpha", "just in time")
        else:
            await elsewhere.namespaces.create(caller, draft("below", parent="alpha"))
        await really(*given, **options)

    monkeypatch.setattr(directory, "remove", just_after)
    with pytest.raises(Invalid):
        await services.namespaces.delete(caller, "alpha")
    monkeypatch.undo()

    assert await services.namespaces.resolve(caller, "alpha") == made
    assert await contents(services, "alpha") == (["just in time"] if comes == "a memory" else [])
    await services.namespaces.delete(caller, "alpha", force=True)
    assert await contents(services, "alpha") == []


async def test_the_job_comes_when_nobody_knows_the_namespace_any_more(services: Services, caller: Caller) -> None:
    await services.namespaces.create(caller, draft("alpha"))
    await services.namespaces.delete(caller, "alpha")

    assert module.LEFTOVERS_SECONDS > CACHED_SECONDS
    assert (await services.engine.jobs.backlog()).waiting == 0  # not due yet


async def test_a_namespace_that_was_made_anew_is_left_alone(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEFTOVERS_SECONDS", 0.0)
    await services.namespaces.create(caller, draft("alpha"))
    await services.namespaces.delete(caller, "alpha", force=True)
    await services.namespaces.create(caller, draft("alpha"))
    await remembered(services, "alpha", "new")

    await clear_up(services)

    assert await contents(services, "alpha") == ["new"]


async def test_a_namespace_made_anew_while_its_leftovers_are_erased_loses_nothing(
    services: Services, elsewhere: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEFTOVERS_SECONDS", 0.0)
    await services.namespaces.create(caller, draft("alpha"))
    await elsewhere.namespaces.resolve(caller, "alpha")
    await services.namespaces.delete(caller, "alpha", force=True)
    await remembered(elsewhere, "alpha", "late")
    directory = services.namespaces.directory
    really = directory.read

    async def just_before(tenant: str, name: str) -> Any:
        """Another is made, and written into, between the reading of a batch and the look at whether there is one."""
        found = await really(tenant, name)
        await elsewhere.namespaces.create(caller, draft("alpha"))
        await remembered(elsewhere, "alpha", "new")
        monkeypatch.setattr(directory, "read", really)
        return found

    monkeypatch.setattr(directory, "read", just_before)

    await clear_up(services)

    assert await contents(services, "alpha") == ["new"]


async def test_a_deletion_that_broke_off_can_be_repeated(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    await services.namespaces.create(caller, draft("alpha"))
    await remembered(services, "alpha", "a")

    async def away(*_: Any) -> Any:
        raise StoreUnavailable("gone fishing")

    monkeypatch.setattr(services.engine.memories, "delete", away)
    with pytest.raises(StoreUnavailable):
        await services.namespaces.delete(caller, "alpha", force=True)
    monkeypatch.undo()
    assert (await services.namespaces.resolve(caller, "alpha")).name == "alpha"

    await services.namespaces.delete(caller, "alpha", force=True)

    assert await contents(services, "alpha") == []


async def test_it_is_known_for_a_while_that_a_namespace_was_removed(services: Services, caller: Caller) -> None:
    directory = services.namespaces.directory
    await services.namespaces.create(caller, draft("alpha"))
    now = services.clock.now
    assert not await directory.removed_since("default", "alpha", now - 1)

    await services.namespaces.delete(caller, "alpha")
    await services.namespaces.create(caller, draft("alpha"))

    assert await directory.removed_since("default", "alpha", now)
    assert not await directory.removed_since("default", "alpha", now + 1)
    assert not await directory.removed_since("other", "alpha", now)
    assert not await directory.removed_since("default", "alpha2", now)

"""What the live feed and the audit log are told of memories, and in which order."""

import msgspec
import pytest

from memory import ids
from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine
from memory.errors import Conflict, NotFound
from memory.service import audit, events
from memory.service.audit import Audited
from memory.service.drafts import MemoryDraft, MemoryPatch
from memory.service.events import Event
from memory.service.namespaces import NamespaceDraft
from tests.support.services import START, Services, a_caller, services_over


async def told(services: Services, tenant: str = "default") -> list[Event]:
    entries = await services.engine.log.read(tenant, events.STREAM)
    return [msgspec.json.decode(entry.entry, type=Event) for entry in entries]


async def audited(services: Services, tenant: str) -> list[Audited]:
    entries = await services.engine.log.read(tenant, audit.STREAM)
    return [msgspec.json.decode(entry.entry, type=Audited) for entry in entries]


async def remembered(services: Services, caller: Caller, content: str) -> int:
    draft = MemoryDraft(content=content, user_id="ada", type="episodic", created_at=START - 5)
    return (await services.remember.one(caller, draft, "default")).memory.id


async def test_each_stored_memory_of_a_batch_is_told_with_no_word_of_what_it_says(
    services: Services, caller: Caller
) -> None:
    drafts = [MemoryDraft(content="secret a", user_id="ada"), MemoryDraft(content=" "), MemoryDraft(content="secret b")]
    stored = await services.remember.add(caller, drafts, "default")

    created = await told(services)

    assert [event.id for event in created] == [
        ids.spell(memory.id) for memory in stored if not isinstance(memory, Exception)
    ]
    assert [(event.kind, event.namespace, event.type, event.user_id) for event in created] == [
        ("memory.created", "default", "semantic", "ada"),
        ("memory.created", "default", "semantic", None),
    ]
    raw = await services.engine.log.read("default", events.STREAM)
    assert all(b"secret" not in entry.entry for entry in raw)


async def test_changes_are_told_in_the_order_in_which_they_were_stored(services: Services, caller: Caller) -> None:
    old, newer = [await remembered(services, caller, content) for content in ("old", "new")]
    services.clock.pass_(ms=7)
    await services.revise.update(caller, old, MemoryPatch(tags=["x"]))
    await services.revise.supersede(caller, old, newer)
    await services.revise.supersede(caller, old, newer)
    await services.forget.one(caller, old)

    changes = await told(services)

    assert [(event.kind, event.id, event.superseded_by) for event in changes] == [
        ("memory.created", ids.spell(old), None),
        ("memory.created", ids.spell(newer), None),
        ("memory.updated", ids.spell(old), None),
        ("memory.superseded", ids.spell(old), ids.spell(newer)),
        ("memory.deleted", ids.spell(old), ids.spell(newer)),
    ]
    assert [event.at for event in changes] == [START] * 2 + [START + 7] * 3


async def test_what_does_not_take_place_is_not_told(services: Services, caller: Caller) -> None:
    id = await remembered(services, caller, "a")
    stranger = a_caller(tenant="other")
    for call in (
        services.revise.update(stranger, id, MemoryPatch(tags=["x"])),
        services.forget.one(stranger, id),
        services.revise.supersede(caller, id, 5),
    ):
        with pytest.raises(NotFound):
            await call

    assert [event.kind for event in await told(services)] == ["memory.created"]
    assert await told(services, "other") == []
    assert await audited(services, "default") == await audited(services, "other") == []


async def test_a_memory_that_took_another_id_is_told_by_that_one(
    either_engine: Engine, embedder: BundledEmbedder, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_over(either_engine, embedder)
    first = await remembered(services, caller, "a")
    taken = iter([[first], [first + 1]])
    monkeypatch.setattr(ids.IdSource, "take", lambda *_: next(taken))

    second = await remembered(services, caller, "b")

    assert second == first + 1
    assert [event.id for event in await told(services)] == [ids.spell(first), ids.spell(second)]


async def test_a_memory_that_finds_no_free_id_is_not_told(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await remembered(services, caller, "a")
    monkeypatch.setattr(ids.IdSource, "take", lambda *_: [first])

    with pytest.raises(Conflict):
        await remembered(services, caller, "b")

    assert len(await told(services)) == 1


async def test_a_deletion_is_audited_with_who_did_it(services: Services, caller: Caller) -> None:
    id = await remembered(services, caller, "secret")

    await services.forget.one(a_caller(key="key_1"), id)

    [entry] = await audited(services, "default")
    assert (entry.actor, entry.action, entry.target, entry.tenant) == (
        "key_1",
        "memory.delete",
        ids.spell(id),
        "default",
    )
    assert entry.details == {"namespace": "default"}
    with pytest.raises(NotFound):
        await services.forget.one(caller, id)
    assert len(await audited(services, "default")) == 1


async def test_the_end_of_a_namespace_is_audited_once_it_has_come(services: Services, caller: Caller) -> None:
    made = await services.namespaces.create(caller, NamespaceDraft(name="alpha"))
    await services.remember.write(caller, [MemoryDraft(content="secret")] * 3, "alpha")

    await services.namespaces.delete(a_caller(operator=True), "alpha", force=True)

    [entry] = await audited(services, "default")
    assert (entry.actor, entry.action, entry.target) == ("operator", "namespace.delete", ids.spell(made.id, "ns"))
    assert entry.details == {"namespace": "alpha", "memories": 3}
    with pytest.raises(NotFound):
        await services.namespaces.delete(caller, "alpha", force=True)
    assert len(await audited(services, "default")) == 1

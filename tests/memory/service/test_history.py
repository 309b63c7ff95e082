import pytest

from memory.caller import Caller
from memory.errors import Forbidden, NotFound
from memory.service.drafts import MemoryDraft, MemoryPatch
from memory.service.history import Change
from tests.support.services import START, Services, SetClock, a_caller


async def remembered(services: Services, caller: Caller, content: str, namespace: str = "default") -> int:
    return (await services.remember.one(caller, MemoryDraft(content=content), namespace)).memory.id


def told(changes: list[Change]) -> list[tuple[int, str, str]]:
    return [(change.memory_id, change.event, change.content) for change in changes]


async def test_a_memory_that_never_changed_tells_its_creation(services: Services, caller: Caller) -> None:
    id = await remembered(services, caller, "a")

    [creation] = await services.history.of(caller, id)

    assert (creation.event, creation.at, creation.version, creation.content) == ("created", START, 1, "a")


async def test_changes_are_told_oldest_first_with_what_was_before(
    services: Services, caller: Caller, clock: SetClock
) -> None:
    id = await remembered(services, caller, "a")
    clock.pass_(ms=1)
    await services.revise.update(caller, id, MemoryPatch(confidence=0.5))
    clock.pass_(ms=1)
    await services.revise.update(caller, id, MemoryPatch(content="b"))
    clock.pass_(ms=1)
    await services.forget.one(caller, id)

    changes = await services.history.of(caller, id)

    assert told(changes) == [(id, "created", "a"), (id, "updated", "a"), (id, "updated", "b"), (id, "deleted", "b")]
    assert [change.at - START for change in changes] == [0, 1, 2, 3]
    assert [change.version for change in changes] == [1, 2, 3, 4]
    assert [change.previous_content for change in changes] == [None, None, "a", None]


async def test_the_history_of_a_memory_has_those_of_all_it_superseded(
    services: Services, caller: Caller, clock: SetClock
) -> None:
    homes = []
    for home in ("Lisbon", "Porto", "Faro"):
        homes.append(await remembered(services, caller, home))
        clock.pass_(ms=1)
        if len(homes) > 1:
            await services.revise.supersede(caller, homes[-2], homes[-1])
            clock.pass_(ms=1)
    lisbon, porto, faro = homes

    assert told(await services.history.of(caller, faro)) == [
        (lisbon, "created", "Lisbon"),
        (porto, "created", "Porto"),
        (lisbon, "superseded", "Lisbon"),
        (faro, "created", "Faro"),
        (porto, "superseded", "Porto"),
    ]
    own = await services.history.of(caller, lisbon)
    assert told(own) == [(lisbon, "created", "Lisbon"), (lisbon, "superseded", "Lisbon")]
    assert own[1].superseded_by == porto


async def test_a_creation_dated_after_its_changes_still_comes_first(
    services: Services, caller: Caller, clock: SetClock
) -> None:
    draft = MemoryDraft(content="from the future", created_at=START + 1_000_000)
    id = (await services.remember.one(caller, draft, "default")).memory.id
    await services.revise.update(caller, id, MemoryPatch(tags=["x"]))

    assert [change.event for change in await services.history.of(caller, id)] == ["created", "updated"]


async def test_a_long_history_is_told_whole(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.service.history._PAGE", 2)
    id = await remembered(services, caller, "0")
    for n in range(1, 6):
        await services.revise.update(caller, id, MemoryPatch(content=str(n)))

    assert [change.content for change in await services.history.of(caller, id)] == list("012345")


async def test_history_is_closed_to_other_tenants_namespaces_and_keys_without_read(
    services: Services, caller: Caller
) -> None:
    kept, gone = await remembered(services, caller, "kept"), await remembered(services, caller, "gone")
    await services.forget.one(caller, gone)

    for id in (kept, gone, 12345):
        for stranger in (a_caller(tenant="other"), a_caller(namespaces=frozenset({"else"}))):
            with pytest.raises(NotFound):
                await services.history.of(stranger, id)
    with pytest.raises(Forbidden):
        await services.history.of(a_caller(scopes=frozenset({"write"})), kept)


async def test_an_erased_namespace_leaves_no_history(services: Services, caller: Caller) -> None:
    await services.namespaces.ensure(caller, "other")
    kept = await remembered(services, caller, "kept", "other")
    gone = await remembered(services, caller, "gone", "other")
    await services.revise.update(caller, kept, MemoryPatch(content="changed"))
    await services.forget.one(caller, gone)

    await services.namespaces.delete(caller, "other", force=True)

    for id in (kept, gone):
        with pytest.raises(NotFound):
            await services.history.of(caller, id)
        assert await services.engine.log.read("default", f"history:{id}") == []
    assert await services.engine.log.read("default", "forgotten:other") == []

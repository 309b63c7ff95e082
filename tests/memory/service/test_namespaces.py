import asyncio
from typing import Any

import pytest

from memory import ids
from memory.caller import Caller
from memory.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded
from memory.model import Namespace, NamespaceConfig
from memory.service import directory
from memory.service.directory import CACHED_SECONDS, NamespacePatch
from memory.service.namespaces import NamespaceDraft, Namespaces
from tests.support.services import START, Services, SetClock, a_caller


@pytest.fixture
def namespaces(services: Services) -> Namespaces:
    return services.namespaces


def draft(name: str, parent: str | None = None, template: str | None = None, **config: Any) -> NamespaceDraft:
    return NamespaceDraft(name=name, parent=parent, template=template, config=NamespaceConfig(**config))


def related(name: str, role: str, other: str) -> NamespaceDraft:
    relation: dict[str, Any] = {role: other}
    return NamespaceDraft(name=name, **relation)


async def test_default_exists_in_every_tenant(namespaces: Namespaces) -> None:
    for tenant in ("one", "two"):
        assert (await namespaces.resolve(a_caller(tenant=tenant), "default")).tenant == tenant
        page, total = await namespaces.page(a_caller(tenant=tenant))
        assert ([namespace.name for namespace in page], total) == (["default"], 1)


async def test_default_made_by_many_at_once_is_one(services: Services) -> None:
    many = [Namespaces(services.engine, services.clock) for _ in range(5)]

    made = await asyncio.gather(*(namespaces.resolve(a_caller(), "default") for namespaces in many))

    assert len({namespace.id for namespace in made}) == 1


async def test_a_namespace_is_found_by_name_and_by_id(namespaces: Namespaces, caller: Caller) -> None:
    made = await namespaces.create(caller, draft("alpha", token_budget=8000))

    assert made.created_at == START
    assert await namespaces.resolve(caller, "alpha") == made
    assert await namespaces.resolve(caller, ids.spell(made.id, "ns")) == made
    with pytest.raises(NotFound):
        await namespaces.resolve(a_caller(tenant="other"), ids.spell(made.id, "ns"))


@pytest.mark.parametrize("name", ["", "a/b", ".", "..", "a\nb", "a\0", "x" * 129, ids.spell(5, "ns")])
async def test_a_bad_name_is_refused(namespaces: Namespaces, caller: Caller, name: str) -> None:
    with pytest.raises(Invalid) as raised:
        await namespaces.create(caller, draft(name))

    assert raised.value.details["field"] == "name"
    with pytest.raises((Invalid, NotFound)):
        await namespaces.ensure(caller, name)


async def test_hostile_names_are_names_like_any_other(namespaces: Namespaces, caller: Caller) -> None:
    names = ["user", "user:john", "a|b", "*", "a b", "ns_", "'; --", "..a", "🐟", "a" * 128]
    for name in names:
        await namespaces.create(caller, draft(name))

    assert [(await namespaces.resolve(caller, name)).name for name in names] == names


async def test_a_name_taken_is_a_conflict(namespaces: Namespaces, caller: Caller) -> None:
    await namespaces.create(caller, draft("alpha"))

    with pytest.raises(Conflict):
        await namespaces.create(caller, draft("alpha"))
    await namespaces.create(a_caller(tenant="other"), draft("alpha"))


async def test_ensure_creates_on_first_use_only(namespaces: Namespaces, caller: Caller) -> None:
    first = await namespaces.ensure(caller, "alpha")

    assert await namespaces.ensure(caller, "alpha") == first
    assert (await namespaces.page(caller))[1] == 2


async def test_ensure_does_not_create_for_a_key_that_may_not(namespaces: Namespaces) -> None:
    with pytest.raises(Forbidden):
        await namespaces.ensure(a_caller(scopes=frozenset({"read"})), "alpha")
    with pytest.raises(NotFound):
        await namespaces.ensure(a_caller(namespaces=frozenset({"beta"})), "alpha")
    await namespaces.ensure(a_caller(namespaces=frozenset({"beta"}), scopes=frozenset({"inference"})), "beta")


async def test_a_restricted_key_sees_and_makes_only_its_own(namespaces: Namespaces, caller: Caller) -> None:
    closed = await namespaces.create(caller, draft("closed"))
    await namespaces.create(caller, draft("mine", parent="closed"))
    restricted = a_caller(namespaces=frozenset({"mine", "mine too", "not yet"}))

    await namespaces.create(restricted, draft("mine too"))
    page, total = await namespaces.page(restricted)
    assert ([namespace.name for namespace in page], total) == (["mine", "mine too"], 2)
    with pytest.raises(NotFound):
        await namespaces.page(restricted, parent="closed")
    for name in ("closed", "default", ids.spell(closed.id, "ns")):
        with pytest.raises(NotFound):
            await namespaces.resolve(restricted, name)
        with pytest.raises(NotFound):
            await namespaces.delete(restricted, name, force=True)
        with pytest.raises(NotFound):
            await namespaces.update(restricted, name, NamespacePatch())
        for role in ("parent", "template"):
            with pytest.raises(Invalid):
                await namespaces.create(restricted, related("not yet", role, name))
    with pytest.raises(Forbidden):
        await namespaces.create(restricted, draft("another"))


@pytest.mark.parametrize("role", ["parent", "template"])
async def test_parent_and_template_have_to_exist(namespaces: Namespaces, caller: Caller, role: str) -> None:
    with pytest.raises(Invalid) as raised:
        await namespaces.create(caller, related("alpha", role, "nowhere"))

    assert raised.value.details["field"] == role


async def test_a_templates_configuration_is_copied_under_the_given_one(namespaces: Namespaces, caller: Caller) -> None:
    template = await namespaces.create(caller, draft("team", token_budget=1, retention_days=2))
    made = await namespaces.create(caller, draft("alpha", template=ids.spell(template.id, "ns"), token_budget=8))
    await namespaces.update(caller, "team", NamespacePatch(config={"retention_days": 99}))

    assert made.template == "team"
    assert made.config == NamespaceConfig(token_budget=8, retention_days=2)
    assert (await namespaces.resolve(caller, "alpha")).config == made.config


async def test_configuration_is_inherited_when_read(namespaces: Namespaces, caller: Caller) -> None:
    top: dict[str, Any] = {
        "token_budget": 1,
        "retention_days": 1,
        "custom_scoring": {"vector_weight": 0.1, "text_weight": 0.1},
    }
    await namespaces.create(caller, draft("top", **top))
    await namespaces.create(caller, draft("middle", parent="top", inherit_from_parent=True, retention_days=2))
    scoring = {"text_weight": 0.9}
    bottom = draft("bottom", parent="middle", inherit_from_parent=True, custom_scoring=scoring)
    made = await namespaces.create(caller, bottom)

    effective = await namespaces.effective(made)

    assert effective.token_budget == 1
    assert effective.retention_days == 2
    assert effective.custom_scoring == {"vector_weight": 0.1, "text_weight": 0.9}
    await namespaces.update(caller, "top", NamespacePatch(config={"token_budget": 7}))
    assert (await namespaces.effective(made)).token_budget == 7
    assert made.config.token_budget is None


async def test_without_being_told_to_nothing_is_inherited(namespaces: Namespaces, caller: Caller) -> None:
    await namespaces.create(caller, draft("top", token_budget=1))
    made = await namespaces.create(caller, draft("bottom", parent="top"))

    assert (await namespaces.effective(made)).token_budget is None


async def test_an_update_changes_what_it_names_and_null_unsets(
    namespaces: Namespaces, caller: Caller, clock: SetClock
) -> None:
    await namespaces.create(caller, draft("alpha", token_budget=1, max_memories=2))
    clock.pass_(ms=5)

    after = await namespaces.update(caller, "alpha", NamespacePatch(config={"token_budget": None, "retention_days": 3}))

    assert after.config == NamespaceConfig(max_memories=2, retention_days=3)
    assert (after.created_at, after.updated_at) == (START, START + 5)
    assert await namespaces.resolve(caller, "alpha") == after


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"token_budget": -1}, "config.token_budget"),
        ({"token_budget": "many"}, "config.token_budget"),
        ({"allowed_types": ["nonsense"]}, "config.allowed_types[0]"),
        ({"colour": "red"}, "config.colour"),
        ({"custom_scoring": {"graph_weight": 1.0}}, "config.custom_scoring.graph_weight"),
        ({"custom_scoring": {"text_weight": -1.0}}, "config.custom_scoring[...]"),
    ],
)
async def test_a_bad_configuration_names_its_field(
    namespaces: Namespaces, caller: Caller, config: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as raised:
        await namespaces.update(caller, "default", NamespacePatch(config=config))

    assert raised.value.details["field"] == field


async def test_a_parent_can_be_set_and_unset_but_no_circle_closed(namespaces: Namespaces, caller: Caller) -> None:
    for name in ("a", "b", "c"):
        await namespaces.create(caller, draft(name))
    await namespaces.update(caller, "b", NamespacePatch(parent="a"))
    await namespaces.update(caller, "c", NamespacePatch(parent="b"))

    for circle in ("a", "b", "c"):
        with pytest.raises(Invalid, match="ancestor"):
            await namespaces.update(caller, "a", NamespacePatch(parent=circle))
    page, total = await namespaces.page(caller, parent="a")
    assert ([namespace.name for namespace in page], total) == (["b"], 1)
    assert (await namespaces.update(caller, "b", NamespacePatch(parent=None))).parent is None
    assert (await namespaces.page(caller, parent="a"))[1] == 0


async def test_no_circle_is_closed_over_what_another_process_changed(services: Services, caller: Caller) -> None:
    here, there = services.namespaces, Namespaces(services.engine, services.clock)
    for name in ("a", "b"):
        await here.create(caller, draft(name))
        await there.resolve(caller, name)
    await here.update(caller, "a", NamespacePatch(parent="b"))

    with pytest.raises(Invalid, match="ancestor"):
        await there.update(caller, "b", NamespacePatch(parent="a"))


async def test_no_circle_is_closed_by_changes_at_once(services: Services, caller: Caller) -> None:
    here, there = services.namespaces, Namespaces(services.engine, services.clock)
    for first, second, old in ((f"a{n}", f"b{n}", f"c{n}") for n in range(10)):
        for name in (old, first, second):
            await here.create(caller, draft(name))
        await here.update(caller, first, NamespacePatch(parent=old))
        outcomes = await asyncio.gather(
            here.update(caller, first, NamespacePatch(parent=second, config={"token_budget": 5})),
            there.update(caller, second, NamespacePatch(parent=first)),
            return_exceptions=True,
        )
        found = [await there.directory.read(caller.tenant, name) for name in (first, second)]
        changed, other = [namespace for namespace in found if namespace is not None]

        assert any(isinstance(outcome, Conflict | Invalid) for outcome in outcomes)
        assert (changed.parent, other.parent) in ((second, None), (old, first), (old, None))
        assert changed.config.token_budget == (5 if isinstance(outcomes[0], Namespace) else None)


async def test_pages_are_in_order_of_creation(namespaces: Namespaces, caller: Caller, clock: SetClock) -> None:
    await namespaces.resolve(caller, "default")
    for name in ("z", "y", "x"):
        clock.pass_(ms=1)
        await namespaces.create(caller, draft(name))

    page, total = await namespaces.page(caller, offset=1, limit=2)

    assert ([namespace.name for namespace in page], total) == (["z", "y"], 4)


async def test_another_processs_change_is_seen_when_the_cache_ends(services: Services, caller: Caller) -> None:
    here, there = services.namespaces, Namespaces(services.engine, services.clock)
    await there.resolve(caller, "default")
    before = await here.resolve(caller, "default")

    after = await there.update(caller, "default", NamespacePatch(config={"token_budget": 5}))

    assert await here.resolve(caller, "default") == before
    services.clock.pass_(seconds=CACHED_SECONDS)
    assert await here.resolve(caller, "default") == after


async def test_changes_at_once_all_take_place(services: Services, caller: Caller) -> None:
    fields: dict[str, Any] = {"token_budget": 1, "max_memories": 2, "retention_days": 3}

    await asyncio.gather(
        *(
            Namespaces(services.engine).update(caller, "default", NamespacePatch(config={name: value}))
            for name, value in fields.items()
        )
    )

    assert (await Namespaces(services.engine).resolve(caller, "default")).config == NamespaceConfig(**fields)


async def test_a_tenant_has_no_more_namespaces_than_it_may(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MAX_NAMESPACES", 2)
    for name in ("a", "b"):
        await services.namespaces.ensure(caller, name)

    with pytest.raises(QuotaExceeded):
        await services.namespaces.ensure(a_caller(scopes=frozenset({"inference"})), "c")
    with pytest.raises(QuotaExceeded):
        await services.namespaces.create(caller, draft("c"))
    assert (await services.namespaces.ensure(caller, "a")).name == "a"
    assert (await services.namespaces.ensure(a_caller(tenant="other"), "c")).name == "c"
    await services.namespaces.delete(caller, "a")
    assert (await services.namespaces.ensure(caller, "c")).name == "c"

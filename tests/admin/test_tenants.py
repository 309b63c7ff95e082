import asyncio
from typing import Any

import msgspec
import pytest

from admin.plans import PLANS, UNLIMITED, QuotaChanges
from admin.tenant import MAX_CONFIG_BYTES, MAX_CONFIG_DEPTH, Tenant, TenantDraft, TenantPatch
from admin.tenants import CACHED_SECONDS, Tenants
from memory import ids
from memory.caller import SYSTEM, Caller
from memory.engines.base import Engine, Limit
from memory.errors import Conflict, Forbidden, Invalid, NotFound
from memory.service.audit import STREAM, Audited
from memory.service.quota import Quotas
from tests.support.services import START, SetClock, a_caller


async def audited(engine: Engine, tenant: str) -> list[Audited]:
    entries = await engine.log.read(tenant, STREAM)
    return [msgspec.json.decode(entry.entry, type=Audited) for entry in entries]


async def made(tenants: Tenants, operator: Caller, name: str = "acme", **draft: Any) -> Tenant:
    return await tenants.create(operator, TenantDraft(name=name, **draft))


async def test_a_tenant_is_found_by_id_and_by_name(tenants: Tenants, operator: Caller) -> None:
    acme = await made(tenants, operator, display_name="Acme Corporation", config={"custom_setting": "value"})

    assert await tenants.get(acme.key) == await tenants.get("acme") == acme
    assert acme.key.startswith("tenant_")
    assert (acme.status, acme.plan, acme.created_at) == ("active", "standard", START)


@pytest.mark.parametrize("unknown", ["nobody", "tenant_0000000001z", "", "system", "tenant_|*"])
async def test_an_unknown_tenant_is_not_found(tenants: Tenants, unknown: str) -> None:
    with pytest.raises(NotFound):
        await tenants.get(unknown)


async def test_of_two_who_create_one_name_exactly_one_does(
    tenants: Tenants, other_tenants: Tenants, operator: Caller
) -> None:
    told = await asyncio.gather(
        *(made(service, operator) for service in (tenants, other_tenants) * 5), return_exceptions=True
    )

    assert [type(answer) for answer in told if not isinstance(answer, Tenant)] == [Conflict] * 9


@pytest.mark.parametrize(
    ("name", "error"),
    [("", Invalid), ("a/b", Invalid), ("..", Invalid), ("tenant_00000000001", Invalid), ("default", Conflict)],
)
async def test_a_name_that_can_not_be_told_from_others_is_refused(
    tenants: Tenants, operator: Caller, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await made(tenants, operator, name)


async def test_default_exists_without_limits_before_anything_is_written(tenants: Tenants) -> None:
    default = await tenants.get("default")

    assert default == await tenants.get(ids.spell(0, "tenant"))
    assert (default.key, default.plan, default.quotas) == ("default", "premium", UNLIMITED)
    assert await tenants.limits("default") == ()


async def test_default_can_be_changed(tenants: Tenants, operator: Caller) -> None:
    await tenants.update(operator, "default", TenantPatch(quotas=QuotaChanges(max_memories=5)))
    default = await tenants.update(operator, "default", TenantPatch(display_name="House"))

    assert await tenants.get("default") == default
    assert (default.display_name, default.quotas.max_memories, default.quotas.requests_per_day) == ("House", 5, 0)


async def test_default_takes_the_quotas_of_a_plan_it_is_given(tenants: Tenants, operator: Caller) -> None:
    default = await tenants.update(operator, "default", TenantPatch(plan="free"))

    assert default.quotas == PLANS["free"]


async def test_default_can_be_neither_suspended_nor_deleted(tenants: Tenants, operator: Caller) -> None:
    with pytest.raises(Conflict):
        await tenants.suspend(operator, "default")
    with pytest.raises(Conflict):
        await tenants.begin_deletion(operator, "default")
    assert (await tenants.standing("default")).status == "active"


async def test_a_page_has_default_first_and_the_others_by_age(
    tenants: Tenants, operator: Caller, clock: SetClock
) -> None:
    for name in ("b", "a", "c"):
        await made(tenants, operator, name)
        clock.pass_(ms=1)

    async def names(offset: int, limit: int) -> list[str]:
        page, total = await tenants.page(offset=offset, limit=limit)
        assert total == 4
        return [tenant.name for tenant in page]

    for _ in range(2):
        assert await names(0, 2) == ["default", "b"]
        assert await names(1, 2) == ["b", "a"]
        assert await names(2, 10) == ["a", "c"]
        assert await names(4, 10) == []
        await tenants.update(operator, "default", TenantPatch(config={"written": True}))


async def test_a_page_can_be_narrowed_to_a_status_and_a_plan(tenants: Tenants, operator: Caller) -> None:
    await made(tenants, operator, "rich", plan="premium")
    await made(tenants, operator, "poor", plan="free")
    await made(tenants, operator, "late", plan="free")
    await tenants.suspend(operator, "late")

    async def names(**where: Any) -> list[str]:
        page, total = await tenants.page(**where)
        assert total == len(page)
        return [tenant.name for tenant in page]

    assert await names(plan="premium") == ["default", "rich"]
    assert await names(plan="free") == ["poor", "late"]
    assert await names(status="suspended") == ["late"]
    assert await names(status="active", plan="free") == ["poor"]
    assert await names(status="suspended", plan="premium") == []


async def test_config_merges_entry_by_entry_and_none_removes_one(tenants: Tenants, operator: Caller) -> None:
    await made(tenants, operator, config={"kept": 1, "changed": {"a": 1, "b": 2}, "removed": 3})
    acme = await tenants.update(
        operator, "acme", TenantPatch(config={"changed": {"a": 2}, "removed": None, "new": [None]})
    )

    assert acme.config == {"kept": 1, "changed": {"a": 2}, "new": [None]}


@pytest.mark.parametrize("budget", [-1, 1_000_001, 1.5, "100", True, {}])
async def test_the_token_budget_in_a_config_is_a_whole_number(tenants: Tenants, operator: Caller, budget: Any) -> None:
    with pytest.raises(Invalid, match=r"config\.token_budget"):
        await made(tenants, operator, config={"token_budget": budget})


async def test_a_config_has_a_largest_size(tenants: Tenants, operator: Caller) -> None:
    await made(tenants, operator)
    with pytest.raises(Invalid, match="config"):
        await tenants.update(operator, "acme", TenantPatch(config={"much": "x" * MAX_CONFIG_BYTES}))


async def test_a_config_has_a_deepest_nesting(tenants: Tenants, operator: Caller) -> None:
    nested: dict[str, Any] = {}
    for _ in range(MAX_CONFIG_DEPTH - 1):
        nested = {"inner": nested}
    await made(tenants, operator, config=nested)

    with pytest.raises(Invalid, match="nested"):
        await tenants.update(operator, "acme", TenantPatch(config={"outer": nested}))


async def test_quotas_are_the_plans_but_for_those_set_by_hand(tenants: Tenants, operator: Caller) -> None:
    acme = await made(tenants, operator, plan="free", quotas=QuotaChanges(max_memories=7))
    assert (acme.quotas.max_memories, acme.quotas.requests_per_day) == (7, PLANS["free"].requests_per_day)

    acme = await tenants.update(operator, "acme", TenantPatch(plan="premium"))
    assert (acme.quotas.max_memories, acme.quotas.requests_per_day) == (7, PLANS["premium"].requests_per_day)

    acme = await tenants.update(operator, "acme", TenantPatch(quotas=QuotaChanges(max_memories=None)))
    assert acme.quotas == PLANS["premium"]


async def test_a_tenant_keeps_its_name(tenants: Tenants, operator: Caller) -> None:
    await made(tenants, operator)

    await tenants.update(operator, "acme", TenantPatch(name="acme", plan="free"))
    with pytest.raises(Invalid, match="name"):
        await tenants.update(operator, "acme", TenantPatch(name="other"))


async def test_no_change_of_many_at_once_is_lost(tenants: Tenants, other_tenants: Tenants, operator: Caller) -> None:
    await made(tenants, operator)
    await asyncio.gather(
        *(
            service.update(operator, "acme", TenantPatch(config={f"{name}{number}": number}))
            for number in range(10)
            for name, service in (("one", tenants), ("other", other_tenants))
        )
    )

    assert len((await tenants.get("acme")).config) == 20


async def test_a_suspended_tenant_stands_no_more_and_the_reason_is_told(tenants: Tenants, operator: Caller) -> None:
    acme = await made(tenants, operator)
    await tenants.standing(acme.key)
    suspended = await tenants.suspend(operator, "acme", "Payment overdue")

    assert (suspended.status, suspended.reason) == ("suspended", "Payment overdue")
    with pytest.raises(Forbidden, match="suspended: Payment overdue"):
        await tenants.standing(acme.key)


async def test_an_activated_tenant_stands_again(tenants: Tenants, operator: Caller) -> None:
    acme = await made(tenants, operator)
    await tenants.suspend(operator, "acme", "Payment overdue")
    active = await tenants.activate(operator, "acme")

    assert (active.status, active.reason) == ("active", None)
    assert await tenants.standing(acme.key) == active


async def test_another_processs_suspending_is_seen_within_seconds(
    tenants: Tenants, other_tenants: Tenants, operator: Caller, clock: SetClock
) -> None:
    acme = await made(tenants, operator)
    await other_tenants.standing(acme.key)
    await tenants.suspend(operator, "acme")

    clock.pass_(seconds=CACHED_SECONDS)
    with pytest.raises(Forbidden):
        await other_tenants.standing(acme.key)


async def test_of_a_tenant_being_deleted_nothing_can_be_done_but_go_on_deleting(
    tenants: Tenants, operator: Caller
) -> None:
    acme = await made(tenants, operator)
    await tenants.begin_deletion(operator, "acme")

    for refused in (
        tenants.update(operator, "acme", TenantPatch(plan="free")),
        tenants.suspend(operator, "acme"),
        tenants.activate(operator, "acme"),
    ):
        with pytest.raises(Conflict):
            await refused
    for closed in (tenants.standing(acme.key), tenants.limits(acme.key)):
        with pytest.raises(Forbidden):
            await closed
    assert (await tenants.begin_deletion(operator, "acme")).status == "deleting"


async def test_a_removed_tenant_is_gone_and_its_name_free(tenants: Tenants, operator: Caller) -> None:
    acme = await tenants.begin_deletion(operator, (await made(tenants, operator)).key)
    await tenants.remove(acme)

    with pytest.raises(NotFound):
        await tenants.get(acme.key)
    for closed in (tenants.standing(acme.key), tenants.limits(acme.key)):
        with pytest.raises(Forbidden):
            await closed
    assert (await made(tenants, operator)).key != acme.key


def test_tenants_are_what_services_ask_for_quotas(tenants: Tenants) -> None:
    quotas: Quotas = tenants
    assert quotas is tenants


async def test_the_limits_are_the_quotas_of_storage(tenants: Tenants, operator: Caller) -> None:
    free = await made(tenants, operator, plan="free")
    half = await made(tenants, operator, "half", quotas=QuotaChanges(max_memories=0, max_storage_bytes=100))

    assert await tenants.limits(free.key) == (Limit(memories=10_000, bytes=100 * 2**20),)
    assert await tenants.limits(half.key) == (Limit(bytes=100),)


async def test_a_suspended_tenants_queued_work_goes_on(tenants: Tenants, operator: Caller) -> None:
    acme = await made(tenants, operator)
    await tenants.suspend(operator, "acme")

    assert await tenants.limits(acme.key)


async def test_only_the_operator_changes_tenants(tenants: Tenants, operator: Caller) -> None:
    acme = await made(tenants, operator)
    admin = a_caller(tenant=acme.key, key="key_0")

    for refused in (
        made(tenants, admin, "mine"),
        tenants.update(admin, acme.key, TenantPatch(plan="premium")),
        tenants.suspend(admin, acme.key),
        tenants.activate(admin, acme.key),
        tenants.begin_deletion(admin, acme.key),
    ):
        with pytest.raises(Forbidden):
            await refused


async def test_a_tenants_admin_looks_after_its_own_and_no_other_exists_for_it(
    tenants: Tenants, operator: Caller
) -> None:
    acme, other = await made(tenants, operator), await made(tenants, operator, "other")
    admin = a_caller(tenant=acme.key, key="key_0")

    assert await tenants.administered(admin, "acme") == await tenants.administered(admin, acme.key) == acme
    told = []
    for asked in (other.key, "other", "default", "nobody", "tenant_0000000001z"):
        with pytest.raises(NotFound) as refused:
            await tenants.administered(admin, asked)
        told.append(refused.value.message)
    assert len(set(told)) == 1


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"key": "key_0", "scopes": frozenset({"read", "write"})}, id="without the scope"),
        pytest.param({"key": None}, id="without a key"),
    ],
)
async def test_without_the_scope_or_a_key_nobody_looks_after_a_tenant(tenants: Tenants, given: Any) -> None:
    with pytest.raises(Forbidden):
        await tenants.administered(a_caller(**given), "default")


async def test_what_is_done_to_a_tenant_is_in_its_audit_log_and_the_operators(
    tenants: Tenants, operator: Caller, either_engine: Engine
) -> None:
    acme = await made(tenants, operator)
    await tenants.update(operator, "acme", TenantPatch(plan="free", config={"a": 1}))
    await tenants.suspend(operator, "acme", "Payment overdue")
    await tenants.activate(operator, "acme")
    await tenants.begin_deletion(operator, "acme")

    entries = await audited(either_engine, acme.key)
    assert entries == await audited(either_engine, SYSTEM)
    assert [entry.action for entry in entries] == [
        "tenant.create",
        "tenant.update",
        "tenant.suspend",
        "tenant.activate",
        "tenant.delete",
    ]
    assert {(entry.actor, entry.target, entry.tenant) for entry in entries} == {("operator", acme.key, acme.key)}
    assert entries[1].details == {"changed": ["config", "plan"]}


async def test_what_was_tried_in_vain_is_in_no_audit_log(
    tenants: Tenants, other_tenants: Tenants, operator: Caller, either_engine: Engine
) -> None:
    await asyncio.gather(*(made(each, operator) for each in (tenants, other_tenants)), return_exceptions=True)
    with pytest.raises(Conflict):
        await tenants.suspend(operator, "default")

    assert [entry.action for entry in await audited(either_engine, SYSTEM)] == ["tenant.create"]


async def test_the_end_of_a_deletion_is_in_the_operators_audit_log_only(
    tenants: Tenants, operator: Caller, either_engine: Engine
) -> None:
    acme = await made(tenants, operator)
    before = len(await audited(either_engine, acme.key))
    await tenants.remove(acme)

    assert len(await audited(either_engine, acme.key)) == before
    assert (await audited(either_engine, SYSTEM))[-1].action == "tenant.erased"

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, cast

import pytest
from litestar.types import HTTPScope
from msgspec import Struct

from admin.auth import Authenticator
from admin.gate import Gate
from admin.key import KeyDraft
from admin.keys import Keys
from admin.limits import DAY, MINUTE, REQUESTS, Limiter
from admin.meter import REQUESTS_TOTAL, Meter
from admin.plans import QuotaChanges
from admin.tenant import Tenant, TenantDraft, TenantPatch
from admin.tenants import Tenants
from config.settings import Limits, Secret, Settings
from config.supervisor import Supervisor
from memory.caller import SYSTEM, Caller
from memory.engines.base import BOUNDLESS, Engine, Take
from memory.errors import Forbidden, RateLimited, Unauthenticated
from tests.support.services import SetClock

OPERATOR_KEY = "the-operators-key"
Making = Callable[..., Gate]


@pytest.fixture
def meter(either_engine: Engine, supervisor: Supervisor) -> Meter:
    return Meter(either_engine, supervisor)


@pytest.fixture
def make_gate(either_engine: Engine, keys: Keys, tenants: Tenants, meter: Meter, clock: SetClock) -> Making:
    def make(*, admin_key: str | None = OPERATOR_KEY, **limits: int) -> Gate:
        settings = Settings(admin_key=None if admin_key is None else Secret(admin_key), limits=Limits(**limits))
        authenticator = Authenticator(settings, keys, tenants, clock)
        return Gate(authenticator, tenants, Limiter(either_engine.counters), meter, settings.limits, clock=clock)

    return make


def scope(key: str | None = None, *, address: str = "192.0.2.7", path: str = "/v1/memories") -> HTTPScope:
    headers = [(b"host", b"localhost"), *([] if key is None else [(b"x-api-key", key.encode())])]
    given: dict[str, Any] = {"headers": headers, "query_string": b"", "client": (address, 4711), "path": path}
    return cast("HTTPScope", given)


class Admin(Struct):
    """What the operator does."""

    tenants: Tenants
    keys: Keys
    operator: Caller

    async def tenant(self, *, per_day: int = 0) -> Tenant:
        quotas = QuotaChanges(requests_per_minute=0, requests_per_day=per_day)
        return await self.tenants.create(self.operator, TenantDraft(name="acme", quotas=quotas))

    async def key(self, tenant: Tenant) -> str:
        return (await self.keys.issue(self.operator, tenant, KeyDraft()))[1].reveal()


@pytest.fixture
def admin(tenants: Tenants, keys: Keys, operator: Caller) -> Admin:
    return Admin(tenants, keys, operator)


async def counted(engine: Engine, tenant: str, name: str = REQUESTS, *, seconds: int = DAY) -> int:
    take = Take(tenant=tenant, name=name, limit=BOUNDLESS, window_seconds=seconds, amount=0)
    return BOUNDLESS - (await engine.counters.take([take]))[0].remaining


async def test_nothing_is_asked_of_the_engine_where_nothing_is_limited(
    make_gate: Making, meter: Meter, either_engine: Engine
) -> None:
    caller, allowance = await make_gate().native(scope(OPERATOR_KEY))

    assert caller.operator
    assert allowance is None
    assert await counted(either_engine, "default") == 0
    await meter.flush()
    assert await counted(either_engine, "default") == 1
    assert await either_engine.counters.values("default", [REQUESTS_TOTAL]) == {REQUESTS_TOTAL: 1}


async def test_a_tenants_quota_holds_over_all_its_keys_and_both_surfaces(
    make_gate: Making, admin: Admin, either_engine: Engine, meter: Meter
) -> None:
    gate, tenant = make_gate(), await admin.tenant(per_day=5)
    one, other = await admin.key(tenant), await admin.key(tenant)

    asked = [gate.native(scope(one)) for _ in range(4)] + [gate.proxied(scope(other)) for _ in range(4)]
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert sum(isinstance(answer, RateLimited) for answer in answers) == 3
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 5
    await meter.flush()
    assert await counted(either_engine, tenant.key) == 5
    assert await counted(either_engine, tenant.key, seconds=MINUTE) in range(6)
    assert await either_engine.counters.values(tenant.key, [REQUESTS_TOTAL]) == {REQUESTS_TOTAL: 5}


async def test_a_request_over_its_keys_limit_takes_nothing_from_the_tenants_quota(
    make_gate: Making, admin: Admin, either_engine: Engine
) -> None:
    tenant = await admin.tenant(per_day=5)
    key = await admin.key(tenant)
    gate, admitted = make_gate(requests_per_minute=1), 0
    for _ in range(4):  # of which a new minute may let in another
        with contextlib.suppress(RateLimited):
            await gate.native(scope(key))
            admitted += 1

    assert admitted < 4
    assert await counted(either_engine, tenant.key) == admitted


async def test_each_key_has_a_limit_of_its_own(make_gate: Making, admin: Admin) -> None:
    gate, tenant = make_gate(requests_per_minute=9), await admin.tenant()

    for key in (await admin.key(tenant), await admin.key(tenant), OPERATOR_KEY):
        _, allowance = await gate.native(scope(key))
        assert allowance is not None
        assert (allowance.limit, allowance.remaining) == (9, 8)


async def test_where_no_key_is_asked_for_the_limit_is_an_addresss(make_gate: Making, either_engine: Engine) -> None:
    gate = make_gate(admin_key=None, requests_per_minute=9)

    for address in ("192.0.2.1", "192.0.2.2"):
        _, allowance = await gate.native(scope(address=address))
        assert allowance is not None
        assert (allowance.limit, allowance.remaining) == (9, 8)
    assert await counted(either_engine, SYSTEM, "address:192.0.2.1", seconds=MINUTE) in (0, 1)


async def test_who_tries_keys_is_shut_out_even_with_the_operators(make_gate: Making, clock: SetClock) -> None:
    gate = make_gate(failed_keys_per_minute=2)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await gate.native(scope("wrong"))

    for enter in (gate.native, gate.proxied):
        with pytest.raises(RateLimited):
            await enter(scope(OPERATOR_KEY))
    await gate.native(scope(OPERATOR_KEY, address="192.0.2.8"))
    clock.pass_(seconds=60)
    await gate.native(scope(OPERATOR_KEY))


async def test_who_tries_keys_shuts_out_no_tenant_that_shares_the_address(make_gate: Making, admin: Admin) -> None:
    gate = make_gate(failed_keys_per_minute=1)
    key = await admin.key(await admin.tenant())
    with pytest.raises(Unauthenticated):
        await gate.native(scope("wrong"))

    assert (await gate.native(scope(key)))[0].key is not None
    with pytest.raises(RateLimited):
        await gate.native(scope("wrong"))


async def test_who_sends_no_key_is_not_shut_out(make_gate: Making) -> None:
    gate = make_gate(failed_keys_per_minute=1)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await gate.native(scope())

    await gate.native(scope(OPERATOR_KEY))


async def test_a_key_tried_as_the_upstreams_counts_as_tried(make_gate: Making) -> None:
    gate = make_gate(failed_keys_per_minute=1)
    tried = scope()
    tried["headers"] = [*tried["headers"], (b"authorization", b"Bearer guess")]
    with pytest.raises(Unauthenticated):
        await gate.proxied(tried)

    with pytest.raises(RateLimited):
        await gate.proxied(tried)


async def test_no_quota_keeps_the_operator_from_raising_it(make_gate: Making, admin: Admin) -> None:
    gate = make_gate()
    await admin.tenants.update(admin.operator, "default", TenantPatch(quotas=QuotaChanges(requests_per_day=1)))
    await gate.native(scope(OPERATOR_KEY))
    with pytest.raises(RateLimited):
        await gate.native(scope(OPERATOR_KEY))

    _, allowance = await gate.native(scope(OPERATOR_KEY, path="/admin/tenants/default"))

    assert allowance is None


async def test_a_suspended_tenants_request_takes_nothing(
    make_gate: Making, admin: Admin, either_engine: Engine, meter: Meter
) -> None:
    gate, tenant = make_gate(), await admin.tenant(per_day=5)
    key = await admin.key(tenant)
    await admin.tenants.suspend(admin.operator, tenant.key, "unpaid")

    with pytest.raises(Forbidden, match="unpaid"):
        await gate.native(scope(key))

    await meter.flush()
    assert await counted(either_engine, tenant.key) == 0

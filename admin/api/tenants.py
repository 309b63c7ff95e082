"""`/admin/tenants`."""

from typing import Annotated

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from admin.api import documentation
from admin.api.schemas import (
    JobStarted,
    NewTenant,
    Suspension,
    TenantChanges,
    TenantList,
    TenantView,
    UsageView,
)
from admin.api.views import tenant_view, usage_view
from admin.erasure import Erasure
from admin.plans import Plan
from admin.tenant import Status, Tenant
from admin.tenants import Tenants
from admin.usage import TenantUses
from memory.api.body import StrictJson
from memory.api.documentation import BODY_ERRORS, answer, errors, json_body
from memory.api.parameters import LimitParameter, OffsetParameter
from memory.caller import Caller

_Status = Annotated[Status | None, QueryParameter(description="Only those.")]
_Plan = Annotated[Plan | None, QueryParameter(description="Only those on it.")]


class TenantsController(Controller):
    path = "/admin/tenants"
    tags = ("Tenants",)

    @post(
        operation_id="createTenant",
        responses=answer(201, TenantView, documentation.TENANT) | errors(409, *BODY_ERRORS),
        dto=StrictJson[NewTenant],
    )
    async def create(
        self,
        data: Annotated[NewTenant, json_body(documentation.NEW_TENANT)],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        uses: NamedDependency[TenantUses],
    ) -> TenantView:
        """Create a tenant. Quotas that are not given are the plan's; 0 is no limit. The operator's, as all that follows
        but for what says otherwise."""
        return await _view(uses, await tenants.create(caller, data))

    @get(operation_id="listTenants", responses=answer(200, TenantList, documentation.TENANTS) | errors())
    async def browse(
        self,
        *,
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        uses: NamedDependency[TenantUses],
        status: _Status = None,
        plan: _Plan = None,
        limit: LimitParameter = 100,
        offset: OffsetParameter = 0,
    ) -> TenantList:
        """The tenant `default`, and the others in the order of their creation."""
        caller.require_operator()
        page, total = await tenants.page(status=status, plan=plan, offset=offset, limit=limit)
        views = [tenant_view(tenant, use) for tenant, use in zip(page, await uses.of_each(page), strict=True)]
        return TenantList(tenants=views, total=total, limit=limit, offset=offset, has_more=offset + len(page) < total)

    @get(
        "/{id_or_name:str}",
        operation_id="getTenant",
        responses=answer(200, TenantView, documentation.TENANT) | errors(404),
    )
    async def show(
        self,
        id_or_name: FromPath[str],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        uses: NamedDependency[TenantUses],
    ) -> TenantView:
        """Get a tenant by its id or name. A key with the scope `admin` may ask for its own."""
        return await _view(uses, await tenants.administered(caller, id_or_name))

    @put(
        "/{id_or_name:str}",
        operation_id="updateTenant",
        responses=answer(200, TenantView, documentation.TENANT) | errors(404, 409, *BODY_ERRORS),
        dto=StrictJson[TenantChanges],
    )
    async def change(
        self,
        id_or_name: FromPath[str],
        data: Annotated[TenantChanges, json_body(documentation.TENANT_CHANGES)],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        uses: NamedDependency[TenantUses],
    ) -> TenantView:
        """Change what is given."""
        return await _view(uses, await tenants.update(caller, id_or_name, data))

    @delete(
        "/{id_or_name:str}",
        operation_id="deleteTenant",
        status_code=202,
        responses=answer(202, JobStarted, documentation.JOB_STARTED) | errors(404, 409),
    )
    async def remove(
        self, id_or_name: FromPath[str], caller: NamedDependency[Caller], erasure: NamedDependency[Erasure]
    ) -> JobStarted:
        """Delete a tenant with all that it ever stored. Its keys end at once; the rest is a job to follow."""
        id = await erasure.begin(caller, id_or_name)
        return JobStarted(job_id=id, status="waiting", status_url=f"/admin/jobs/{id}")

    @get(
        "/{id_or_name:str}/usage",
        operation_id="getTenantUsage",
        responses=answer(200, UsageView, documentation.USAGE) | errors(404),
    )
    async def usage(
        self,
        id_or_name: FromPath[str],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        uses: NamedDependency[TenantUses],
    ) -> UsageView:
        """How much of its quotas a tenant uses. A key with the scope `admin` may ask for its own."""
        tenant = await tenants.administered(caller, id_or_name)
        return usage_view(tenant, await uses.of(tenant))

    @post(
        "/{id_or_name:str}/suspend",
        operation_id="suspendTenant",
        status_code=200,
        responses=answer(200, TenantView, documentation.SUSPENDED_TENANT) | errors(404, 409, *BODY_ERRORS),
        dto=StrictJson[Suspension],
    )
    async def suspend(
        self,
        id_or_name: FromPath[str],
        data: Annotated[Suspension, json_body(documentation.SUSPENSION)],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        uses: NamedDependency[TenantUses],
    ) -> TenantView:
        """Refuse a tenant's keys until it is activated again."""
        return await _view(uses, await tenants.suspend(caller, id_or_name, data.reason))

    @post(
        "/{id_or_name:str}/activate",
        operation_id="activateTenant",
        status_code=200,
        responses=answer(200, TenantView, documentation.TENANT) | errors(404, 409),
    )
    async def activate(
        self,
        id_or_name: FromPath[str],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        uses: NamedDependency[TenantUses],
    ) -> TenantView:
        """End a suspension."""
        return await _view(uses, await tenants.activate(caller, id_or_name))


async def _view(uses: TenantUses, tenant: Tenant) -> TenantView:
    return tenant_view(tenant, await uses.of(tenant))

"""`/admin/audit`."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from admin.api import documentation
from admin.api.schemas import AuditPage
from admin.api.views import audit_entry
from admin.trail import AuditTrail
from memory.api.documentation import answer, errors
from memory.api.parameters import LimitParameter
from memory.caller import Caller

_Tenant = Annotated[str | None, QueryParameter(description="Id or name: only what concerns it. The operator's.")]
_Action = Annotated[str | None, QueryParameter(description="Only this, e.g. `tenant.suspend`.")]
_Actor = Annotated[str | None, QueryParameter(description="Only what this one did: `operator`, the id of a key …")]
_Before = Annotated[str | None, QueryParameter(description="The id of an entry: only those before it.")]


class AuditController(Controller):
    path = "/admin/audit"
    tags = ("Audit",)

    @get(operation_id="listAudit", responses=answer(200, AuditPage, documentation.AUDIT) | errors(404))
    async def browse(
        self,
        *,
        caller: NamedDependency[Caller],
        trail: NamedDependency[AuditTrail],
        tenant: _Tenant = None,
        action: _Action = None,
        actor: _Actor = None,
        before: _Before = None,
        limit: LimitParameter = 100,
    ) -> AuditPage:
        """What was done by administrators, and what was deleted, newest first. For the page that follows give the last
        entry's id as `before`. A key with the scope `admin` sees its own tenant's."""
        page, more = await trail.page(caller, tenant=tenant, action=action, actor=actor, before=before, limit=limit)
        return AuditPage(entries=[audit_entry(traced) for traced in page], limit=limit, has_more=more)

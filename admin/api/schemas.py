"""The admin API's requests and answers, as the MAIA document has them where it prints them."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from admin.plans import Plan, Quotas
from admin.tenant import Reason, Status, TenantDraft, TenantPatch
from memory.api.schemas import Request, Time
from memory.caller import Scope
from memory.model import MAX_NAME


class NewTenant(TenantDraft, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A tenant to be made."""


class TenantChanges(TenantPatch, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Changes to a tenant; what is not given stays."""


class Suspension(Request, kw_only=True, frozen=True):
    reason: Reason | None = None
    """Told to whoever uses the tenant's keys."""


class TenantUsage(Struct, kw_only=True, frozen=True):
    memory_count: int
    storage_bytes: int
    requests_today: int
    """Since midnight UTC."""


class TenantView(Struct, kw_only=True, frozen=True):
    id: str
    name: str
    display_name: str
    plan: Plan
    status: Status
    reason: str | UnsetType = UNSET
    """Why it is suspended."""
    quotas: Quotas
    usage: TenantUsage
    config: dict[str, Any]
    created_at: str
    updated_at: str


class TenantList(Struct, kw_only=True, frozen=True):
    tenants: list[TenantView]
    total: int
    limit: int
    offset: int
    has_more: bool


class UsageView(Struct, kw_only=True, frozen=True):
    tenant_id: str
    memory_count: int
    storage_bytes: int
    requests_today: int
    requests_this_minute: int
    quota_memory_percent: float
    """0 where there is no such quota, as are the other two."""
    quota_storage_percent: float
    quota_rpm_percent: float


class NewKey(Request, kw_only=True, frozen=True):
    name: Annotated[str, Meta(max_length=MAX_NAME)] = ""
    scopes: list[Scope] | None = None
    """Default: all but `admin`, as far as one's own key has them."""
    namespaces: list[str] | None = None
    """The names of those it is restricted to; default: all."""
    expires_at: Time | None = None
    """At the latest, and by default, when one's own key ends."""


class KeyView(Struct, kw_only=True, frozen=True):
    id: str
    name: str
    scopes: list[Scope]
    namespaces: list[str] | None
    expires_at: str | None
    created_at: str
    last_used_at: str | None
    """To the minute."""


class IssuedKey(KeyView, kw_only=True, frozen=True):
    key: str
    """Told here and never again."""


class KeyList(Struct, kw_only=True, frozen=True):
    keys: list[KeyView]
    total: int
    limit: int
    offset: int
    has_more: bool


JobState = Literal["waiting", "running", "done", "failed"]


class JobStarted(Struct, kw_only=True, frozen=True):
    job_id: str
    status: JobState
    status_url: str


class JobView(Struct, kw_only=True, frozen=True):
    id: str
    kind: str
    status: JobState
    progress: float
    """0 to 1."""
    attempt: int
    error: str | None
    """Why the last attempt failed."""
    result: dict[str, Any] | None


class AuditEntry(Struct, kw_only=True, frozen=True):
    id: str
    at: str
    actor: str
    """The id of a key, `operator`, `anyone`, or the name of a task of the server's own."""
    action: str
    tenant: str
    """The id of the tenant whose data it concerns, or `default`."""
    target: str
    details: dict[str, Any]


class AuditPage(Struct, kw_only=True, frozen=True):
    entries: list[AuditEntry]
    limit: int
    has_more: bool

"""The record of a tenant: what it holds, and how it changes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field, structs

from admin.plans import UNLIMITED, Plan, QuotaChanges, Quotas, quotas_of
from memory import ids
from memory.caller import DEFAULT_TENANT, Caller
from memory.errors import Forbidden, Invalid, NotFound
from memory.model import Name
from memory.service.checks import broken_rule, nested_within
from memory.service.drafts import merge

MAX_CONFIG_BYTES = 65_536
"""Of a tenant's `config`, as JSON."""

MAX_CONFIG_DEPTH = 32

Status = Literal["active", "suspended", "deleting"]
DisplayName = Annotated[str, Meta(max_length=256)]
Reason = Annotated[str, Meta(max_length=1024)]

_TokenBudget = Annotated[int, Meta(ge=0, le=1_000_000)]


class Tenant(Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: int
    """0 is the tenant `default`."""
    name: str
    display_name: str = ""
    plan: Plan = "standard"
    status: Status = "active"
    reason: str | None = None
    """Why it is suspended."""
    config: dict[str, Any] = field(default_factory=dict)
    """Free-form; `token_budget` in it is the tenant's default budget of context."""
    by_hand: QuotaChanges = QuotaChanges()
    """The quotas that are not the plan's."""
    created_at: int
    updated_at: int

    @property
    def key(self) -> str:
        """What engines and callers know it by."""
        return DEFAULT_TENANT if self.id == 0 else ids.spell(self.id, "tenant")

    @property
    def quotas(self) -> Quotas:
        return quotas_of(self.plan, self.by_hand)

    @property
    def token_budget(self) -> int | None:
        return self.config.get("token_budget")


class TenantDraft(Struct, frozen=True, kw_only=True):
    """A tenant to be made."""

    name: Name
    display_name: DisplayName = ""
    plan: Plan = "standard"
    config: dict[str, Any] = field(default_factory=dict)
    """Free-form; `token_budget` in it is the tenant's default budget of context."""
    quotas: QuotaChanges = QuotaChanges()
    """Those that are not to be the plan's; None is the plan's too."""


class TenantPatch(Struct, frozen=True, kw_only=True):
    """Changes to a tenant; what is not given stays."""

    name: str | UnsetType = UNSET
    """Only as it is: a tenant keeps its name."""
    display_name: DisplayName | UnsetType = UNSET
    plan: Plan | UnsetType = UNSET
    """Brings its quotas, but for those set by hand."""
    config: dict[str, Any] = field(default_factory=dict)
    """Goes over the configuration entry by entry; None removes one."""
    quotas: QuotaChanges = QuotaChanges()
    """Go over those set by hand; None gives one back to the plan."""


_FREE_OF_LIMITS = QuotaChanges(**structs.asdict(UNLIMITED))

DEFAULT = Tenant(id=0, name=DEFAULT_TENANT, plan="premium", by_hand=_FREE_OF_LIMITS, created_at=0, updated_at=0)
"""The tenant `default` before anything of it is changed."""


def drafted(draft: TenantDraft, *, id: int, now: int) -> Tenant:
    """Raises Invalid for a bad configuration."""
    return Tenant(
        id=id,
        name=draft.name,
        display_name=draft.display_name,
        plan=draft.plan,
        config=_merged({}, draft.config),
        by_hand=_over(QuotaChanges(), draft.quotas),
        created_at=now,
        updated_at=now,
    )


def patched(tenant: Tenant, patch: TenantPatch) -> Tenant:
    """Raises Invalid for a bad configuration and another name."""
    if patch.name is not UNSET and patch.name != tenant.name:
        raise Invalid("name: a tenant keeps its name", field="name")
    plan = tenant.plan if patch.plan is UNSET else patch.plan
    by_hand = tenant.by_hand
    if plan != tenant.plan and tenant.id == DEFAULT.id and by_hand == _FREE_OF_LIMITS:
        by_hand = QuotaChanges()  # it was born so; nobody set them
    return structs.replace(
        tenant,
        display_name=tenant.display_name if patch.display_name is UNSET else patch.display_name,
        plan=plan,
        config=_merged(tenant.config, patch.config),
        by_hand=_over(by_hand, patch.quotas),
    )


def check_administers(caller: Caller, tenant: Tenant) -> None:
    """Raises Forbidden unless `caller` is the operator or has the scope `admin`, NotFound where that is another
    tenant's."""
    if caller.operator:
        return
    if caller.key is None:
        caller.require_operator()
    caller.require("admin")
    if caller.tenant != tenant.key:
        raise no_tenant(tenant.key)


def check_open(tenant: Tenant) -> None:
    """Raises Forbidden where nobody may act in it."""
    if tenant.status == "suspended":
        told = f": {tenant.reason}" if tenant.reason else ""
        raise Forbidden(f"this tenant is suspended{told}", reason=tenant.reason)
    if tenant.status == "deleting":
        raise Forbidden("this tenant is being deleted")


def no_tenant(id_or_name: str) -> NotFound:
    return NotFound("Tenant not found", tenant=id_or_name)


def _merged(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = merge(config, changes)
    if not nested_within(merged, MAX_CONFIG_DEPTH):
        raise Invalid(f"config: must not be nested more than {MAX_CONFIG_DEPTH} deep", field="config")
    if "token_budget" in merged:
        try:
            merged["token_budget"] = msgspec.convert(merged["token_budget"], _TokenBudget)
        except msgspec.ValidationError as error:
            raise broken_rule(error, "config.token_budget") from error
    if len(msgspec.json.encode(merged)) > MAX_CONFIG_BYTES:
        raise Invalid(f"config: must be of at most {MAX_CONFIG_BYTES:,} bytes of JSON", field="config")
    return merged


def _over(by_hand: QuotaChanges, changes: QuotaChanges) -> QuotaChanges:
    given = {name: value for name, value in structs.asdict(changes).items() if value is not UNSET}
    merged = structs.asdict(by_hand) | given
    return QuotaChanges(**{name: UNSET if value is None else value for name, value in merged.items()})

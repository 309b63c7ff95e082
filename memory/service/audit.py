"""The audit log's entries: who did what to what. They hold no texts and no keys."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field, structs

from memory.caller import SYSTEM, Caller
from memory.engines.base import Append

STREAM = "audit"
"""A tenant's own log has all that concerns it. That of SYSTEM, which outlives the tenants, has what the operator and
the server's own tasks did: what a tenant's keys do could push that out of it."""

KEPT = 100_000
"""How many of its newest entries a stream keeps."""


class Audited(Struct, frozen=True, kw_only=True, omit_defaults=True):
    at: int
    """Unix milliseconds."""
    actor: str
    """The id of a key, `operator`, `anyone` where no key is asked for, or the name of a task of the server's own."""
    action: str
    """The thing and the verb: `memory.delete`, `tenant.suspend` …"""
    tenant: str
    """Whose data it concerns."""
    target: str
    """The id of what was changed."""
    details: Mapping[str, Any] = field(default_factory=dict)


def audit(
    caller: Caller | str,
    action: str,
    target: str,
    *,
    tenant: str,
    at: int,
    details: Mapping[str, Any] | None = None,
    names: Mapping[str, str] | None = None,
) -> list[Append]:
    """To be appended in the transaction of the deed itself, where it has one. `caller` may be the name of a task.

    `names` are details in the tenant's own words: only its own log has them, so that they go when it goes.
    """
    entry = Audited(
        at=at,
        actor=caller if isinstance(caller, str) else caller.name,
        action=action,
        tenant=tenant,
        target=target,
        details=details or {},
    )
    told = [(tenant, structs.replace(entry, details={**(names or {}), **entry.details}))]
    if isinstance(caller, str) or caller.key is None:
        told.append((SYSTEM, entry))
    return [Append(tenant=place, stream=STREAM, entry=msgspec.json.encode(one), max_length=KEPT) for place, one in told]

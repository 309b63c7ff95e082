"""The audit log's entries: who did what to what. They hold no texts and no keys."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from memory.caller import SYSTEM, Caller
from memory.engines.base import Append

STREAM = "audit"
"""A tenant's, in its own log; everybody's, for the operator, in that of SYSTEM."""

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
    caller: Caller | str, action: str, target: str, *, tenant: str, at: int, details: Mapping[str, Any] | None = None
) -> list[Append]:
    """To be appended in the transaction of the deed itself, where it has one. `caller` may be the name of a task."""
    actor = caller if isinstance(caller, str) else caller.name
    entry = msgspec.json.encode(
        Audited(at=at, actor=actor, action=action, tenant=tenant, target=target, details=details or {})
    )
    return [Append(tenant=place, stream=STREAM, entry=entry, max_length=KEPT) for place in (tenant, SYSTEM)]

"""The live feed's entries: what happened in a tenant's memory, in the order in which it was stored."""

from typing import Literal

import msgspec
from msgspec import Struct

from memory import ids
from memory.engines.base import Append
from memory.model import Memory

STREAM = "events"

KEPT = 1_000
"""How many of its newest events a tenant's stream keeps: so far back can a listener resume."""

Kind = Literal["memory.created", "memory.updated", "memory.superseded", "memory.deleted", "receipt"]


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: Kind
    at: int
    """Unix milliseconds."""
    namespace: str
    id: str
    """The memory's, spelled, or the receipt's `request_id`."""
    type: str | None = None
    user_id: str | None = None
    superseded_by: str | None = None
    outcome: str | None = None
    """Of a receipt, as are the following."""
    memories: int | None = None
    tokens: int | None = None


def append(tenant: str, event: Event) -> Append:
    """To be appended in the transaction of the deed itself."""
    return Append(tenant=tenant, stream=STREAM, entry=msgspec.json.encode(event), max_length=KEPT)


def of_memory(kind: Kind, memory: Memory, *, at: int) -> Append:
    """`memory` as it stands after it."""
    return append(
        memory.tenant,
        Event(
            kind=kind,
            at=at,
            namespace=memory.namespace,
            id=ids.spell(memory.id),
            type=memory.type,
            user_id=memory.user_id,
            superseded_by=None if memory.superseded_by is None else ids.spell(memory.superseded_by),
        ),
    )

"""What may be stored: asked of whoever knows the tenants' plans, and told where it is too much."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from memory.engines.base import Limit, Memories, Usage
from memory.errors import QuotaExceeded
from memory.model import Memory


class Quotas(Protocol):
    async def limits(self, tenant: str) -> Sequence[Limit]:
        """How much the tenant may store. Raises Forbidden where it may write nothing at all, being deleted or gone."""
        ...


class Growth(Struct, frozen=True, kw_only=True):
    """What a write would have added."""

    namespace: str
    memories: int
    bytes: int


def growth(memory: Memory, *, over: Memory | None = None) -> Growth:
    """Of writing `memory`, over another where that is given."""
    replaced = 0 if over is None else over.size
    return Growth(
        namespace=memory.namespace,
        memories=1 if over is None else 0,
        bytes=memory.size - replaced,
    )


async def exceeded(
    memories: Memories, tenant: str, limits: Sequence[Limit], refused: Sequence[Growth]
) -> list[QuotaExceeded]:
    """Says of each refused write which of `limits` it met, by what is stored now."""
    scopes = list(dict.fromkeys(limit.namespace for limit in limits))
    stored = await asyncio.gather(*(memories.usage(tenant, scope) for scope in scopes))
    usage = dict(zip(scopes, stored, strict=True))
    return [_exceeded(limits, usage, more) for more in refused]


def _exceeded(limits: Sequence[Limit], usage: Mapping[str | None, Usage], more: Growth) -> QuotaExceeded:
    for limit in limits:
        if limit.namespace not in (None, more.namespace):
            continue
        now = usage[limit.namespace]
        place = {} if limit.namespace is None else {"namespace": limit.namespace}
        whose = "tenant" if limit.namespace is None else "namespace"
        if limit.memories is not None and more.memories > 0 and now.memories + more.memories > limit.memories:
            return QuotaExceeded(
                f"the {whose} holds its maximum of {limit.memories:,} memories",
                quota="max_memories",
                limit=limit.memories,
                **place,
            )
        if limit.bytes is not None and more.bytes > 0 and now.bytes + more.bytes > limit.bytes:
            return QuotaExceeded(
                f"the {whose}'s storage of {limit.bytes:,} bytes has no room for {more.bytes:,} more",
                quota="max_storage_bytes",
                limit=limit.bytes,
                **place,
            )
    return QuotaExceeded("a quota was used up; there is room again by now: try again")

"""What may be stored: asked of whoever knows the tenants' plans, and told where it is too much."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from memory.engines.base import Limit, Memories, Usage
from memory.errors import QuotaExceeded


class Quotas(Protocol):
    async def limits(self, tenant: str) -> Sequence[Limit]:
        """How much the tenant may store. Raises Forbidden where it may write nothing at all, being deleted or gone."""
        ...


class NoQuotas:
    """For a server without tenants' plans: the command line, tests."""

    async def limits(self, tenant: str) -> Sequence[Limit]:  # noqa: ARG002
        return ()


async def exceeded(
    memories: Memories, tenant: str, limits: Sequence[Limit], wanted: Sequence[Usage]
) -> list[QuotaExceeded]:
    """Says of each refused write, which would have added `wanted`, what `limits` it met, by what is stored now."""
    scopes = list(dict.fromkeys(limit.namespace for limit in limits))
    stored = await asyncio.gather(*(memories.usage(tenant, scope) for scope in scopes))
    usage = dict(zip(scopes, stored, strict=True))
    return [_exceeded(limits, usage, more) for more in wanted]


def _exceeded(limits: Sequence[Limit], usage: Mapping[str | None, Usage], more: Usage) -> QuotaExceeded:
    for limit in limits:
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

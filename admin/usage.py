"""How much of its quotas a tenant uses."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from admin.limits import DAY, MINUTE, requests, requests_in
from admin.tenant import Tenant
from memory.engines.base import Engine


class TenantUse(Struct, frozen=True, kw_only=True):
    memories: int
    bytes: int
    requests_today: int
    """Since midnight UTC."""
    requests_this_minute: int


class TenantUses:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of(self, tenant: Tenant) -> TenantUse:
        [use] = await self.of_each([tenant])
        return use

    async def of_each(self, tenants: Sequence[Tenant]) -> list[TenantUse]:
        """In their order."""
        looks = [requests(tenant.key, seconds, 0) for tenant in tenants for seconds in (DAY, MINUTE)]
        stored = asyncio.gather(*(self._engine.memories.usage(tenant.key) for tenant in tenants))
        taken, held = await asyncio.gather(self._engine.counters.take(looks), stored)
        counts = [requests_in(window) for window in taken]
        return [
            TenantUse(memories=each.memories, bytes=each.bytes, requests_today=today, requests_this_minute=this_minute)
            for each, today, this_minute in zip(held, counts[::2], counts[1::2], strict=True)
        ]


def percent(used: int, quota: int) -> float:
    """With one decimal; 0 where `quota` is 0, which is no limit."""
    return round(100 * used / quota, 1) if quota else 0.0

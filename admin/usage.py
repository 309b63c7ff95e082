"""How much of its quotas a tenant uses."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from admin.tenant import Tenant
from memory.engines.base import BOUNDLESS, Engine, Take

_WINDOW = "requests"
_MINUTE, _DAY = 60, 86_400


class TenantUse(Struct, frozen=True, kw_only=True):
    memories: int
    bytes: int
    requests_today: int
    """Since midnight UTC."""
    requests_this_minute: int


async def usage_of(engine: Engine, tenants: Sequence[Tenant]) -> list[TenantUse]:
    """Of each, in their order."""
    windows = [(tenant.key, seconds) for tenant in tenants for seconds in (_DAY, _MINUTE)]
    looks = [
        Take(tenant=key, name=_WINDOW, limit=BOUNDLESS, window_seconds=seconds, amount=0) for key, seconds in windows
    ]
    taken, *stored = await asyncio.gather(
        engine.counters.take(looks), *(engine.memories.usage(tenant.key) for tenant in tenants)
    )
    requests = [BOUNDLESS - window.remaining for window in taken]
    return [
        TenantUse(memories=held.memories, bytes=held.bytes, requests_today=today, requests_this_minute=this_minute)
        for held, today, this_minute in zip(stored, requests[::2], requests[1::2], strict=True)
    ]


def percent(used: int, quota: int) -> float:
    """With one decimal; 0 where `quota` is 0, which is no limit."""
    return round(100 * used / quota, 1) if quota else 0.0

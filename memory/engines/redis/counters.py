"""The Counters port."""

from collections.abc import Mapping, Sequence

from memory.engines.base import Taken
from memory.engines.redis.client import Argument, Client
from memory.engines.redis.keys import Keys


class RedisCounters:
    def __init__(self, client: Client, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def take(self, tenant: str, name: str, *, limit: int, window_seconds: int, amount: int = 1) -> Taken:
        key = self._keys.window(tenant, name, window_seconds)
        allowed, remaining, ends = await self._client.run("take", key, limit, window_seconds * 1000, amount)
        return Taken(allowed=bool(allowed), remaining=remaining, reset_at=int(ends))

    async def reserve(self, tenant: str, name: str, amount: int, *, limit: int) -> bool:
        return bool(await self._client.run("reserve", self._keys.counters(tenant), name, amount, limit))

    async def add(self, tenant: str, amounts: Mapping[str, int]) -> dict[str, int]:
        pairs: list[Argument] = [argument for pair in amounts.items() for argument in pair]
        sums = await self._client.run("add", self._keys.counters(tenant), len(amounts), *pairs)
        return {name: int(value) for name, value in zip(amounts, sums, strict=True)}

    async def values(self, tenant: str, names: Sequence[str]) -> dict[str, int]:
        if not names:
            return {}
        values = await self._client.one("HMGET", self._keys.counters(tenant), *names)
        return {name: int(value or 0) for name, value in zip(names, values, strict=True)}

    async def reset(self, tenant: str, names: Sequence[str]) -> None:
        if names:
            await self._client.one("HDEL", self._keys.counters(tenant), *names)

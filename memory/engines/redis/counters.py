"""The Counters port."""

from collections.abc import Mapping, Sequence

from memory.engines.base import Take, Taken
from memory.engines.redis.client import Client
from memory.engines.redis.keys import Keys
from memory.engines.redis.wire import Argument


class RedisCounters:
    def __init__(self, client: Client, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def take(self, wanted: Sequence[Take]) -> list[Taken]:
        windows: list[Argument] = []
        for take in wanted:
            key = self._keys.window(take.tenant, take.name, take.window_seconds)
            windows += (key, take.limit, take.window_seconds * 1000, take.amount)
        answers = await self._client.run("take", len(wanted), *windows)
        return [
            Taken(allowed=bool(allowed), remaining=int(remaining), reset_at=int(ends))
            for allowed, remaining, ends in answers
        ]

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

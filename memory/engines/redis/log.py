"""The Log port."""

from collections.abc import Sequence

from memory.engines.base import Append, Entry
from memory.engines.redis.client import Client
from memory.engines.redis.keys import Keys
from memory.engines.redis.wire import Argument

_ID_LENGTH = 23


class RedisLog:
    def __init__(self, client: Client, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def append(self, entries: Sequence[Append]) -> None:
        await self._client.run("append", *appends(self._keys, entries))

    async def read(
        self, tenant: str, stream: str, *, after: str | None = None, limit: int = 100, newest_first: bool = False
    ) -> list[Entry]:
        key = self._keys.log(tenant, stream)
        if newest_first:
            # What begins with the id is greater than the id alone; no id goes on with the byte 255.
            start = "+" if after is None else f"({after}"
            range_: tuple[Argument, ...] = (start, "-", "BYLEX", "REV")
        else:
            start_ = "-" if after is None else b"(" + after.encode() + b"\xff"
            range_ = (start_, "+", "BYLEX")
        members = await self._client.one("ZRANGE", key, *range_, "LIMIT", 0, limit)
        return [_entry(member) for member in members]

    async def erase(self, tenant: str, streams: Sequence[str] | None = None) -> None:
        registry, base = self._keys.logs(tenant), self._keys.logs_of(tenant)
        if streams is not None:
            if streams:
                await self._client.run("erase_log", registry, base, len(streams), *streams)
            return
        while await self._client.run("erase_log", registry, base, 0):
            pass


def appends(keys: Keys, entries: Sequence[Append]) -> list[Argument]:
    """The entries as log.lua reads them."""
    arguments: list[Argument] = [len(entries)]
    for entry in entries:
        arguments += append(keys, entry)
    return arguments


def append(keys: Keys, entry: Append) -> list[Argument]:
    return [
        keys.log(entry.tenant, entry.stream),
        keys.logs(entry.tenant),
        entry.stream,
        entry.entry,
        entry.max_length or 0,
    ]


def _entry(member: bytes) -> Entry:
    id = member[:_ID_LENGTH].decode()
    return Entry(id=id, at=int(id[:16]) // 1000, entry=member[_ID_LENGTH + 1 :])

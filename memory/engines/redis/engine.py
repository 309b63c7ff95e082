"""All five ports over one Redis, with its search module."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from memory.engines.base import (
    LEASE_SECONDS,
    AddCounter,
    Append,
    DeleteDocument,
    EmbeddingSpec,
    Enqueue,
    PutDocument,
    Vector,
    Write,
)
from memory.engines.held import HELD_BYTES
from memory.engines.redis.advice import advice
from memory.engines.redis.client import Client
from memory.engines.redis.counters import RedisCounters
from memory.engines.redis.documents import RedisDocuments, delete, put
from memory.engines.redis.erasure import erase
from memory.engines.redis.jobs import RedisJobs, enqueue
from memory.engines.redis.keys import Keys
from memory.engines.redis.log import RedisLog, append
from memory.engines.redis.memories import RedisMemories
from memory.engines.redis.migrations import VERSION
from memory.engines.redis.reindex import reindex
from memory.engines.redis.schema import Schema
from memory.engines.redis.wire import Argument
from memory.errors import StoreUnavailable

INDEXING_SECONDS = 1.0
"""How long `ping` waits for an index that was just made; one over an empty store takes a moment, too."""


class RedisEngine:
    """`prefix` begins every key and index name: engines of one prefix share a store, those of two share nothing.
    `held_bytes` is how much of small scopes it may hold in this process."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str,
        embedding: EmbeddingSpec,
        reindexing: bool = False,
        lease_seconds: float = LEASE_SECONDS,
        held_bytes: int = HELD_BYTES,
    ) -> None:
        self._keys = Keys(prefix)
        self._client = Client(url, meta=self._keys.meta, version=VERSION)
        self._schema = Schema(self._client, self._keys, embedding, reindexing=reindexing)
        self._client.on_outdated = self._schema.restore
        self.memories = RedisMemories(self._client, self._keys, self._schema, held_bytes=held_bytes)
        self.documents = RedisDocuments(self._client, self._keys)
        self.counters = RedisCounters(self._client, self._keys)
        self.jobs = RedisJobs(self._client, self._keys, lease_seconds)
        self.log = RedisLog(self._client, self._keys)

    async def __aenter__(self) -> Self:
        try:
            await self._schema.prepare()
        except StoreUnavailable:
            pass  # the calls to come will say so, until one finds it back and prepares it
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def commit(self, writes: Sequence[Write]) -> None:
        if writes:
            flat = [argument for write in writes for argument in self._arguments(write)]
            await self._client.run("commit", len(writes), *flat)

    async def ping(self) -> None:
        await self._schema.ready()
        await self._client.one("SET", self._keys.ping, 1, "EX", 1)
        try:
            async with asyncio.timeout(INDEXING_SECONDS):
                await self._schema.wait(self._schema.generation)
        except TimeoutError:
            raise StoreUnavailable("the index is still being made: not all memories can be found yet") from None

    async def erase(self, tenant: str, progress: Callable[[float], Awaitable[None]]) -> None:
        await erase(self._client, self._keys, self.memories, tenant, progress)

    async def reindex(
        self, embed: Callable[[Sequence[str]], Awaitable[list[Vector]]], progress: Callable[[int, int], None]
    ) -> int:
        return await reindex(self._client, self._keys, self._schema, embed, progress)

    async def advice(self) -> list[str]:
        return await advice(self._client)

    def _arguments(self, write: Write) -> list[Argument]:
        """A write as commit.lua reads it."""
        match write:
            case PutDocument():
                return ["document", *put(self._keys, write)]
            case DeleteDocument():
                return ["delete", *delete(self._keys, write)]
            case AddCounter():
                return ["counter", self._keys.counters(write.tenant), write.name, write.amount]
            case Enqueue():
                return ["job", *enqueue(self._keys, write)]
            case Append():
                return ["entry", *append(self._keys, write)]

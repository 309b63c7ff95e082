"""The Memories port."""

import heapq
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import chain
from typing import Any

from msgspec import structs

from memory.engines import small
from memory.engines.base import (
    Append,
    Filter,
    Limit,
    Neighbourhood,
    Page,
    Record,
    SearchQuery,
    SortKey,
    Usage,
    Vector,
    Written,
)
from memory.engines.redis import query as queries
from memory.engines.redis.client import Client, Refused
from memory.engines.redis.codec import (
    Access,
    decode_access,
    decode_hit,
    decode_memory,
    decode_vector,
    encode_access,
    encode_vector,
    fields_of,
)
from memory.engines.redis.held import HeldScopes
from memory.engines.redis.journal import journaled
from memory.engines.redis.keys import Keys, literal, member, usage_scope
from memory.engines.redis.log import appends
from memory.engines.redis.paging import Paging, Place
from memory.engines.redis.scan import scan
from memory.engines.redis.schema import Schema
from memory.engines.redis.search import TIMEOUT_MS, Search
from memory.engines.redis.wire import Argument, Command
from memory.hits import Hits
from memory.ids import LARGEST
from memory.model import Memory

ERASE_BATCH = 5
"""Taking a vector out of the index costs [M] half a millisecond, in which Redis does nothing else."""
ERASE_FOUND = 1000
"""How many to erase are looked for at once, since each search goes through all that are left."""
READ_BATCH = 500
MOST = 1_000_000
"""As many as Redis gives for one search."""
REMEMBERED_ACCESSES = 50_000


class RedisMemories:
    def __init__(self, client: Client, keys: Keys, schema: Schema, *, held_bytes: int) -> None:
        self._client = client
        self._keys = keys
        self._schema = schema
        self._search = Search(client, schema)
        self._held = HeldScopes(client, keys, schema, self._search, limit=held_bytes)
        self._paging = Paging(schema, self._search)
        self._accessed: OrderedDict[bytes, Access] = OrderedDict()
        """What `touch` last learnt, for the hits: the index has it as of the memory's last write. Accesses by other
        processes show in a hit once this one touches the memory too."""

    async def insert(self, records: Sequence[Record], *, limits: Sequence[Limit] = ()) -> list[Written]:
        if not records:
            return []

        def arguments() -> list[Argument]:
            written = ((*self._memory(one.memory, one.vector), *appends(self._keys, one.log)) for one in records)
            tenant = records[0].memory.tenant
            return [*journaled(self._keys, tenant), *_limits(limits), len(records), *chain.from_iterable(written)]

        return [Written(one.decode()) for one in await self._write("insert", arguments)]

    async def get(self, tenant: str, ids: Sequence[int]) -> list[Memory | None]:
        return [
            None if record is None else decode_memory(record, access)
            for record, access in await self._read(tenant, ids, "record")
        ]

    async def vectors(self, tenant: str, ids: Sequence[int]) -> list[Vector | None]:
        await self._schema.ready()
        return [
            None if packed is None else decode_vector(packed)
            for packed, _ in await self._read(tenant, ids, self._schema.vector)
        ]

    async def replace(
        self,
        memory: Memory,
        *,
        expected: int,
        vector: Vector | None = None,
        log: Sequence[Append] = (),
        limits: Sequence[Limit] = (),
    ) -> Written:
        def arguments() -> list[Argument]:
            return [
                *journaled(self._keys, memory.tenant),
                expected,
                *_limits(limits),
                *self._memory(memory, vector),
                *appends(self._keys, log),
            ]

        return Written((await self._write("replace", arguments)).decode())

    async def delete(self, tenant: str, ids: Sequence[int], log: Sequence[Append] = ()) -> list[bool]:
        deleted = await self._client.run(
            "delete",
            *journaled(self._keys, tenant),
            self._keys.memories_of(tenant),
            self._keys.usage(tenant),
            self._keys.access(tenant),
            len(ids),
            *map(member, ids),
            *appends(self._keys, log),
        )
        return [bool(one) for one in deleted]

    async def touch(self, tenant: str, ids: Sequence[int], *, now: int, accesses: int = 1, searches: int = 0) -> None:
        touched = await self._client.run(
            "touch", self._keys.access(tenant), now, accesses, searches, len(ids), *map(member, ids)
        )
        base = self._keys.memories_of(tenant).encode()
        for name, packed in zip(touched[::2], touched[1::2], strict=True):
            self._accessed[base + name] = decode_access(packed)
            self._accessed.move_to_end(base + name)
        while len(self._accessed) > REMEMBERED_ACCESSES:
            self._accessed.popitem(last=False)

    async def search(self, where: Filter, query: SearchQuery, *, since: float | None = None) -> Hits:
        await self._schema.ready()
        if (held := await self._held.look(where, since=since)) is not None:
            return self._touched(where.tenant, small.search(held, where, query))
        return Hits.of(await self._search.hits(where, query, self._accessed))

    async def neighbours(
        self, where: Filter, around: Sequence[Neighbourhood], *, radius: int = 1, since: float | None = None
    ) -> Hits:
        await self._schema.ready()
        if around and (held := await self._held.look(where, since=since)) is not None:
            return self._touched(where.tenant, small.neighbours(held, where, around, radius))
        conditions = queries.conditions(where)
        if conditions is None or not around:
            return Hits.of(())
        places: list[Argument] = []
        for one in around:
            session = self._keys.session(where.tenant, one.namespace, one.owner, one.run_id)
            places += (session, one.seq - radius, one.seq + radius)
        hits, accesses = await self._client.run(
            "neighbours",
            self._keys.memories_of(where.tenant),
            self._keys.access(where.tenant),
            *queries.arguments(conditions),
            len(around),
            *places,
        )
        return Hits.of(
            decode_hit(hit, access=None if access is None else decode_access(access))
            for hit, access in zip(hits, accesses, strict=True)
        )

    async def usage(self, tenant: str, namespace: str | None = None) -> Usage:
        [found] = await self._usages(tenant, [namespace])
        return found

    async def usages(self, tenant: str, namespaces: Sequence[str]) -> dict[str, Usage]:
        return dict(zip(namespaces, await self._usages(tenant, namespaces), strict=True))

    async def erase(self, tenant: str, namespace: str | None = None) -> int:
        erased = sum([gone async for gone, _ in self.erasing(tenant, namespace)])
        if namespace is not None:
            await self._client.one("UNLINK", self._keys.journal(tenant, namespace))
            return erased
        async for journals in scan(self._client, f"{literal(self._keys.journals_of(tenant))}*"):
            await self._client.one("UNLINK", *journals)
        return erased

    async def erasing(self, tenant: str, namespace: str | None = None) -> AsyncIterator[tuple[int, int]]:
        """As `erase`: batch by batch, how many are gone with it, and about how many are left. It ends although others
        go on writing."""
        await self._schema.ready()
        await self._schema.wait(self._schema.generation)  # what the index has not seen yet would stay
        places = None if namespace is None else (namespace,)
        where = queries.conditions(Filter(tenant=tenant, namespaces=places, current=False))
        assert where is not None
        allowed = queries.render(where)
        self._held.forget(tenant, namespace)
        left = ERASE_FOUND
        while left:
            left, *names = await self._find(allowed, ERASE_FOUND)
            for batch in _batches([_id(name) for name in names], ERASE_BATCH):
                left -= len(batch)
                yield sum(await self.delete(tenant, batch)), left

    def _touched(self, tenant: str, hits: Hits) -> Hits:
        """With the accesses that this process knows of."""
        base = self._keys.memories_of(tenant).encode()
        latest = {
            hit.id: access
            for hit in (hits.memories if self._accessed else ())
            if (access := self._accessed.get(base + member(hit.id).encode())) is not None
            and (access.at, access.accesses) != (hit.accessed_at, hit.access_count)
        }
        if not latest:
            return hits
        return Hits.of(
            hit
            if (access := latest.get(hit.id)) is None
            else structs.replace(hit, accessed_at=access.at, access_count=access.accesses)
            for hit in hits
        )

    async def _usages(self, tenant: str, namespaces: Sequence[str | None]) -> list[Usage]:
        if not namespaces:
            return []
        scopes = [usage_scope(namespace) for namespace in namespaces]
        fields = [f"{scope}:{figure}" for scope in scopes for figure in ("memories", "tokens", "bytes")]
        figures = [int(figure or 0) for figure in await self._client.one("HMGET", self._keys.usage(tenant), *fields)]
        return [
            Usage(memories=memories, tokens=tokens, bytes=size)
            for memories, tokens, size in zip(figures[::3], figures[1::3], figures[2::3], strict=True)
        ]

    async def _read(self, tenant: str, ids: Sequence[int], field: str) -> list[tuple[bytes | None, bytes | None]]:
        """A field of each memory, and its access."""
        found: list[tuple[bytes | None, bytes | None]] = []
        places = (self._keys.memories_of(tenant), self._keys.access(tenant))
        for batch in _batches(ids):
            values, accesses = await self._client.run("read", field, *places, len(batch), *map(member, batch))
            found += zip(values, accesses, strict=True)
        return found

    def _memory(self, memory: Memory, vector: Vector | None) -> list[Argument]:
        tenant = memory.tenant
        fields = fields_of(memory, self._keys)
        if vector is not None:
            fields += [self._schema.vector, encode_vector(vector)]
        return [
            self._keys.memory(tenant, memory.id),
            self._keys.usage(tenant),
            self._keys.access(tenant),
            member(memory.id),
            encode_access(memory),
            len(fields),
            *fields,
        ]

    async def _write(self, operation: str, arguments: Callable[[], Sequence[Argument]]) -> Any:
        """A write that its script refuses unless the store is of this engine's generation."""
        await self._schema.ready()
        try:
            return await self._client.run(operation, self._keys.meta, self._schema.generation, *arguments())
        except Refused as refusal:
            if not refusal.reply.startswith("LOST"):
                raise
        await self._schema.restore()
        return await self._client.run(operation, self._keys.meta, self._schema.generation, *arguments())

    async def _by_access(
        self, tenant: str, allowed: str, descending: bool, offset: int, limit: int
    ) -> tuple[int, Sequence[int]]:
        """The index doesn't know the times of access: all that match are fetched, ids and times, and sorted here."""
        total, *names = await self._find(allowed, MOST)
        ids = [_id(name) for name in names]
        times: list[tuple[int, int]] = []
        for batch in _batches(ids):
            packed = await self._client.one("HMGET", self._keys.access(tenant), *map(member, batch))
            times += ((decode_access(one).at, id) for id, one in zip(batch, packed, strict=True) if one is not None)
        pick = heapq.nlargest if descending else heapq.nsmallest
        return total, [id for _, id in pick(offset + limit, times)[offset:]]

    async def _find(self, allowed: str, limit: int, *order: str) -> list[Any]:
        """How many match, and the keys of the first `limit`."""
        command: Command = ("FT.SEARCH", self._schema.index, allowed, "NOCONTENT", *order, "LIMIT", 0, limit)
        (found,) = await self._search.ask([(*command, "TIMEOUT", TIMEOUT_MS, "DIALECT", 2)])
        return list(found)

    async def scan(self, where: Filter, *, after: int | None = None) -> AsyncIterator[list[Memory]]:
        """The index finds ids in a span, and sorts all of it: so the span follows how densely the ids lie."""
        await self._schema.ready()
        await self._schema.wait(self._schema.generation)  # what the index has not seen yet would be missing
        conditions = queries.conditions(where)
        low, span = 0 if after is None else after + 1, LARGEST
        while conditions is not None and low <= LARGEST:
            high = min(low + span, LARGEST)
            allowed = queries.render([*conditions, queries.Range("id", low, high)])
            total, *names = await self._find(allowed, READ_BATCH, "SORTBY", "id")
            ids = [_id(name) for name in names]
            if found := [memory for memory in await self.get(where.tenant, ids) if memory is not None]:
                yield found
            if total > len(ids):
                low, span = ids[-1] + 1, ids[-1] - low
            else:
                low, span = high + 1, 4 * span + READ_BATCH

    async def list(
        self, where: Filter, *, sort: SortKey = "created_at", descending: bool = True, offset: int = 0, limit: int = 100
    ) -> Page:
        await self._schema.ready()
        conditions = queries.conditions(where)
        if conditions is None:
            return Page(memories=[], total=0)
        allowed = queries.render(conditions)
        ids: Sequence[int]
        if sort == "accessed_at":
            total, ids = await self._by_access(where.tenant, allowed, descending, offset, limit)
        else:
            total, ids = await self._paging.page(Place(allowed, sort, descending, offset, limit))
        memories = await self.get(where.tenant, ids)
        return Page(memories=[memory for memory in memories if memory is not None], total=total)


def _limits(limits: Sequence[Limit]) -> list[Argument]:
    """As memories.lua reads them."""
    arguments: list[Argument] = [len(limits)]
    for limit in limits:
        arguments += (
            usage_scope(limit.namespace),
            "" if limit.memories is None else limit.memories,
            "" if limit.bytes is None else limit.bytes,
        )
    return arguments


def _id(key: bytes) -> int:
    return int(key.rpartition(b":")[2])


def _batches(ids: Sequence[int], size: int = READ_BATCH) -> list[Sequence[int]]:
    return [ids[at : at + size] for at in range(0, len(ids), size)]

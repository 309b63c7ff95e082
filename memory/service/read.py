"""Reading memories one by one and in lists; searching by meaning is `memory.service.recall`'s."""

import asyncio

from msgspec import structs

from memory.caller import Caller
from memory.engines.base import Engine, Filter, Page, SortKey, Vector
from memory.model import Memory
from memory.service import visible
from memory.service.clock import Clock, system_clock


class Read:
    def __init__(self, engine: Engine, *, clock: Clock = system_clock) -> None:
        self._memories = engine.memories
        self._now = clock

    async def get(self, caller: Caller, id: int, *, touch: bool = True) -> Memory:
        """The memory in any state but `deleted`, superseded or not. With `touch` this access is counted, and the
        answer has it. Raises NotFound."""
        caller.require("read")
        [memory] = await visible.find(self._memories, caller, [id])
        return await self._touched(memory) if touch else memory

    async def with_vector(self, caller: Caller, id: int, *, touch: bool = True) -> tuple[Memory, Vector]:
        """As `get`, with the embedding."""
        caller.require("read")
        [memory], [vector] = await asyncio.gather(
            self._memories.get(caller.tenant, [id]), self._memories.vectors(caller.tenant, [id])
        )
        memory = visible.seen(caller, id, memory)
        if vector is None:  # deleted between the two reads
            raise visible.not_found(id)
        return (await self._touched(memory) if touch else memory), vector

    async def vector(self, memory: Memory) -> Vector:
        """Of a memory the caller was given. Raises NotFound where it is deleted meanwhile."""
        [vector] = await self._memories.vectors(memory.tenant, [memory.id])
        if vector is None:
            raise visible.not_found(memory.id)
        return vector

    async def list(
        self,
        caller: Caller,
        where: Filter,
        *,
        sort: SortKey = "created_at",
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
    ) -> Page:
        """What of `where` the caller may see."""
        caller.require("read")
        where = visible.confined(caller, where)
        return await self._memories.list(where, sort=sort, descending=descending, offset=offset, limit=limit)

    async def _touched(self, memory: Memory) -> Memory:
        now = self._now()
        await self._memories.touch(memory.tenant, [memory.id], now=now)
        return structs.replace(memory, access_count=memory.access_count + 1, accessed_at=now)

"""Deleting memories."""

from msgspec import structs

from memory import ids
from memory.caller import Caller
from memory.engines.base import Engine
from memory.service import events, history, visible
from memory.service.audit import audit
from memory.service.clock import Clock, system_clock
from memory.service.erase import trace


class Forget:
    def __init__(self, engine: Engine, *, clock: Clock = system_clock) -> None:
        self._engine = engine
        self._now = clock

    async def one(self, caller: Caller, id: int) -> None:
        """Erases the memory; its history stays until its namespace is erased. Raises NotFound."""
        caller.require("delete")
        [memory] = await visible.find(self._engine.memories, caller, [id])
        now = self._now()
        told = history.change("deleted", structs.replace(memory, version=memory.version + 1), at=now)
        where = {"namespace": memory.namespace}
        log = [
            history.entry(caller.tenant, told),
            trace(memory),
            events.of_memory("memory.deleted", memory, at=now),
            *audit(caller, "memory.delete", ids.spell(id), tenant=caller.tenant, at=now, names=where),
        ]
        [erased] = await self._engine.memories.delete(caller.tenant, [id], log)
        if not erased:
            raise visible.not_found(id)

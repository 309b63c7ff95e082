"""What became of a memory: how changes are logged, and how they are told."""

import asyncio
import heapq
from typing import Literal

import msgspec
from msgspec import Struct

from memory.caller import Caller
from memory.engines.base import Append, Engine
from memory.model import Memory
from memory.service.keys import history_stream
from memory.service.visible import not_found

_PAGE = 1000

Event = Literal["created", "updated", "superseded", "deleted"]


class Change(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event of a memory's life, and how it stood after it.

    A creation is not logged: the first change, or the memory itself, tells all about it.
    """

    memory_id: int
    event: Event
    at: int
    version: int
    namespace: str
    content: str
    previous_content: str | None = None
    superseded_by: int | None = None
    created_at: int
    """When the memory was created."""


_decode = msgspec.json.Decoder(Change).decode


def change(event: Event, memory: Memory, *, at: int, previous_content: str | None = None) -> Change:
    """`memory` as it stands after the event."""
    return Change(
        memory_id=memory.id,
        event=event,
        at=at,
        version=memory.version,
        namespace=memory.namespace,
        content=memory.content,
        previous_content=previous_content,
        superseded_by=memory.superseded_by,
        created_at=memory.created_at,
    )


def entry(tenant: str, told: Change, *, beside: int | None = None) -> Append:
    """Logs a change in its memory's history, or in that of the memory `beside`, whose business it is too."""
    return Append(
        tenant=tenant,
        stream=history_stream(told.memory_id if beside is None else beside),
        entry=msgspec.json.encode(told),
    )


class History:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of(self, caller: Caller, id: int) -> list[Change]:
        """Oldest first, with the histories of all that it superseded, directly or not. Also of a deleted memory, until
        its namespace is erased. Raises NotFound."""
        caller.require("read")
        told: dict[int, list[Change]] = {}
        ask = [id]
        while ask:
            histories = await asyncio.gather(*(self._own(caller, one) for one in ask))
            told |= {one: own for one, (own, _) in zip(ask, histories, strict=True)}
            ask = sorted({older for _, olders in histories for older in olders} - set(told))
        if not told[id]:
            raise not_found(id)
        return list(heapq.merge(*(told[one] for one in sorted(told)), key=lambda one: one.at))

    async def _own(self, caller: Caller, id: int) -> tuple[list[Change], list[int]]:
        """The memory's own history, and which memories it superseded; empty where the caller may not see it."""
        [memory], logged = await asyncio.gather(
            self._engine.memories.get(caller.tenant, [id]), self._logged(caller, id)
        )
        own = [one for one in logged if one.memory_id == id]
        namespaces = {one.namespace for one in own} | (set() if memory is None else {memory.namespace})
        if not all(caller.sees(namespace) for namespace in namespaces):
            return [], []
        first = own[0] if own else None if memory is None else change("updated", memory, at=memory.created_at)
        if first is None:
            return [], []
        return [_creation(first), *own], [one.memory_id for one in logged if one.memory_id != id]

    async def _logged(self, caller: Caller, id: int) -> list[Change]:
        logged: list[Change] = []
        after = None
        while page := await self._engine.log.read(caller.tenant, history_stream(id), after=after, limit=_PAGE):
            logged += [_decode(one.entry) for one in page]
            after = page[-1].id
            if len(page) < _PAGE:
                break
        return logged


def _creation(first: Change) -> Change:
    """The creation of a memory whose first change this is."""
    return Change(
        memory_id=first.memory_id,
        event="created",
        at=first.created_at,
        version=1,
        namespace=first.namespace,
        content=first.content if first.previous_content is None else first.previous_content,
        created_at=first.created_at,
    )

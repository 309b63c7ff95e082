"""Changing memories."""

import asyncio
import random

from msgspec import UNSET, structs

from memory.caller import Caller
from memory.embedding.base import Embedder
from memory.engines.base import Engine, Vector, Written
from memory.errors import Conflict, Invalid
from memory.model import Memory
from memory.service import events, history, visible
from memory.service.clock import Clock, system_clock
from memory.service.drafts import MemoryPatch, check_patch, merge
from memory.service.quota import Quotas, exceeded, growth
from memory.service.reading import Reading

_ATTEMPTS = 10
_LONGEST_PAUSE = 0.02


class Revise:
    def __init__(
        self,
        engine: Engine,
        embedder: Embedder,
        *,
        quotas: Quotas,
        reading: Reading,
        clock: Clock = system_clock,
    ) -> None:
        self._engine = engine
        self._embedder = embedder
        self._quotas = quotas
        self._reading = reading
        self._now = clock

    async def update(self, caller: Caller, id: int, patch: MemoryPatch) -> Memory:
        """The memory as it is then; new content is embedded anew.

        Raises Invalid, NotFound, Conflict (others keep changing it), QuotaExceeded where it grows beyond the tenant's
        storage, Forbidden where the tenant is gone, EmbedderUnavailable.
        """
        caller.require("write")
        check_patch(patch)
        limits = await self._quotas.limits(caller.tenant)
        vector: Vector | None = None
        for _ in range(_ATTEMPTS):
            [before] = await visible.find(self._engine.memories, caller, [id])
            after = self._apply(before, patch)
            rewritten = after.content != before.content
            if rewritten and vector is None:
                [vector] = await self._embedder.embed([after.content])
            told = history.change(
                "updated", after, at=after.updated_at, previous_content=before.content if rewritten else None
            )
            written = await self._engine.memories.replace(
                after,
                expected=before.version,
                vector=vector if rewritten else None,
                log=[
                    history.entry(caller.tenant, told),
                    events.of_memory("memory.updated", after, at=after.updated_at),
                ],
                limits=limits,
            )
            if written is Written.DONE:
                return after
            if written is Written.FULL:
                more = growth(after, over=before)
                [reason] = await exceeded(self._engine.memories, caller.tenant, limits, [more])
                raise reason
            await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # else rivals stay in step
        raise _contended(id)

    async def supersede(self, caller: Caller, old: int, by: int) -> Memory:
        """Marks `old` as replaced by the newer memory `by`, of the same owner and namespace; told in both histories.
        Returns `old` as it is then; superseding it again by the same changes nothing.

        Raises Invalid, NotFound, Conflict (it is superseded by another, or others keep changing it).
        """
        caller.require("write")
        for _ in range(_ATTEMPTS):
            before, newer = await visible.find(self._engine.memories, caller, [old, by])
            if before.superseded_by == by:
                return before
            _check_succession(before, newer)
            now = self._now()
            after = structs.replace(before, version=before.version + 1, superseded_by=by, updated_at=now)
            told = history.change("superseded", after, at=now)
            log = [
                history.entry(caller.tenant, told),
                history.entry(caller.tenant, told, beside=by),
                events.of_memory("memory.superseded", after, at=now),
            ]
            if await self._engine.memories.replace(after, expected=before.version, log=log) is Written.DONE:
                return after
        raise _contended(old)

    def _apply(self, memory: Memory, patch: MemoryPatch) -> Memory:
        changes = {
            name: value
            for name in ("tags", "categories", "confidence", "importance", "state", "event_at")
            if (value := getattr(patch, name)) is not UNSET
        }
        if patch.content is not UNSET:
            changes |= {"content": patch.content, **self._reading.of(patch.content)}
        if patch.metadata is not UNSET:
            changes["metadata"] = merge(memory.metadata, patch.metadata)
        if patch.add_source_ids is not UNSET:
            changes["source_ids"] = list(dict.fromkeys([*memory.source_ids, *patch.add_source_ids]))
        return structs.replace(memory, version=memory.version + 1, updated_at=self._now(), **changes)


def _check_succession(old: Memory, newer: Memory) -> None:
    if old.id == newer.id:
        raise Invalid("a memory can't supersede itself", field="by")
    if (old.namespace, old.owner) != (newer.namespace, newer.owner):
        raise Invalid("a memory is superseded only by one of its own owner and namespace", field="by")
    if old.superseded_by is not None:
        raise Conflict("the memory is superseded by another already")


def _contended(id: int) -> Conflict:
    return Conflict("Memory keeps changing; try again", **visible.not_found(id).details)

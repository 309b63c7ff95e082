"""What is known of an owner: how a new fact takes its place there, and older ones give way."""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import structs

from memory.caller import Caller
from memory.embedding.base import Embedder
from memory.engines.base import Engine, Written
from memory.errors import Conflict, RemoraError
from memory.extraction.drafts import draft, own
from memory.extraction.exchange import Exchange
from memory.extraction.facts import Correction, Fact
from memory.extraction.findings import nearest
from memory.extraction.learned import Learned
from memory.model import Memory, content_hash
from memory.service import events
from memory.service.remember import Remember
from memory.service.revise import Revise

_ATTEMPTS = 10


class Knowledge:
    """Takes the facts of one owner in one namespace one at a time; each any number of times with the effect of once."""

    def __init__(self, engine: Engine, embedder: Embedder, remember: Remember, revise: Revise) -> None:
        self._engine = engine
        self._embedder = embedder
        self._remember = remember
        self._revise = revise

    async def take(self, caller: Caller, exchange: Exchange, finding: Fact | Correction, learned: Learned) -> None:
        """Store or confirm what was found, and supersede what it takes the place of; `learned` is told."""
        fact = await self._corrected(exchange, finding) if isinstance(finding, Correction) else finding
        if fact is None:
            return
        memory = await self._stored(caller, exchange, fact, learned)
        if memory is None:
            return
        learned.facts.append(memory.id)
        if memory.current:
            learned.superseded += await self._supersede(caller, exchange, fact, memory)

    async def _stored(self, caller: Caller, exchange: Exchange, fact: Fact, learned: Learned) -> Memory | None:
        """The memory that says `fact`: of an earlier attempt, an equal one there is, or a new one."""
        where = structs.replace(own(exchange), current=False, content_hash=content_hash(fact.content))
        equal = (await self._engine.memories.list(where)).memories
        for memory in equal:
            if memory.metadata.get("round") == exchange.identity and _said_at(memory) >= exchange.at:
                return memory
        for memory in equal:
            if memory.current:
                return await self._confirm(exchange, memory, learned.episodes)
        new = draft(
            exchange,
            fact.content,
            kind="semantic",
            categories=[fact.category],
            confidence=fact.confidence,
            slot=fact.slot,
            source_ids=learned.episodes,
            derived_at=exchange.at,
        )
        [stored] = await self._remember.add(caller, [new], exchange.namespace)
        if isinstance(stored, RemoraError):
            learned.refused.append(stored.message)
            return None
        learned.stored.append(stored.id)
        return stored

    async def _confirm(self, exchange: Exchange, memory: Memory, episodes: Sequence[int]) -> Memory:
        """Said again: a step surer, and as new as this exchange where that is the later one."""
        for _ in range(_ATTEMPTS):
            if _said_at(memory) >= exchange.at:
                return memory
            confirmed = structs.replace(
                memory,
                version=memory.version + 1,
                derived_at=exchange.at,
                updated_at=max(memory.updated_at, exchange.at),
                confidence=memory.confidence + (1 - memory.confidence) / 2,
                source_ids=list(dict.fromkeys([*memory.source_ids, *episodes])),
            )
            told = events.of_memory("memory.updated", confirmed, at=confirmed.updated_at)
            written = await self._engine.memories.replace(confirmed, expected=memory.version, log=[told])
            if written is Written.DONE:
                return confirmed
            [found] = await self._engine.memories.get(exchange.tenant, [memory.id])
            memory = found or memory
        raise Conflict("a memory keeps changing; try again")

    async def _supersede(self, caller: Caller, exchange: Exchange, fact: Fact, memory: Memory) -> int:
        """Put `memory` in its place among its rivals by when each was said last: how many are superseded now."""
        rivals = [rival for rival in await self._rivals(exchange, fact) if rival.id != memory.id]
        newer = [rival for rival in rivals if _order(rival) > _order(memory)]
        older = [rival for rival in rivals if _order(rival) < _order(memory)]
        for rival in older:
            await self._revise.supersede(caller, rival.id, memory.id)
        if newer:
            await self._revise.supersede(caller, memory.id, max(newer, key=_order).id)
        return len(older) + bool(newer)

    async def _rivals(self, exchange: Exchange, fact: Fact) -> list[Memory]:
        rivals: list[Memory] = []
        if fact.slot is not None:
            rivals = (await self._engine.memories.list(structs.replace(own(exchange), slot=fact.slot))).memories
            if fact.ends is not None:
                rivals = [rival for rival in rivals if _mentions(rival.content, fact.ends)]
        if fact.replaces is not None and all(rival.id != fact.replaces for rival in rivals):
            [replaced] = await self._engine.memories.get(exchange.tenant, [fact.replaces])
            if replaced is not None and replaced.current:
                rivals.append(replaced)
        return rivals

    async def _corrected(self, exchange: Exchange, correction: Correction) -> Fact | None:
        """The newest fact that says `wrong`, said again with `right`."""
        hits = await nearest(self._engine, self._embedder, exchange, correction.wrong)
        found = await self._engine.memories.get(exchange.tenant, [hit.id for hit in hits])
        wrong = [
            memory
            for memory in found
            if memory is not None
            and memory.slot is not None
            and _mentions(memory.content, correction.wrong)
            and not _mentions(memory.content, correction.right)
        ]
        if not wrong:
            return None
        memory = max(wrong, key=_order)
        return Fact(
            content=_word(correction.wrong).sub(lambda _: correction.right, memory.content),
            category=_category(memory),
            confidence=memory.confidence,
            slot=_word(correction.wrong).sub(lambda _: correction.right.lower(), memory.slot or ""),
            replaces=memory.id,
        )


def _said_at(memory: Memory) -> int:
    """When it was said last: confirming a fact makes it as new as its confirmation."""
    return max(memory.created_at, memory.derived_at or 0)


def _order(memory: Memory) -> tuple[int, int]:
    return _said_at(memory), memory.id


def _mentions(content: str, value: str) -> bool:
    return _word(value).search(content) is not None


def _word(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(value)}(?!\w)", re.IGNORECASE)


def _category(memory: Memory) -> Literal["identity", "fact", "preference", "instruction"]:
    for category in ("identity", "preference", "instruction"):
        if category in memory.categories:
            return category
    return "fact"

"""Bringing memories in that were written elsewhere, or here and exported."""

import asyncio
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, structs

from memory.caller import Caller
from memory.embedding.base import Embedder
from memory.engines.base import EmbeddingSpec, Engine, Limit, Record, Vector, Written
from memory.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded, RemoraError
from memory.model import Memory, NamespaceConfig
from memory.service import events
from memory.service.clock import Clock, system_clock
from memory.service.drafts import MemoryDraft, MemoryFields, check_draft
from memory.service.keys import session_counter
from memory.service.namespaces import Namespaces
from memory.service.quota import Quotas, exceeded, growth
from memory.service.reading import Reading
from memory.service.remember import check_type
from memory.service.sessions import number_turns

Outcome = Literal["imported", "skipped"] | RemoraError

_AT_ONCE = 20
"""How many memories one write inserts: an engine does nothing else meanwhile ([M] up to a millisecond each)."""


class Arrival(Struct, kw_only=True):
    """A memory to be brought in. Its tenant is the caller's, and its hash, tokens and fields are made anew."""

    memory: Memory
    vector: Vector | None = None
    """Of this server's embedder; None: to be made."""
    next_in_session: bool = False
    """Takes the next place of its session, if it names one, and has none yet."""


class Imports:
    def __init__(
        self,
        engine: Engine,
        embedder: Embedder,
        namespaces: Namespaces,
        *,
        quotas: Quotas,
        reading: Reading,
        clock: Clock = system_clock,
    ) -> None:
        self._engine = engine
        self._embedder = embedder
        self._namespaces = namespaces
        self._quotas = quotas
        self._reading = reading
        self._now = clock

    @property
    def embedding(self) -> EmbeddingSpec:
        """Whose an arrival's vector has to be."""
        return self._embedder.spec

    async def write(self, caller: Caller, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Store those whose id is free, with namespaces that are missing, and say of each what became of it: skipped
        where it is there already, whatever its content is by now, Conflict where its id is one's of another namespace
        or owner, Invalid, QuotaExceeded, NotFound for a namespace that is closed to the caller. Repeating it changes
        nothing.

        Raises Forbidden where the tenant may store nothing, EmbedderUnavailable, StoreUnavailable; what of them is
        stored then is skipped the next time.
        """
        caller.require("write")
        limits = list(await self._quotas.limits(caller.tenant))
        outcomes: dict[int, Outcome] = {}
        homes: dict[str, NamespaceConfig] = {}
        for place, arrival in enumerate(arrivals):
            try:
                await self._admit(caller, arrival, homes)
            except (Invalid, NotFound, Forbidden, QuotaExceeded) as error:
                outcomes[place] = error
        await self._pass_over(caller.tenant, arrivals, outcomes)
        new = {place: arrival for place, arrival in enumerate(arrivals) if place not in outcomes}
        if new:
            own = [Limit(namespace=name, memories=one.max_memories) for name, one in homes.items() if one.max_memories]
            stored = await self._store(caller.tenant, list(new.values()), [*own, *limits])
            outcomes |= dict(zip(new, stored, strict=True))
        return [outcomes[place] for place in range(len(arrivals))]

    async def _admit(self, caller: Caller, arrival: Arrival, homes: dict[str, NamespaceConfig]) -> None:
        """Raises what is wrong with it; `homes` learns its namespace's configuration."""
        draft = MemoryDraft(**{name: getattr(arrival.memory, name) for name in MemoryFields.__struct_fields__})
        check_draft(draft)
        home = await self._namespaces.ensure(caller, arrival.memory.namespace)
        config = homes.get(home.name)
        if config is None:
            config = homes[home.name] = await self._namespaces.effective(home)
        check_type(draft, config)
        arrival.memory = structs.replace(arrival.memory, tenant=caller.tenant, namespace=home.name)

    async def _pass_over(self, tenant: str, arrivals: Sequence[Arrival], outcomes: dict[int, Outcome]) -> None:
        """Fills in the outcomes of those whose id is taken, in the store or by one before them."""
        asked = [place for place in range(len(arrivals)) if place not in outcomes]
        found = await self._engine.memories.get(tenant, [arrivals[place].memory.id for place in asked])
        there = {memory.id: memory for memory in found if memory is not None}
        for place in asked:
            memory = arrivals[place].memory
            before = there.setdefault(memory.id, memory)
            if before is not memory:
                outcomes[place] = _there_already(before, memory)

    async def _store(self, tenant: str, arrivals: Sequence[Arrival], limits: Sequence[Limit]) -> list[Outcome]:
        vectors = await self._vectors(arrivals)
        for arrival in arrivals:
            arrival.memory = structs.replace(arrival.memory, **self._reading.of(arrival.memory.content))
            await asyncio.sleep(0)  # counting and extracting take a while: a batch must not hold up other requests
        await self._place_in_sessions(tenant, arrivals)
        memories = [arrival.memory for arrival in arrivals]
        now = self._now()
        records = [
            Record(memory=memory, vector=vector, log=[events.of_memory("memory.created", memory, at=now)])
            for memory, vector in zip(memories, vectors, strict=True)
        ]
        written: list[Written] = []
        for first in range(0, len(records), _AT_ONCE):
            written += await self._engine.memories.insert(records[first : first + _AT_ONCE], limits=limits)
        return await self._outcomes(tenant, memories, written, limits)

    async def _vectors(self, arrivals: Sequence[Arrival]) -> list[Vector]:
        bare = [arrival.memory.content for arrival in arrivals if arrival.vector is None]
        made = iter(await self._embedder.embed(bare) if bare else ())
        return [next(made) if arrival.vector is None else arrival.vector for arrival in arrivals]

    async def _place_in_sessions(self, tenant: str, arrivals: Sequence[Arrival]) -> None:
        """The counters of sessions get past every place that is taken before it is, so that no place is taken twice."""
        taken: dict[str, int] = {}
        waiting: dict[str, list[Memory]] = {}
        for memory, follows in ((arrival.memory, arrival.next_in_session) for arrival in arrivals):
            if memory.run_id is None:
                continue
            if memory.seq is not None:
                counter = session_counter(memory)
                taken[counter] = max(memory.seq, taken.get(counter, 0))
            elif follows:
                waiting.setdefault(session_counter(memory), []).append(memory)
        counters = self._engine.counters
        if taken:
            reached = await counters.values(tenant, list(taken))
            behind = {name: last - reached[name] for name, last in taken.items() if last > reached[name]}
            if behind:
                await counters.add(tenant, behind)
        await number_turns(counters, tenant, waiting)

    async def _outcomes(
        self, tenant: str, memories: Sequence[Memory], written: Sequence[Written], limits: Sequence[Limit]
    ) -> list[Outcome]:
        clashed = [one for one, outcome in zip(memories, written, strict=True) if outcome is Written.CLASH]
        refused = [one for one, outcome in zip(memories, written, strict=True) if outcome is Written.FULL]
        there = iter(await self._engine.memories.get(tenant, [one.id for one in clashed]) if clashed else ())
        wanted = [growth(one) for one in refused]
        reasons = iter(await exceeded(self._engine.memories, tenant, limits, wanted) if refused else ())

        def outcome(memory: Memory, written: Written) -> Outcome:
            match written:
                case Written.DONE:
                    return "imported"
                case Written.CLASH:
                    return _there_already(next(there), memory)
                case Written.FULL:
                    return next(reasons)

        return [outcome(one, become) for one, become in zip(memories, written, strict=True)]


def _there_already(before: Memory | None, memory: Memory) -> Outcome:
    """Of a memory whose id is `before`'s; None where that one is gone again."""
    if before is None:
        return Conflict("it was deleted meanwhile; import it again")
    if (before.namespace, before.owner) != (memory.namespace, memory.owner):
        return Conflict("its id is another memory's", field="id")
    return "skipped"

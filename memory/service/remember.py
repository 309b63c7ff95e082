"""Writing memories."""

import asyncio
from collections.abc import Sequence

from msgspec import structs

from memory.caller import Caller
from memory.embedding.base import Embedder
from memory.engines.base import Append, Engine, Limit, Record, Vector, Written
from memory.errors import Conflict, Invalid, RemoraError
from memory.ids import IdSource
from memory.model import Memory, Namespace, NamespaceConfig
from memory.service import events
from memory.service.clock import Clock, system_clock
from memory.service.drafts import MemoryDraft, check_draft
from memory.service.erase import trace
from memory.service.keys import session_counter
from memory.service.namespaces import Namespaces
from memory.service.quota import Quotas, exceeded, growth
from memory.service.reading import Reading
from memory.service.sessions import number_turns

_ATTEMPTS = 10


class Remember:
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
        self._ids = IdSource()

    async def one(self, caller: Caller, draft: MemoryDraft, namespace: str) -> Record:
        """Write one memory; raises what `write` would return in its place."""
        [written] = await self.write(caller, [draft], namespace)
        if isinstance(written, RemoraError):
            raise written
        return written

    async def add(self, caller: Caller, drafts: Sequence[MemoryDraft], namespace: str) -> list[Memory | RemoraError]:
        """As `write`, without the embeddings."""
        written = await self.write(caller, drafts, namespace)
        return [item.memory if isinstance(item, Record) else item for item in written]

    async def write(self, caller: Caller, drafts: Sequence[MemoryDraft], namespace: str) -> list[Record | RemoraError]:
        """Store the good drafts, and say of each bad one why: Invalid, or QuotaExceeded where the namespace or the
        tenant is full. Positions are kept, and ids rise with them.

        Raises NotFound for an unknown namespace, Forbidden where the tenant is gone, EmbedderUnavailable,
        StoreUnavailable; nothing is stored then.
        """
        caller.require("write")
        home = await self._namespaces.resolve(caller, namespace)
        config = await self._namespaces.effective(home)
        limits = await self._limits(home, config)
        refused: dict[int, RemoraError] = {}
        accepted: dict[int, MemoryDraft] = {}
        for position, draft in enumerate(drafts):
            try:
                check_draft(draft)
                check_type(draft, config)
            except Invalid as error:
                refused[position] = error
            else:
                accepted[position] = draft
        stored = dict(zip(accepted, await self._store(home, list(accepted.values()), limits), strict=True))
        return [stored[position] if position in stored else refused[position] for position in range(len(drafts))]

    async def _limits(self, home: Namespace, config: NamespaceConfig) -> list[Limit]:
        limits = list(await self._quotas.limits(home.tenant))
        if config.max_memories:
            limits.insert(0, Limit(namespace=home.name, memories=config.max_memories))
        return limits

    async def _store(
        self, home: Namespace, drafts: list[MemoryDraft], limits: Sequence[Limit]
    ) -> list[Record | RemoraError]:
        if not drafts:
            return []
        vectors = await self._embedder.embed([draft.content for draft in drafts])
        records: list[Record] = []
        for id, draft, vector in zip(self._ids.take(len(drafts)), drafts, vectors, strict=True):
            if records:
                await asyncio.sleep(0)  # counting and extracting take a while: a batch must not hold up other requests
            records.append(self._record(id, home, draft, vector))
        await self._place_in_sessions(home, records, drafts)
        full = await self._insert(records, limits)
        if not full:
            return list(records)
        return await self._without(full, home, records, limits)

    def _record(self, id: int, home: Namespace, draft: MemoryDraft, vector: Vector) -> Record:
        at = self._now() if draft.created_at is None else draft.created_at
        memory = Memory(
            id=id,
            tenant=home.tenant,
            namespace=home.name,
            content=draft.content,
            type=draft.type,
            user_id=draft.user_id,
            agent_id=draft.agent_id,
            run_id=draft.run_id,
            app=draft.app,
            org_id=draft.org_id,
            credential=draft.credential,
            role=draft.role,
            metadata=draft.metadata,
            tags=draft.tags,
            categories=draft.categories,
            source=draft.source,
            confidence=draft.confidence,
            importance=draft.importance,
            slot=draft.slot,
            source_ids=draft.source_ids,
            links=draft.links,
            created_at=at,
            updated_at=at,
            accessed_at=at,
            derived_at=draft.derived_at,
            event_at=draft.event_at,
            **self._reading.of(draft.content),
        )
        return Record(memory=memory, vector=vector)

    async def _place_in_sessions(self, home: Namespace, records: list[Record], drafts: list[MemoryDraft]) -> None:
        """Numbers the turns of each session on from its last one, in the order of the batch."""
        sessions: dict[str, list[Memory]] = {}
        for record, draft in zip(records, drafts, strict=True):
            if draft.in_session and draft.run_id is not None:
                sessions.setdefault(session_counter(record.memory), []).append(record.memory)
        await number_turns(self._engine.counters, home.tenant, sessions)

    async def _insert(self, records: Sequence[Record], limits: Sequence[Limit]) -> set[int]:
        """The ids of those for which there is no room."""
        pending, full = records, set()
        for _ in range(_ATTEMPTS):
            told = [structs.replace(record, log=self._log(record.memory)) for record in pending]
            written = list(zip(pending, await self._engine.memories.insert(told, limits=limits), strict=True))
            full |= {record.memory.id for record, outcome in written if outcome is Written.FULL}
            pending = [record for record, outcome in written if outcome is Written.CLASH]
            if not pending:
                return full
            for record, id in zip(pending, self._ids.take(len(pending)), strict=True):
                record.memory.id = id
        raise Conflict("no free id for a memory; try again")

    def _log(self, memory: Memory) -> list[Append]:
        return [events.of_memory("memory.created", memory, at=self._now())]

    async def _without(
        self, full: set[int], home: Namespace, records: Sequence[Record], limits: Sequence[Limit]
    ) -> list[Record | RemoraError]:
        """The records, but for those that had no room the reason. The places these took in sessions stay empty: given
        back, they could be another's, taken since."""
        refused = [record.memory for record in records if record.memory.id in full]
        # Where the first turn of a session is stored, its erasure takes the session's counter along.
        if unstored := [memory for memory in refused if memory.seq == 1]:
            await self._engine.log.append([trace(memory) for memory in unstored])
        wanted = [growth(memory) for memory in refused]
        reasons = iter(await exceeded(self._engine.memories, home.tenant, limits, wanted))
        return [next(reasons) if record.memory.id in full else record for record in records]


def check_type(draft: MemoryDraft, config: NamespaceConfig) -> None:
    """Raises Invalid where the namespace does not allow the draft's type."""
    if config.allowed_types is not None and draft.type not in config.allowed_types:
        allowed = ", ".join(config.allowed_types) or "none"
        raise Invalid(f"type: the namespace allows {allowed}, not '{draft.type}'", field="type")

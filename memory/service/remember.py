"""Writing memories."""

import asyncio
from collections.abc import Callable, Sequence

from memory.caller import Caller
from memory.embedding.base import Embedder
from memory.engines.base import Engine, Record, Vector, Written
from memory.errors import Conflict, Invalid, QuotaExceeded, RemoraError
from memory.ids import IdSource
from memory.model import Memory, Namespace, NamespaceConfig, content_hash
from memory.service.clock import Clock, system_clock
from memory.service.drafts import MemoryDraft, check_draft
from memory.service.keys import session_counter
from memory.service.namespaces import Namespaces

_ATTEMPTS = 10


class Remember:
    """`count` counts the tokens of a text; `extract_fields` reads e-mails, URLs, people … out of one."""

    def __init__(
        self,
        engine: Engine,
        embedder: Embedder,
        namespaces: Namespaces,
        *,
        count: Callable[[str], int],
        extract_fields: Callable[[str], dict[str, list[str]]],
        clock: Clock = system_clock,
    ) -> None:
        self._engine = engine
        self._embedder = embedder
        self._namespaces = namespaces
        self._count = count
        self._extract_fields = extract_fields
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
        """Store the good drafts, and say of each bad one why: Invalid, or QuotaExceeded where the namespace is full.
        Positions are kept, and ids rise with them.

        Raises NotFound for an unknown namespace, EmbedderUnavailable, StoreUnavailable; nothing is stored then.
        """
        caller.require("write")
        home = await self._namespaces.resolve(caller, namespace)
        config = await self._namespaces.effective(caller, home)
        refused: dict[int, RemoraError] = {}
        accepted: dict[int, MemoryDraft] = {}
        for position, draft in enumerate(drafts):
            try:
                check_draft(draft)
                _check_type(draft, config)
            except Invalid as error:
                refused[position] = error
            else:
                accepted[position] = draft
        refused |= await self._over_quota(home, config, accepted)
        good = {position: draft for position, draft in accepted.items() if position not in refused}
        stored = dict(zip(good, await self._store(home, list(good.values())), strict=True))
        return [stored[position] if position in stored else refused[position] for position in range(len(drafts))]

    async def _over_quota(
        self, home: Namespace, config: NamespaceConfig, accepted: dict[int, MemoryDraft]
    ) -> dict[int, RemoraError]:
        if not config.max_memories or not accepted:
            return {}
        room = max(config.max_memories - (await self._namespaces.usage(home)).memories, 0)
        message = f"the namespace holds its maximum of {config.max_memories:,} memories"
        return {
            position: QuotaExceeded(message, namespace=home.name, limit=config.max_memories)
            for position in list(accepted)[room:]
        }

    async def _store(self, home: Namespace, drafts: list[MemoryDraft]) -> list[Record | RemoraError]:
        if not drafts:
            return []
        vectors = await self._embedder.embed([draft.content for draft in drafts])
        records = []
        for id, draft, vector in zip(self._ids.take(len(drafts)), drafts, vectors, strict=True):
            records.append(self._record(id, home, draft, vector))
            await asyncio.sleep(0)  # counting and extracting take a while: a batch must not hold up other requests
        await self._place_in_sessions(home, records, drafts)
        full = await self._insert(records)
        return [_full(home) if record.memory.id in full else record for record in records]

    def _record(self, id: int, home: Namespace, draft: MemoryDraft, vector: Vector) -> Record:
        at = self._now() if draft.created_at is None else draft.created_at
        memory = Memory(
            id=id,
            tenant=home.tenant,
            namespace=home.name,
            content=draft.content,
            content_hash=content_hash(draft.content),
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
            token_count=self._count(draft.content),
            fields=self._extract_fields(draft.content),
        )
        return Record(memory=memory, vector=vector)

    async def _place_in_sessions(self, home: Namespace, records: list[Record], drafts: list[MemoryDraft]) -> None:
        """Numbers the turns of each session on from its last one, in the order of the batch."""
        sessions: dict[str, list[Memory]] = {}
        for record, draft in zip(records, drafts, strict=True):
            if draft.in_session and draft.run_id is not None:
                sessions.setdefault(session_counter(record.memory), []).append(record.memory)
        if not sessions:
            return
        amounts = {counter: len(turns) for counter, turns in sessions.items()}
        last = await self._engine.counters.add(home.tenant, amounts)
        for counter, turns in sessions.items():
            for seq, turn in enumerate(turns, last[counter] - len(turns) + 1):
                turn.seq = seq

    async def _insert(self, records: Sequence[Record]) -> set[int]:
        """The ids of those for which there is no room."""
        pending, full = records, set()
        for _ in range(_ATTEMPTS):
            written = list(zip(pending, await self._engine.memories.insert(pending), strict=True))
            full |= {record.memory.id for record, outcome in written if outcome is Written.FULL}
            pending = [record for record, outcome in written if outcome is Written.CLASH]
            if not pending:
                return full
            for record, id in zip(pending, self._ids.take(len(pending)), strict=True):
                record.memory.id = id
        raise Conflict("no free id for a memory; try again")


def _full(home: Namespace) -> QuotaExceeded:
    return QuotaExceeded("there is no room for another memory", namespace=home.name)


def _check_type(draft: MemoryDraft, config: NamespaceConfig) -> None:
    if config.allowed_types is not None and draft.type not in config.allowed_types:
        allowed = ", ".join(config.allowed_types) or "none"
        raise Invalid(f"type: the namespace allows {allowed}, not '{draft.type}'", field="type")

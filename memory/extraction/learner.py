"""What becomes of an exchange: an episode, the facts drawn from it, and the older facts these take the place of."""

import logging
import re
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct, field, structs

from config.logging import bind_request
from memory.caller import Caller
from memory.embedding.base import Embedder
from memory.engines.base import Engine, Filter, Job, PutDocument, SearchQuery, Written
from memory.errors import Conflict, RemoraError
from memory.extraction.episode import pieces, transcript
from memory.extraction.exchange import Exchange, decode_exchange
from memory.extraction.facts import Correction, Fact
from memory.extraction.llm import ExtractionFailed, LlmExtractor
from memory.extraction.rules.extract import extract
from memory.model import MAX_CONTENT_BYTES, Hit, Memory, content_hash
from memory.service.drafts import MemoryDraft
from memory.service.namespaces import Namespaces
from memory.service.remember import Remember
from memory.service.revise import Revise

log = logging.getLogger("remora.learner")

REFUSED_COUNTER = "learning.refused"
"""Counts, per tenant, what was to be learned and a quota or a rule of the namespace forbade."""

_RETRY_MS = 600_000
"""The same words within this time are a retry; later, the user says them again."""
_NEAREST = 10
_PLAN_SECONDS = 24 * 3600
_ATTEMPTS = 10


class Learned(Struct, kw_only=True):
    """What a job did; its result."""

    episodes: list[int] = field(default_factory=list)
    facts: list[int] = field(default_factory=list)
    """Stored or confirmed."""
    stored: list[int] = field(default_factory=list)
    """Of both, those that are new."""
    superseded: int = 0
    refused: list[str] = field(default_factory=list)
    """Why a memory could not be stored, one entry each."""


class Learner:
    """Learns from exchanges, each any number of times with the effect of once. Exchanges of one owner in one namespace
    must come one at a time: their jobs' order key sees to it."""

    def __init__(
        self,
        engine: Engine,
        embedder: Embedder,
        namespaces: Namespaces,
        remember: Remember,
        revise: Revise,
        *,
        llm: LlmExtractor | None = None,
        facts: bool = True,
        heard: Callable[[Learned], None] | None = None,
    ) -> None:
        """`llm` None: by rules. `facts` False: only episodes. `heard` is told of all that was learned."""
        self._engine = engine
        self._embedder = embedder
        self._namespaces = namespaces
        self._remember = remember
        self._revise = revise
        self._llm = llm
        self._facts = facts
        self._heard = heard

    async def handle(self, job: Job) -> bytes:
        """The worker's handler: the result is a `Learned` in JSON."""
        exchange = decode_exchange(job.payload)
        bind_request(exchange.request_id)
        learned = await self.learn(exchange, again=job.attempt > 1)
        if self._heard is not None:
            self._heard(learned)
        return msgspec.json.encode(learned)

    async def learn(self, exchange: Exchange, *, again: bool = False) -> Learned:
        """`again`: an earlier attempt may have got half-way. A round that is known otherwise, since it was regenerated
        or resent, teaches nothing; long after, it makes no second episode, but its facts hold anew."""
        caller = Caller(tenant=exchange.tenant, credential=exchange.credential, user=exchange.user_id)
        await self._namespaces.ensure(caller, exchange.namespace)
        learned = Learned()
        known = await self._known_episodes(exchange)
        learned.episodes = sorted(episode.id for episode in known)
        if not again and any(abs(exchange.at - episode.created_at) <= _RETRY_MS for episode in known):
            return learned
        if not known:
            await self._store_episodes(caller, exchange, learned)
        if self._facts:
            for finding in await self._findings(exchange):
                await self._keep(caller, exchange, finding, learned)
        if learned.refused:
            await self._engine.counters.add(exchange.tenant, {REFUSED_COUNTER: len(learned.refused)})
            log.warning("not all could be learned in namespace %r: %s", exchange.namespace, learned.refused[0])
        return learned

    # Episodes

    async def _known_episodes(self, exchange: Exchange) -> list[Memory]:
        where = structs.replace(
            _own(exchange), current=False, types=("episodic",), metadata={"round": exchange.identity}
        )
        return (await self._engine.memories.list(where)).memories

    async def _store_episodes(self, caller: Caller, exchange: Exchange, learned: Learned) -> None:
        drafts = [
            _draft(exchange, text, kind="episodic", in_session=True)
            for text in pieces(transcript(exchange), MAX_CONTENT_BYTES)
        ]
        for stored in await self._remember.add(caller, drafts, exchange.namespace):
            if isinstance(stored, RemoraError):
                learned.refused.append(stored.message)
            else:
                learned.episodes.append(stored.id)
                learned.stored.append(stored.id)

    # Facts

    async def _findings(self, exchange: Exchange) -> Sequence[Fact | Correction]:
        if self._llm is None:
            return extract(exchange.asked)
        planned = await self._engine.documents.get("lesson", exchange.tenant, exchange.identity)
        if planned is not None:
            return msgspec.json.decode(planned.value, type=list[Fact])
        try:
            facts = await self._llm.extract(exchange, await self._nearest(exchange, "\n".join(exchange.asked)))
        except ExtractionFailed as error:
            log.warning("facts drawn by rules: %s", error.message)
            return extract(exchange.asked)
        # A second attempt must not ask again: a model seldom says a thing twice in the same words.
        plan = PutDocument(
            kind="lesson",
            tenant=exchange.tenant,
            key=exchange.identity,
            value=msgspec.json.encode(facts),
            ttl_seconds=_PLAN_SECONDS,
        )
        await self._engine.documents.create(plan)
        return facts

    async def _nearest(self, exchange: Exchange, text: str) -> list[Hit]:
        [vector] = await self._embedder.embed([text])
        where = structs.replace(_own(exchange), types=("semantic",))
        hits = await self._engine.memories.search(where, SearchQuery(text=text, vector=vector, limit=_NEAREST))
        return sorted(hits, key=lambda hit: (-(hit.dense or 0.0) - (hit.text or 0.0), hit.id))[:_NEAREST]

    async def _keep(self, caller: Caller, exchange: Exchange, finding: Fact | Correction, learned: Learned) -> None:
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
        where = structs.replace(_own(exchange), current=False, content_hash=content_hash(fact.content))
        equal = (await self._engine.memories.list(where)).memories
        for memory in equal:
            if memory.metadata.get("round") == exchange.identity and _said_at(memory) >= exchange.at:
                return memory
        for memory in equal:
            if memory.current:
                return await self._confirm(exchange, memory, learned.episodes)
        draft = _draft(
            exchange,
            fact.content,
            kind="semantic",
            categories=[fact.category],
            confidence=fact.confidence,
            slot=fact.slot,
            source_ids=learned.episodes,
            derived_at=exchange.at,
        )
        [stored] = await self._remember.add(caller, [draft], exchange.namespace)
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
            if await self._engine.memories.replace(confirmed, expected=memory.version) is Written.DONE:
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
            rivals = (await self._engine.memories.list(structs.replace(_own(exchange), slot=fact.slot))).memories
            if fact.ends is not None:
                rivals = [rival for rival in rivals if _mentions(rival.content, fact.ends)]
        if fact.replaces is not None and all(rival.id != fact.replaces for rival in rivals):
            [replaced] = await self._engine.memories.get(exchange.tenant, [fact.replaces])
            if replaced is not None and replaced.current:
                rivals.append(replaced)
        return rivals

    async def _corrected(self, exchange: Exchange, correction: Correction) -> Fact | None:
        """The newest fact that says `wrong`, said again with `right`."""
        hits = await self._nearest(exchange, correction.wrong)
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


def _own(exchange: Exchange) -> Filter:
    """The current memories of the exchange's owner in its namespace."""
    return Filter(tenant=exchange.tenant, namespaces=(exchange.namespace,), owners=(exchange.owner,))


def _draft(
    exchange: Exchange,
    content: str,
    *,
    kind: Literal["episodic", "semantic"],
    in_session: bool = False,
    categories: Sequence[str] = (),
    confidence: float = 1.0,
    slot: str | None = None,
    source_ids: Sequence[int] = (),
    derived_at: int | None = None,
) -> MemoryDraft:
    return MemoryDraft(
        content=content,
        type=kind,
        user_id=exchange.user_id,
        credential=exchange.credential if exchange.user_id is None else None,
        agent_id=exchange.agent_id,
        app=exchange.app,
        run_id=exchange.run_id,
        metadata={"round": exchange.identity, "request_id": exchange.request_id},
        source="extracted",
        in_session=in_session,
        categories=list(categories),
        confidence=confidence,
        slot=slot,
        source_ids=list(source_ids),
        created_at=exchange.at,
        derived_at=derived_at,
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

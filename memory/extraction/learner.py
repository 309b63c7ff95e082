"""What becomes of an exchange: an episode, the facts drawn from it, and the older facts these take the place of."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from config.logging import bind_request
from memory.caller import Caller
from memory.embedding.base import Embedder
from memory.engines.base import Engine, Job
from memory.errors import Forbidden, QuotaExceeded, RemoraError
from memory.extraction.drafts import draft, own
from memory.extraction.episode import pieces, transcript
from memory.extraction.exchange import Exchange, decode_exchange
from memory.extraction.findings import Findings
from memory.extraction.knowledge import Knowledge
from memory.extraction.learned import Learned, telling
from memory.model import MAX_CONTENT_BYTES, Memory
from memory.service.namespaces import Namespaces
from memory.service.quota import Quotas
from memory.service.remember import Remember
from memory.service.revise import Revise

if TYPE_CHECKING:
    from memory.extraction.llm import LlmExtractor

log = logging.getLogger("remora.learner")

_RETRY_MS = 600_000
"""The same words within this time are a retry; later, the user says them again."""


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
        quotas: Quotas,
        receipt_seconds: int,
        llm: "LlmExtractor | None" = None,
        facts: bool = True,
        heard: Callable[[Learned], None] | None = None,
    ) -> None:
        """`receipt_seconds`: for how long it is kept for the receipt what might not be learned. `llm` None: by rules.
        `facts` False: only episodes. `heard` is told of all that was learned."""
        self._engine = engine
        self._namespaces = namespaces
        self._remember = remember
        self._quotas = quotas
        self._receipt_seconds = receipt_seconds
        self._findings = Findings(engine, embedder, llm)
        self._knowledge = Knowledge(engine, embedder, remember, revise)
        self._facts = facts
        self._heard = heard

    async def handle(self, job: Job) -> bytes | None:
        """The worker's handler: the result is a `Learned` in JSON, or nothing where the tenant is gone."""
        exchange = decode_exchange(job.payload)
        bind_request(exchange.request_id)
        try:
            learned = await self.learn(exchange, again=job.attempt > 1)
        except Forbidden as error:
            log.info("not learned: %s", error.message)
            return None
        if self._heard is not None:
            self._heard(learned)
        return msgspec.json.encode(learned)

    async def learn(self, exchange: Exchange, *, again: bool = False) -> Learned:
        """`again`: an earlier attempt may have got half-way. A round that is known otherwise, since it was regenerated
        or resent, teaches nothing; long after, it makes no second episode, but its facts hold anew.

        Raises Forbidden where the tenant is being deleted or gone.
        """
        await self._quotas.limits(exchange.tenant)  # before anything is written that a tenant's end would leave behind
        learned = Learned()
        if await self._namespaces.directory.removed_since(exchange.tenant, exchange.namespace, exchange.at):
            learned.refused.append("the namespace was deleted meanwhile")
        else:
            await self._learn(exchange, learned, again=again)
        if learned.refused:
            await self._engine.commit(telling(exchange, learned.refused, seconds=self._receipt_seconds))
            log.warning("not all could be learned in namespace %r: %s", exchange.namespace, learned.refused[0])
        return learned

    async def _learn(self, exchange: Exchange, learned: Learned, *, again: bool) -> None:
        caller = Caller(
            tenant=exchange.tenant,
            credential=exchange.credential,
            scopes=frozenset(("write",)),
            user=exchange.user_id,
        )
        try:
            await self._namespaces.ensure(caller, exchange.namespace)
        except QuotaExceeded as error:
            learned.refused.append(error.message)
            return
        known = await self._known_episodes(exchange)
        learned.episodes = sorted(episode.id for episode in known)
        if not again and any(abs(exchange.at - episode.created_at) <= _RETRY_MS for episode in known):
            return
        if not known:
            await self._store_episodes(caller, exchange, learned)
        if self._facts:
            for finding in await self._findings.of(exchange):
                await self._knowledge.take(caller, exchange, finding, learned)

    async def _known_episodes(self, exchange: Exchange) -> list[Memory]:
        where = structs.replace(
            own(exchange), current=False, types=("episodic",), metadata={"round": exchange.identity}
        )
        return (await self._engine.memories.list(where)).memories

    async def _store_episodes(self, caller: Caller, exchange: Exchange, learned: Learned) -> None:
        drafts = [
            draft(exchange, text, kind="episodic", in_session=True)
            for text in pieces(transcript(exchange), MAX_CONTENT_BYTES)
        ]
        for stored in await self._remember.add(caller, drafts, exchange.namespace):
            if isinstance(stored, RemoraError):
                learned.refused.append(stored.message)
            else:
                learned.episodes.append(stored.id)
                learned.stored.append(stored.id)

"""What the user's words in an exchange say: by an LLM where there is one, else by rules."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from memory.embedding.base import Embedder
from memory.engines.base import Engine, PutDocument, SearchQuery
from memory.errors import ExtractionFailed
from memory.extraction.drafts import own
from memory.extraction.exchange import Exchange
from memory.extraction.facts import Correction, Fact
from memory.extraction.rules.extract import extract
from memory.model import Hit
from memory.service.keys import LESSON, lesson_index

if TYPE_CHECKING:
    from memory.extraction.llm import LlmExtractor

log = logging.getLogger("remora.learner")

_NEAREST = 10
_PLAN_SECONDS = 24 * 3600


class Findings:
    def __init__(self, engine: Engine, embedder: Embedder, llm: "LlmExtractor | None") -> None:
        self._engine = engine
        self._embedder = embedder
        self._llm = llm

    async def of(self, exchange: Exchange) -> Sequence[Fact | Correction]:
        """The same again for a second attempt: a model seldom says a thing twice in the same words."""
        if self._llm is None:
            return extract(exchange.asked)
        planned = await self._engine.documents.get(LESSON, exchange.tenant, exchange.identity)
        if planned is not None:
            return msgspec.json.decode(planned.value, type=list[Fact])
        known = await nearest(self._engine, self._embedder, exchange, "\n".join(exchange.asked))
        try:
            facts = await self._llm.extract(exchange, known)
        except ExtractionFailed as error:
            log.warning("facts drawn by rules: %s", error.message)
            return extract(exchange.asked)
        plan = PutDocument(
            kind=LESSON,
            tenant=exchange.tenant,
            key=exchange.identity,
            value=msgspec.json.encode(facts),
            indexes=dict([lesson_index(exchange.namespace)]),
            ttl_seconds=_PLAN_SECONDS,
        )
        await self._engine.documents.create(plan)
        return facts


async def nearest(engine: Engine, embedder: Embedder, exchange: Exchange, text: str) -> list[Hit]:
    """The facts known of the exchange's owner that are nearest to `text`, best first."""
    [vector] = await embedder.embed([text])
    where = structs.replace(own(exchange), types=("semantic",))
    hits = await engine.memories.search(where, SearchQuery(text=text, vector=vector, limit=_NEAREST))
    return sorted(hits, key=lambda hit: (-(hit.dense or 0.0) - (hit.text or 0.0), hit.id))[:_NEAREST]

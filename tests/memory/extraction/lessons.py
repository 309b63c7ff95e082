"""Conversations taught to a learner, as the proxy would."""

from typing import Any

from memory.embedding.base import Embedder
from memory.engines.base import Enqueue, Filter
from memory.extraction.exchange import JOB_KIND, Exchange, enqueue_exchange, read_round
from memory.extraction.learner import Learner
from memory.extraction.llm import LlmExtractor
from memory.extraction.worker import Worker
from memory.model import Memory, MemoryType
from memory.service.quota import Quotas
from tests.support.services import START, NoQuotas, Services

MINUTE = 60_000


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def an_exchange(*asked: str, **given: Any) -> Exchange:
    fields: dict[str, Any] = {
        "tenant": "default",
        "namespace": "default",
        "user_id": "ada",
        "credential": "test",
        "run_id": "session",
        "asked": list(asked) or ["I live in Lisbon."],
        "answer": "Noted.",
        "preceding": "",
        "at": START,
        "request_id": "req_1",
    }
    return Exchange(**fields | given)


class School:
    def __init__(self, services: Services, embedder: Embedder, quotas: Quotas | None = None) -> None:
        self.services = services
        self.engine = services.engine
        self._embedder = embedder
        self._quotas = quotas or NoQuotas()
        self.learner = self.make_learner()

    def make_learner(self, *, llm: LlmExtractor | None = None, facts: bool = True) -> Learner:
        given = self.services
        return Learner(
            self.engine,
            self._embedder,
            given.namespaces,
            given.remember,
            given.revise,
            quotas=self._quotas,
            receipt_seconds=3600,
            llm=llm,
            facts=facts,
        )

    async def hear(self, messages: list[dict[str, Any]], answer: str, *, at: int = START, **given: Any) -> str | None:
        """Enqueue what a call with these messages teaches: the job's id, None if it is known."""
        newest = read_round(messages)
        assert newest is not None
        exchange = an_exchange(
            *newest.asked, answer=answer, at=at, preceding=newest.preceding, run_id=newest.session, **given
        )
        return await self.engine.jobs.enqueue(enqueue_exchange(exchange))

    async def enqueue(self, job: Enqueue) -> None:
        assert await self.engine.jobs.enqueue(job)

    def worker(self) -> Worker:
        return Worker(self.engine, {JOB_KIND: self.learner.handle}, delay=lambda _: 0.0)

    async def study(self) -> None:
        """Do all the jobs there are."""
        await self.worker().drain()

    async def memories(self, kind: MemoryType, *, current: bool = True, owner: str = "u:ada") -> list[Memory]:
        """Oldest first."""
        where = Filter(tenant="default", owners=(owner,), types=(kind,), current=current)
        return (await self.engine.memories.list(where, descending=False, limit=1000)).memories

    async def facts(self, *, current: bool = True, owner: str = "u:ada") -> list[str]:
        return [memory.content for memory in await self.memories("semantic", current=current, owner=owner)]

    async def episodes(self, *, owner: str = "u:ada") -> list[str]:
        return [memory.content for memory in await self.memories("episodic", owner=owner)]

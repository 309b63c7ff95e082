"""Tenants to erase."""

from typing import Any

from memory.engines.base import (
    BOUNDLESS,
    AddCounter,
    Append,
    Engine,
    Enqueue,
    Filter,
    Neighbourhood,
    PutDocument,
    SearchQuery,
    Take,
)
from tests.contract.examples import a_record, a_vector
from tests.contract.examples import given as stored

WORKER = "worker"


class Tenant:
    """A tenant with something in every corner of every port."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._jobs: list[str] = []

    async def fill(self) -> None:
        name, engine = self._name, self._engine
        records = [
            a_record(n, f"tea number {n}", tenant=name, namespace=f"n{n % 2}", user_id="u", run_id="r", seq=n)
            for n in range(5)
        ]
        await stored(engine, *records, a_record(9, tenant=name, namespace="n", state="deleted"))
        document = PutDocument(kind="k", tenant=name, key="key", value=b"v", indexes={"i": "v"})
        assert await engine.documents.create(document, unique={"name": "x"})
        lasting = PutDocument(kind="other", tenant=name, key="key", value=b"v", ttl_seconds=3600)
        await engine.commit(
            [
                lasting,
                AddCounter(tenant=name, name="count", amount=7),
                Append(tenant=name, stream="s", entry=b"e"),
                Append(tenant=name, stream="t", entry=b"e"),
            ]
        )
        await engine.counters.take([self._look(amount=3)])
        await self._enqueue_all()

    async def found(self) -> dict[str, Any]:
        """Whatever any port tells of it, jobs in the queue apart."""
        name, engine = self._name, self._engine
        everything = Filter(tenant=name, current=False)
        question = SearchQuery(text="tea", vector=a_vector("q"), facts=3)
        around = [Neighbourhood(namespace=f"n{n}", owner="u:u", run_id="r", seq=2) for n in range(2)]
        ids = [*range(10)]
        documents = [await engine.documents.list(kind, name) for kind in ("k", "other")]
        return {
            "memories": (await engine.memories.list(everything)).memories,
            "by id": [memory for memory in await engine.memories.get(name, ids) if memory],
            "vectors": [len(vector) for vector in await engine.memories.vectors(name, ids) if vector is not None],
            "hits": {hit.id for hit in await engine.memories.search(everything, question)},
            "neighbours": {hit.id for hit in await engine.memories.neighbours(everything, around, radius=9)},
            "usage": [await engine.memories.usage(name, namespace) for namespace in (None, "n0", "n1", "n")],
            "documents": documents,
            "indexed": await engine.documents.list("k", name, index=("i", "v")),
            "unique": await engine.documents.find("k", name, "name", "x"),
            "counters": await engine.counters.values(name, ["count"]),
            "windows": (await engine.counters.take([self._look()]))[0].remaining,
            "statuses": [await engine.jobs.status(name, id) for id in self._jobs],
            "log": [await engine.log.read(name, stream) for stream in "st"],
        }

    async def unfound(self) -> dict[str, Any]:
        """What is told of a tenant that never was, asked about the same jobs."""
        unknown = Tenant(self._engine, "unknown")
        unknown._jobs = self._jobs
        return await unknown.found()

    def _look(self, amount: int = 0) -> Take:
        return Take(tenant=self._name, name="calls", limit=BOUNDLESS, window_seconds=10**9, amount=amount)

    async def _enqueue(self, **fields: Any) -> None:
        job = Enqueue(**({"kind": "learn", "tenant": self._name, "payload": b"p"} | fields))
        id = await self._engine.jobs.enqueue(job)
        assert id is not None
        self._jobs.append(id)

    async def _enqueue_all(self) -> None:
        """One done, one dead, one that runs, three that wait for it, and one delayed."""
        jobs = self._engine.jobs
        for end in ("done", "dead"):
            await self._enqueue(dedupe=end)
            [job] = await jobs.lease(WORKER)
            assert await (jobs.done(WORKER, job) if end == "done" else jobs.bury(WORKER, job, error="hopeless"))
        for n in range(4):
            await self._enqueue(order="o", dedupe=f"ordered {n}")
        [_] = await jobs.lease(WORKER)
        await self._enqueue(delay_seconds=3600.0)

    async def await_worker(self) -> None:
        """With a job that the next worker gets."""
        await self._enqueue()

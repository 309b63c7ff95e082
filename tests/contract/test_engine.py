"""The engine as a whole: commits, cancellation, health, another embedder, the end."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from memory.engines.base import (
    AddCounter,
    Append,
    EmbeddingSpec,
    Engine,
    Enqueue,
    Filter,
    PutDocument,
    SearchQuery,
    Vector,
    Write,
)
from memory.errors import EmbedderUnavailable, Misconfigured, StoreUnavailable
from tests.contract.examples import TENANT, a_memory, a_record, a_vector, eventually, everything
from tests.contract.examples import given as stored
from tests.contract.stores import SPEC, Store
from tests.support.engines import indexed

OTHER = EmbeddingSpec(name="other-embedder", dimension=4)


def writes(key: str, *, dedupe: str | None = None) -> list[Write]:
    return [
        PutDocument(kind="receipt", tenant=TENANT, key=key, value=b"v", indexes={"i": "v"}, ttl_seconds=3600),
        AddCounter(tenant=TENANT, name="n", amount=3),
        Enqueue(kind="learn", tenant=TENANT, payload=key.encode(), dedupe=dedupe, order="o"),
        AddCounter(tenant=TENANT, name="n"),
        Append(tenant=TENANT, stream="s", entry=key.encode()),
    ]


async def test_a_commit_writes_all_it_was_given(engine: Engine) -> None:
    await engine.commit(writes("k"))
    assert await engine.documents.get("receipt", TENANT, "k") is not None
    assert await engine.counters.values(TENANT, ["n"]) == {"n": 4}
    assert [job.payload for job in await engine.jobs.lease("w")] == [b"k"]
    assert [entry.entry for entry in await engine.log.read(TENANT, "s")] == [b"k"]


async def test_a_commit_of_nothing_is_fine(engine: Engine) -> None:
    await engine.commit([])


async def test_a_duplicate_job_does_not_stop_the_rest_of_a_commit(engine: Engine) -> None:
    await engine.commit(writes("one", dedupe="d"))
    await engine.commit(writes("two", dedupe="d"))
    assert await engine.documents.get("receipt", TENANT, "two") is not None
    assert await engine.counters.values(TENANT, ["n"]) == {"n": 8}
    assert (await engine.jobs.backlog()).waiting == 1
    assert len(await engine.log.read(TENANT, "s")) == 2


async def test_a_commit_takes_no_counter_below_zero(engine: Engine) -> None:
    await engine.commit([AddCounter(tenant=TENANT, name="n", amount=-5)])
    assert await engine.counters.values(TENANT, ["n"]) == {"n": 0}


async def test_concurrent_commits_are_all_kept(engine: Engine, peer: Engine) -> None:
    await asyncio.gather(*((engine if n % 2 else peer).commit(writes(f"k{n}")) for n in range(100)))
    assert await engine.counters.values(TENANT, ["n"]) == {"n": 400}
    assert (await engine.jobs.backlog()).waiting == 100
    assert (await engine.documents.list("receipt", TENANT))[1] == 100
    assert len(await engine.log.read(TENANT, "s", limit=1000)) == 100


async def test_a_cancelled_commit_took_place_whole_or_not_at_all(engine: Engine) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(30):
            commit = group.create_task(engine.commit(writes(f"k{n}")))
            for _ in range(n % 10):
                await asyncio.sleep(0)
            commit.cancel()

    async def all_or_none() -> bool:
        entries = {entry.entry for entry in await engine.log.read(TENANT, "s")}
        documents, _ = await engine.documents.list("receipt", TENANT)
        counted = await engine.counters.values(TENANT, ["n"])
        waiting = (await engine.jobs.backlog()).waiting
        keys = {document.key.encode() for document in documents}
        return entries == keys and counted == {"n": 4 * len(keys)} and waiting == len(keys)

    await eventually(all_or_none)


async def test_calls_answer_after_others_were_cancelled(engine: Engine) -> None:
    await stored(engine, *(a_record(id, f"tea {id}") for id in range(200)))
    both = SearchQuery(text="tea", vector=a_vector("q"), limit=200)
    async with asyncio.TaskGroup() as group:
        for n in range(20):
            search = group.create_task(engine.memories.search(Filter(tenant=TENANT), both))
            for _ in range(n % 4):
                await asyncio.sleep(0)
            search.cancel()
    answers = await asyncio.gather(*(engine.memories.search(Filter(tenant=TENANT), both) for _ in range(5)))
    assert [len(hits) for hits in answers] == [200] * 5


async def test_ping_is_quiet_when_all_is_well(engine: Engine) -> None:
    await indexed(engine)
    await engine.ping()


async def test_advice_is_whole_sentences(engine: Engine) -> None:
    for sentence in await engine.advice():
        assert sentence.strip().endswith(".")


async def test_an_engine_that_has_ended_is_unavailable(store: Store) -> None:
    async with store.engine() as engine:
        await stored(engine, a_record(1))
    for call in (
        engine.ping(),
        engine.memories.get(TENANT, [1]),
        engine.memories.insert([a_record(2)]),
        engine.memories.search(Filter(tenant=TENANT), SearchQuery(text="tea")),
        engine.documents.get("k", TENANT, "k"),
        engine.counters.add(TENANT, {"n": 1}),
        engine.jobs.lease("w", wait_seconds=5),
        engine.log.read(TENANT, "s"),
        engine.commit(writes("k")),
    ):
        with pytest.raises(StoreUnavailable):
            await call


async def test_what_was_stored_is_there_when_the_store_is_opened_again(lasting_store: Store) -> None:
    async with lasting_store.engine() as engine:
        await stored(engine, a_record(1, vector=a_vector("v")))
        await engine.commit(writes("k"))
    async with lasting_store.engine() as engine:
        assert await engine.memories.get(TENANT, [1]) == [a_memory(1)]
        (hit,) = await engine.memories.search(Filter(tenant=TENANT), SearchQuery(text="tea", vector=a_vector("v")))
        assert (hit.id, hit.text) == (1, 1.0)
        assert hit.dense == pytest.approx(1.0, abs=1e-5)
        assert await engine.counters.values(TENANT, ["n"]) == {"n": 4}
        assert (await engine.jobs.backlog()).waiting == 1
        assert (await engine.memories.usage(TENANT)).memories == 1
        await stored(engine, a_record(2))
        assert await everything(engine, Filter(tenant=TENANT)) == {1, 2}


# -------------------------------------------------------------------------------------------------- another embedder


async def embed(texts: Sequence[str]) -> list[Vector]:
    return [a_vector(text, OTHER.dimension) for text in texts]


def untold(done: int, total: int) -> None:
    """For a reindexing whose progress nobody watches."""


async def filled(store: Store, count: int = 3) -> None:
    async with store.engine() as engine:
        await stored(engine, *(a_record(id, f"memory {id}", user_id="ann") for id in range(count - 1)))
        await stored(engine, a_record(count - 1, f"memory {count - 1}", superseded_by=1, type="episodic"))


@pytest.mark.parametrize(
    "other", [OTHER, EmbeddingSpec(name=SPEC.name, dimension=4), EmbeddingSpec(name="x", dimension=8)]
)
async def test_a_store_of_another_embedder_is_refused_by_name(lasting_store: Store, other: EmbeddingSpec) -> None:
    await filled(lasting_store)
    with pytest.raises(Misconfigured) as refusal:
        async with lasting_store.engine(embedding=other):
            pass
    message = str(refusal.value)
    for part in (SPEC.name, other.name, str(SPEC.dimension), str(other.dimension), "remora reindex"):
        assert part in message
    async with lasting_store.engine() as engine:
        assert len(await everything(engine, Filter(tenant=TENANT))) == 2


async def test_reindexing_makes_the_store_the_new_embedders(lasting_store: Store) -> None:
    await filled(lasting_store, 700)
    told: list[tuple[int, int]] = []
    async with lasting_store.engine(embedding=OTHER, reindexing=True) as engine:
        assert await engine.reindex(embed, lambda done, total: told.append((done, total))) == 700
    assert told[-1] == (700, 700)
    assert told == sorted(told)
    async with lasting_store.engine(embedding=OTHER) as engine:
        (vector,) = await engine.memories.vectors(TENANT, [5])
        assert vector is not None
        np.testing.assert_array_equal(vector, a_vector("memory 5", OTHER.dimension))
        question = SearchQuery(vector=a_vector("memory 5", OTHER.dimension), limit=1)
        (hit,) = await engine.memories.search(Filter(tenant=TENANT, owners=("u:ann",)), question)
        assert hit.id == 5
        assert hit.dense == pytest.approx(1.0, abs=1e-5)
        assert await engine.memories.get(TENANT, [5]) == [a_memory(5, "memory 5", user_id="ann")]
        assert [hit.id for hit in await engine.memories.search(Filter(tenant=TENANT), SearchQuery(text="memory"))]
    with pytest.raises(Misconfigured):
        async with lasting_store.engine():
            pass


async def test_an_interrupted_reindexing_can_be_run_again(lasting_store: Store) -> None:
    await filled(lasting_store, 700)
    batches = 0

    async def failing(texts: Sequence[str]) -> list[Vector]:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise EmbedderUnavailable("the embedder is gone")
        return await embed(texts)

    async with lasting_store.engine(embedding=OTHER, reindexing=True) as engine:
        with pytest.raises(EmbedderUnavailable):
            await engine.reindex(failing, untold)
    async with lasting_store.engine(embedding=OTHER, reindexing=True) as engine:
        await engine.reindex(embed, untold)
    async with lasting_store.engine(embedding=OTHER) as engine:
        vectors = await engine.memories.vectors(TENANT, range(700))
        assert all(vector is not None and len(vector) == OTHER.dimension for vector in vectors)
        hits = await engine.memories.search(
            Filter(tenant=TENANT, current=False), SearchQuery(vector=a_vector("q", OTHER.dimension), limit=1000)
        )
        assert len(hits) == 700


async def test_an_empty_store_is_reindexed_at_once(lasting_store: Store) -> None:
    async with lasting_store.engine():
        pass
    async with lasting_store.engine(embedding=OTHER, reindexing=True) as engine:
        assert await engine.reindex(embed, untold) == 0
    async with lasting_store.engine(embedding=OTHER) as engine:
        await indexed(engine)
        await engine.ping()

"""What the engine leaves in Redis, who may share it, and whom it refuses."""

import asyncio
from collections.abc import Sequence

import pytest
import redis.asyncio

from memory.engines.base import (
    AddCounter,
    Append,
    EmbeddingSpec,
    Enqueue,
    Filter,
    PutDocument,
    SearchQuery,
    Take,
    Vector,
)
from memory.engines.redis.engine import RedisEngine
from memory.errors import Misconfigured, StoreUnavailable
from tests.contract.examples import HOSTILE, TENANT, a_memory, a_record, a_vector
from tests.contract.examples import given as stored
from tests.contract.stores import SPEC
from tests.support.redis_server import RedisServer

OTHER = EmbeddingSpec(name="other", dimension=4)
ALL = Filter(tenant=TENANT, current=False)


async def embed(texts: Sequence[str]) -> list[Vector]:
    return [a_vector(text, OTHER.dimension) for text in texts]


def untold(done: int, total: int) -> None:
    """For a reindexing whose progress nobody watches."""


async def keys(bare: redis.asyncio.Redis, prefix: str) -> set[str]:
    return {key.decode() async for key in bare.scan_iter(f"{prefix}*")}


async def test_two_prefixes_are_two_stores_of_any_embedders(redis_url: str, redis_prefix: str) -> None:
    first = RedisEngine(redis_url, prefix=f"{redis_prefix}-a", embedding=SPEC)
    second = RedisEngine(redis_url, prefix=f"{redis_prefix}-ab", embedding=OTHER)
    async with first, second:
        await stored(first, a_record(1))
        await stored(second, a_record(2, vector=a_vector("v", OTHER.dimension)))
        for engine, id, spec in ((first, 1, SPEC), (second, 2, OTHER)):
            query = SearchQuery(text="tea", vector=a_vector("q", spec.dimension), facts=5)
            assert [hit.id for hit in await engine.memories.search(ALL, query)] == [id]
        await first.jobs.enqueue(Enqueue(kind="k", tenant=TENANT, payload=b""))
        assert await second.jobs.lease("w") == []


async def test_engines_that_start_together_agree_on_one_store(redis_url: str, redis_prefix: str) -> None:
    engines = [RedisEngine(redis_url, prefix=redis_prefix, embedding=SPEC) for _ in range(10)]
    await asyncio.gather(*(engine.__aenter__() for engine in engines))
    try:
        await asyncio.gather(*(engine.memories.insert([a_record(id)]) for id, engine in enumerate(engines)))
        assert (await engines[0].memories.list(ALL)).total == 10
    finally:
        await asyncio.gather(*(engine.__aexit__(None, None, None) for engine in engines))


async def test_every_key_begins_with_the_prefix(private_redis_server: RedisServer) -> None:
    async with RedisEngine(private_redis_server.url, prefix="mine", embedding=SPEC) as engine:
        for name in HOSTILE:
            await stored(engine, a_record(1, tenant=name, namespace=name, user_id=name, run_id=name, seq=1))
            await engine.commit(
                [
                    PutDocument(kind=name, tenant=name, key=name, value=b"", indexes={name: name}, ttl_seconds=9),
                    AddCounter(tenant=name, name=name),
                    Enqueue(kind=name, tenant=name, payload=b"", dedupe=name, order=name),
                    Append(tenant=name, stream=name, entry=b""),
                ]
            )
            await engine.counters.take([Take(tenant=name, name=name, limit=1, window_seconds=60)])
        await engine.ping()
    async with redis.asyncio.Redis.from_url(private_redis_server.url) as bare:
        assert {key.partition(":")[0] for key in await keys(bare, "")} == {"mine"}


async def test_memories_do_not_expire_and_leave_nothing_when_erased(
    engine: RedisEngine, redis_prefix: str, bare: redis.asyncio.Redis
) -> None:
    empty = await keys(bare, redis_prefix)
    await stored(engine, *(a_record(id, user_id="ann", run_id="r", seq=id) for id in range(3)))
    await engine.memories.touch(TENANT, [0, 1], now=1)
    for key in await keys(bare, redis_prefix):
        assert await bare.ttl(key) == -1 or key.endswith(":ping")
    assert await engine.memories.erase(TENANT) == 3
    assert await keys(bare, redis_prefix) == empty


async def test_a_finished_job_leaves_its_status_and_its_dedupe_key_for_a_while(
    engine: RedisEngine, redis_prefix: str, bare: redis.asyncio.Redis
) -> None:
    await engine.jobs.enqueue(Enqueue(kind="k", tenant=TENANT, payload=b"secret", dedupe="d", order="o"))
    (job,) = await engine.jobs.lease("w")
    await engine.jobs.done("w", job)
    left = {key for key in await keys(bare, f"{redis_prefix}:{{jobs}}:") if not key.endswith(":ready")}
    assert len(left) == 2
    for key in left:
        assert 0 < await bare.ttl(key) <= 3600
    assert b"payload" not in await bare.hgetall(engine._keys.job(job.id))
    assert await bare.xlen(f"{redis_prefix}:{{jobs}}:ready") == 0


async def test_a_dead_job_ends_after_seven_days(engine: RedisEngine, bare: redis.asyncio.Redis) -> None:
    await engine.jobs.enqueue(Enqueue(kind="k", tenant=TENANT, payload=b"p"))
    (job,) = await engine.jobs.lease("w")
    await engine.jobs.bury("w", job, error="e")
    assert 7 * 24 * 3600 - 60 < await bare.ttl(engine._keys.job(job.id)) <= 7 * 24 * 3600
    assert await bare.hget(engine._keys.job(job.id), "payload") == b"p"


async def test_a_store_of_a_later_version_is_refused(
    redis_url: str, redis_prefix: str, bare: redis.asyncio.Redis
) -> None:
    async with RedisEngine(redis_url, prefix=redis_prefix, embedding=SPEC):
        await bare.hset(f"{redis_prefix}:meta", "schema", "999")
    with pytest.raises(Misconfigured, match="later version"):
        async with RedisEngine(redis_url, prefix=redis_prefix, embedding=SPEC):
            pass


async def test_a_wrong_password_is_told_on_entering(redis_url: str, redis_prefix: str) -> None:
    url = redis_url.replace("redis://", "redis://nobody:wrong@", 1)
    with pytest.raises(Misconfigured, match="password") as refusal:
        async with RedisEngine(url, prefix=redis_prefix, embedding=SPEC):
            pass
    assert "wrong@" not in str(refusal.value)


async def test_another_database_than_the_first_is_refused(redis_url: str, redis_prefix: str) -> None:
    with pytest.raises(Misconfigured, match="database 0"):
        async with RedisEngine(redis_url.rsplit("/", 1)[0] + "/1", prefix=redis_prefix, embedding=SPEC):
            pass


async def test_a_reindexed_store_takes_no_writes_of_the_old_embedder(
    engine: RedisEngine, redis_url: str, redis_prefix: str, bare: redis.asyncio.Redis
) -> None:
    await stored(engine, a_record(1))
    async with RedisEngine(redis_url, prefix=redis_prefix, embedding=OTHER, reindexing=True) as new:
        await new.reindex(embed, untold)
        with pytest.raises(StoreUnavailable):
            await engine.memories.insert([a_record(2)])
        with pytest.raises(StoreUnavailable, match="remora reindex"):
            await engine.memories.search(ALL, SearchQuery(text="tea"))
        hits = await new.memories.search(ALL, SearchQuery(vector=a_vector("likes tea", 4)))
        assert {hit.id: hit.dense for hit in hits} == pytest.approx({1: 1.0}, abs=1e-5)
        names = [name.decode() for name in await bare.execute_command("FT._LIST")]
        assert [name for name in names if name.startswith(redis_prefix)] == [f"{redis_prefix}:index:2"]
        assert await bare.hexists(engine._keys.memory(TENANT, 1), "vector_1") is False


async def test_what_changes_while_a_reindexing_runs_gets_the_vector_of_its_last_content(
    engine: RedisEngine, redis_url: str, redis_prefix: str
) -> None:
    await stored(engine, a_record(1, "old words"))
    changed = False

    async def meanwhile(texts: Sequence[str]) -> list[Vector]:
        nonlocal changed
        vectors = await embed(texts)
        if not changed:
            changed = True
            await engine.memories.replace(a_memory(1, "new words", version=2), expected=1, vector=a_vector("new"))
            await stored(engine, a_record(2, "added"))
        return vectors

    async with RedisEngine(redis_url, prefix=redis_prefix, embedding=OTHER, reindexing=True) as new:
        await new.reindex(meanwhile, untold)
        for content, id in (("new words", 1), ("added", 2)):
            hits = await new.memories.search(ALL, SearchQuery(vector=a_vector(content, 4), limit=1))
            assert {hit.id: hit.dense for hit in hits} == pytest.approx({id: 1.0}, abs=1e-5)

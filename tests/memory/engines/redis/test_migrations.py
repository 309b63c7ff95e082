"""Stores of other versions: brought forward once, by whoever comes first, or refused."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from memory.engines.base import Enqueue, Filter, SearchQuery
from memory.engines.redis.client import Client
from memory.engines.redis.engine import RedisEngine
from memory.engines.redis.keys import Keys
from memory.engines.redis.migrations import VERSION, Step, bring_forward
from memory.errors import Misconfigured, StoreUnavailable
from tests.contract.examples import TENANT, a_memory, a_record, a_vector
from tests.contract.examples import given as stored
from tests.contract.stores import SPEC

LATEST = VERSION + 2


@pytest.fixture
def keys(redis_prefix: str) -> Keys:
    return Keys(redis_prefix)


@pytest.fixture
def another(redis_url: str, redis_prefix: str) -> RedisEngine:
    """Another process's engine, not yet entered."""
    return RedisEngine(redis_url, prefix=redis_prefix, embedding=SPEC)


@pytest.fixture
async def clients(redis_url: str, keys: Keys) -> AsyncIterator[list[Client]]:
    """Of two processes that know two steps more than this Remora."""
    both = [Client(redis_url, meta=keys.meta, version=LATEST) for _ in range(2)]
    yield both
    for client in both:
        await client.close()


class Steps:
    """Two steps of three batches each, of which one may break off."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.breaks_at: str | None = None

    def __call__(self) -> list[Step]:
        return [*[self._step("known")] * (VERSION - 1), self._step("a"), self._step("b")]

    def _step(self, name: str) -> Step:
        async def step(client: Client, keys: Keys) -> AsyncIterator[None]:
            for batch in range(3):
                self.taken.append(f"{name}{batch}")
                await asyncio.sleep(0.01)
                if self.breaks_at == f"{name}{batch}":
                    raise InterruptedError
                yield

        return step


ALL_STEPS = ["a0", "a1", "a2", "b0", "b1", "b2"]


async def of_version_1(engine: RedisEngine, bare: redis.asyncio.Redis, keys: Keys) -> None:
    """A store as version 1 wrote it: three jobs, of which one was leased, and a memory."""
    await stored(engine, a_record(1, vector=a_vector("v")))
    for n in range(3):
        await engine.jobs.enqueue(Enqueue(kind="k", tenant=TENANT, payload=b"%d" % n))
    leased = await engine.jobs.lease("w")
    async for key in bare.scan_iter(f"{keys.job('')}*"):
        if not key.endswith(leased[0].id.encode()):
            await bare.hdel(key, "entry")
    await bare.hset(keys.meta, "schema", "1")


async def places(bare: redis.asyncio.Redis, keys: Keys) -> set[bytes | str | None]:
    """The entries of the stream of jobs."""
    entries = await bare.execute_command("XRANGE", f"{keys.jobs}ready", "-", "+")
    return {place for place, _ in entries}


async def test_a_store_of_version_1_is_brought_forward_and_all_of_it_is_found(
    engine: RedisEngine, another: RedisEngine, bare: redis.asyncio.Redis, keys: Keys
) -> None:
    await of_version_1(engine, bare, keys)
    async with another:
        assert await bare.hget(keys.meta, "schema") == b"%d" % VERSION
        assert await another.memories.get(TENANT, [1]) == [a_memory(1)]
        query = SearchQuery(text="tea", vector=a_vector("v"))
        assert [hit.id for hit in await another.memories.search(Filter(tenant=TENANT), query)] == [1]
        jobs = [job async for job in bare.scan_iter(f"{keys.job('')}*")]
        assert {await bare.hget(job, "entry") for job in jobs} == await places(bare, keys)
        assert len(await another.jobs.lease("w", limit=5)) == 2


async def test_jobs_of_version_1_leave_the_stream_when_their_tenant_is_erased(
    engine: RedisEngine, another: RedisEngine, bare: redis.asyncio.Redis, keys: Keys
) -> None:
    async def untold(share: float) -> None:
        pass

    await of_version_1(engine, bare, keys)
    async with another:
        await another.erase(TENANT, untold)
    assert await bare.xlen(f"{keys.jobs}ready") == 0


async def test_an_open_engine_brings_forward_what_it_finds_outdated(
    engine: RedisEngine, bare: redis.asyncio.Redis, keys: Keys
) -> None:
    """As one does that was entered while Redis was down."""
    await of_version_1(engine, bare, keys)
    assert await engine.counters.add(TENANT, {"n": 1}) == {"n": 1}
    assert await bare.hget(keys.meta, "schema") == b"%d" % VERSION


async def test_a_new_store_is_of_the_latest_version(engine: RedisEngine, bare: redis.asyncio.Redis, keys: Keys) -> None:
    assert await bare.hget(keys.meta, "schema") == b"%d" % VERSION
    assert not await bare.hexists(keys.meta, "stepping")


async def test_each_step_is_taken_once_by_whoever_comes_first(
    engine: RedisEngine, clients: list[Client], keys: Keys, bare: redis.asyncio.Redis
) -> None:
    steps = Steps()
    await asyncio.gather(*(bring_forward(client, keys, steps()) for client in clients * 3))
    assert steps.taken == ALL_STEPS
    assert await bare.hget(keys.meta, "schema") == b"%d" % LATEST
    assert not await bare.exists(keys.lock)


@pytest.mark.parametrize("place", ALL_STEPS)
async def test_an_interrupted_step_is_taken_again_and_those_before_it_are_not(
    engine: RedisEngine, clients: list[Client], keys: Keys, place: str
) -> None:
    steps = Steps()
    steps.breaks_at = place
    with pytest.raises(InterruptedError):
        await bring_forward(clients[0], keys, steps())
    assert steps.taken[-1] == place
    steps.taken, steps.breaks_at = [], None
    await bring_forward(clients[1], keys, steps())
    assert steps.taken == (ALL_STEPS if place[0] == "a" else ALL_STEPS[3:])


async def test_a_store_half_brought_forward_is_written_by_nobody(
    engine: RedisEngine, clients: list[Client], keys: Keys
) -> None:
    steps = Steps()
    steps.breaks_at = "a1"
    with pytest.raises(InterruptedError):
        await bring_forward(clients[0], keys, steps())
    with pytest.raises(StoreUnavailable, match="update this one"):
        await engine.counters.add(TENANT, {"n": 1})
    with pytest.raises(StoreUnavailable, match="earlier version"):
        await clients[0].run("add", keys.counters(TENANT), 1, "n", 1)
    assert await engine.counters.values(TENANT, ["n"]) == {"n": 0}


async def test_a_lock_held_by_another_is_waited_for_and_then_told(
    engine: RedisEngine, clients: list[Client], keys: Keys, bare: redis.asyncio.Redis
) -> None:
    await bare.set(keys.lock, "another's", px=60_000)
    steps = Steps()
    with pytest.raises(StoreUnavailable, match="another process"):
        await bring_forward(clients[0], keys, steps(), patience=0.2)
    assert steps.taken == []
    assert await bare.get(keys.lock) == b"another's"


async def test_who_lost_the_lock_stops_and_leaves_it_to_its_new_holder(
    engine: RedisEngine, clients: list[Client], keys: Keys, bare: redis.asyncio.Redis
) -> None:
    async def robbed(client: Client, keys: Keys) -> AsyncIterator[None]:
        await bare.set(keys.lock, "another's")
        yield
        raise AssertionError("it went on")

    with pytest.raises(StoreUnavailable, match="taken over"):
        await bring_forward(clients[0], keys, [robbed] * (LATEST - 1))
    assert await bare.get(keys.lock) == b"another's"


async def test_a_running_process_of_an_earlier_version_writes_nothing_more(
    engine: RedisEngine, another: RedisEngine, bare: redis.asyncio.Redis, keys: Keys
) -> None:
    await bare.hset(keys.meta, "schema", VERSION + 1)
    for call in (
        engine.memories.insert([a_record(1)]),
        engine.counters.add(TENANT, {"n": 1}),
        engine.jobs.enqueue(Enqueue(kind="k", tenant=TENANT, payload=b"p")),
        engine.jobs.lease("w"),
        engine.commit([Enqueue(kind="k", tenant=TENANT, payload=b"p")]),
    ):
        with pytest.raises(StoreUnavailable, match="update this one"):
            await call
    with pytest.raises(Misconfigured, match="update Remora"):
        async with another:
            pass

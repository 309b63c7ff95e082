"""Scanning memories: everything that matches, once, by rising id, however the ids lie."""

import random

import pytest

from memory.engines.base import Engine, Filter
from memory.ids import LARGEST
from tests.contract.examples import TENANT, a_record
from tests.contract.examples import given as stored

ALL = Filter(tenant=TENANT, current=False)

EDGES = [0, 1, 2, LARGEST - 1, LARGEST]
DENSE = list(range(7_000_000_000_000, 7_000_000_001_300))
SPARSE = [index * 9_000_000_000_000 for index in range(10, 700)]


async def scanned(engine: Engine, where: Filter = ALL, *, after: int | None = None) -> list[int]:
    return [memory.id async for batch in engine.memories.scan(where, after=after) for memory in batch]


@pytest.mark.parametrize("ids", [[], [5], EDGES, DENSE, SPARSE, EDGES + DENSE + SPARSE], ids=len)
async def test_all_come_once_by_rising_id_however_they_lie(engine: Engine, ids: list[int]) -> None:
    shuffled = random.Random(1).sample(ids, len(ids))
    await stored(engine, *(a_record(id) for id in shuffled))
    assert await scanned(engine) == sorted(ids)


async def test_a_scan_goes_on_after_any_id_be_there_one_or_not(engine: Engine) -> None:
    await stored(engine, *(a_record(id) for id in (0, 1, 10, LARGEST)))
    assert await scanned(engine, after=0) == [1, 10, LARGEST]
    assert await scanned(engine, after=5) == [10, LARGEST]
    assert await scanned(engine, after=LARGEST) == []


async def test_a_scan_sees_what_its_filter_sees_and_no_other_tenant(engine: Engine) -> None:
    await stored(
        engine,
        a_record(1, user_id="ada"),
        a_record(2, namespace="other", user_id="ada"),
        a_record(3, state="archived", superseded_by=1, user_id="ada"),
        a_record(4, state="deleted", user_id="ada"),
        a_record(5),
    )
    await stored(engine, a_record(6, tenant="another", user_id="ada"))
    assert await scanned(engine, Filter(tenant=TENANT, user_id="ada")) == [1, 2]
    assert await scanned(engine, Filter(tenant=TENANT, current=False, states=("active", "archived"))) == [1, 2, 3, 5]
    assert await scanned(engine, Filter(tenant=TENANT, namespaces=("other",))) == [2]
    assert await scanned(engine, Filter(tenant=TENANT, namespaces=())) == []


async def test_what_is_written_meanwhile_hides_nothing_and_doubles_nothing(engine: Engine) -> None:
    await stored(engine, *(a_record(id) for id in range(1000, 3000)))
    seen: list[int] = []
    async for batch in engine.memories.scan(ALL):
        seen += [memory.id for memory in batch]
        if len(seen) < 2000:
            await stored(engine, a_record(len(seen) // 10), a_record(6000 + len(seen)))
            await engine.memories.delete(TENANT, [seen[0]])
    assert len(seen) == len(set(seen))
    assert set(seen) >= set(range(1000, 3000))
    assert max(seen) > 6000

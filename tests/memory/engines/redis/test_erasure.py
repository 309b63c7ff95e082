"""What an erased tenant leaves among the keys, which is nothing."""

import redis.asyncio

from memory.engines.base import PutDocument
from memory.engines.redis.engine import RedisEngine
from tests.contract.stores import SPEC
from tests.contract.tenants import Tenant


async def untold(share: float) -> None:
    """For an erasure whose progress nobody watches."""


async def keys(bare: redis.asyncio.Redis, prefix: str) -> set[bytes]:
    return {key async for key in bare.scan_iter(f"{prefix}*") if not key.endswith(b":ready")}


async def test_no_key_of_an_erased_tenant_is_left(
    engine: RedisEngine, bare: redis.asyncio.Redis, redis_prefix: str
) -> None:
    await Tenant(engine, "kept").fill()
    before = await keys(bare, redis_prefix)
    await Tenant(engine, "erased").fill()
    assert await keys(bare, redis_prefix) > before
    await engine.erase("erased", untold)
    assert await keys(bare, redis_prefix) == before
    assert await bare.xlen(f"{redis_prefix}:{{jobs}}:ready") == 1


async def test_a_prefix_with_the_signs_of_a_pattern_is_taken_as_it_is(redis_url: str, redis_prefix: str) -> None:
    odd = RedisEngine(redis_url, prefix=f"{redis_prefix}-[a]?*\\", embedding=SPEC)
    plain = RedisEngine(redis_url, prefix=f"{redis_prefix}-axyz\\", embedding=SPEC)
    async with odd, plain:
        for engine in (odd, plain):
            await engine.documents.create(PutDocument(kind="k", tenant="t", key="k", value=b"v"))
        await odd.erase("t", untold)
        assert await odd.documents.get("k", "t", "k") is None
        assert await plain.documents.get("k", "t", "k") is not None

"""Erasing all that is a tenant's, in batches between which Redis answers others.

Memories are found by the index and jobs by their records; all other keys by their names, which no registry lists.
"""

from collections.abc import Awaitable, Callable

from memory.engines.redis.client import Client
from memory.engines.redis.keys import Keys, literal
from memory.engines.redis.memories import RedisMemories
from memory.engines.redis.scan import scan


async def erase(
    client: Client, keys: Keys, memories: RedisMemories, tenant: str, progress: Callable[[float], Awaitable[None]]
) -> None:
    """As `Engine.erase`."""
    async for names in scan(client, f"{literal(keys.job(''))}*"):  # first, so that no more is learnt
        ids = [name.rpartition(b":")[2] for name in names]
        await client.run("erase_jobs", keys.jobs, tenant, len(ids), *ids)
    erased = 0
    async for gone, left in memories.erasing(tenant):
        erased += gone
        await progress(erased / (erased + left + 1))
    mine = tuple(beginning.encode() for beginning in keys.beginnings(tenant))
    async for names in scan(client, keys.all_of(tenant)):
        # Others' keys may hold such a name within.
        if found := [name for name in names if name.startswith(mine)]:
            await client.one("UNLINK", *found)
    await progress(1.0)

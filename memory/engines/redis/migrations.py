"""Bringing forward a store that an earlier version of Remora made.

A step raises the store's version before it begins, so that processes of earlier versions that are still running write
nothing more (store.lua) which it would miss.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from memory.engines.redis.client import Client
from memory.engines.redis.keys import Keys
from memory.errors import StoreUnavailable

LOCK_MS = 30_000
PATIENCE_SECONDS = 5.0
POLL_SECONDS = 0.05
AT_ONCE = 500

Step = Callable[[Client, Keys], AsyncIterator[None]]
"""Yields between its batches. It may end at any of them, and is then run again from its beginning."""


async def _tell_jobs_their_places(client: Client, keys: Keys) -> AsyncIterator[None]:
    """A job knows its entry in the stream from when it is there, not only from its first lease."""
    after = "-"
    while entries := await client.one("XRANGE", f"{keys.jobs}ready", after, "+", "COUNT", AT_ONCE):
        places = [argument for place, fields in entries for argument in (fields[1], place)]
        await client.run("tell_places", keys.jobs, len(entries), *places)
        after = f"({entries[-1][0].decode()}"
        yield


async def _begin_journals(_client: Client, _keys: Keys) -> AsyncIterator[None]:
    """Journals begin by themselves; but processes of earlier versions, which keep none, write no more from here on."""
    for _ in ():
        yield


STEPS: Sequence[Step] = (_tell_jobs_their_places, _begin_journals)
"""The step at place n brings a store of version n + 1 to version n + 2."""

VERSION = 1 + len(STEPS)
"""Of the layout of keys and fields."""


async def bring_forward(
    client: Client, keys: Keys, steps: Sequence[Step] = STEPS, *, patience: float = PATIENCE_SECONDS
) -> None:
    """Take the steps still to be taken, one process at a time.

    Raises StoreUnavailable where another process is at it for more than `patience` seconds.
    """
    async with _lock(client, keys, patience) as mine:
        while version := await client.run("begin_step", keys.meta, 1 + len(steps)):
            async for _ in steps[version - 1](client, keys):
                if not await client.run("hold", keys.lock, mine, LOCK_MS):
                    raise StoreUnavailable("another process has taken over bringing the store forward")
            await client.run("end_step", keys.meta)


@asynccontextmanager
async def _lock(client: Client, keys: Keys, patience: float) -> AsyncIterator[str]:
    """A process that dies leaves it to the others after LOCK_MS."""
    mine = secrets.token_hex(8)
    until = time.monotonic() + patience
    while not await client.one("SET", keys.lock, mine, "NX", "PX", LOCK_MS):
        if time.monotonic() > until:
            raise StoreUnavailable("another process is bringing the store forward to this version of Remora")
        await asyncio.sleep(POLL_SECONDS)
    try:
        yield mine
    finally:
        with contextlib.suppress(StoreUnavailable):
            await client.run("unlock", keys.lock, mine)

"""A process that writes to a store, says so, and waits to be killed. Its arguments: path, URL, prefix."""

import asyncio
import sys
from pathlib import Path

from memory.engines.base import AddCounter, Append, Enqueue, PutDocument, Take
from tests.contract.examples import TENANT, a_record
from tests.contract.stores import Store

WINDOW = Take(tenant=TENANT, name="calls", limit=10, window_seconds=10**9, amount=3)


async def main(path: str, url: str, prefix: str) -> None:
    store = Store(path=Path(path) if path else None, url=url or None, prefix=prefix)
    async with store.engine(lease_seconds=0.3) as engine:
        for id in range(20):
            await engine.memories.insert([a_record(id)])
        await engine.commit(
            [
                PutDocument(kind="receipt", tenant=TENANT, key="k", value=b"v"),
                AddCounter(tenant=TENANT, name="n", amount=3),
                Enqueue(kind="learn", tenant=TENANT, payload=b"committed"),
                Append(tenant=TENANT, stream="s", entry=b"e"),
            ]
        )
        await engine.jobs.enqueue(Enqueue(kind="learn", tenant=TENANT, payload=b"enqueued"))
        await engine.jobs.lease("doomed")
        await engine.counters.take([WINDOW])
        sys.stdout.write("written\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""What was acknowledged outlives kill -9 of the process that wrote it."""

import asyncio
import sys

from msgspec import structs

from memory.engines.base import Filter
from tests.contract.doomed import WINDOW
from tests.contract.examples import TENANT, everything
from tests.contract.stores import Store


async def test_what_a_killed_process_was_told_is_stored_is_there(lasting_store: Store) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.contract.doomed",
        str(lasting_store.path or ""),
        lasting_store.url or "",
        lasting_store.prefix,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"written\n"
    finally:
        process.kill()
        await process.communicate()

    async with lasting_store.engine(lease_seconds=0.3) as engine:
        assert await everything(engine, Filter(tenant=TENANT)) == set(range(20))
        assert (await engine.memories.usage(TENANT)).memories == 20
        assert await engine.documents.get("receipt", TENANT, "k") is not None
        assert await engine.counters.values(TENANT, ["n"]) == {"n": 3}
        assert len(await engine.log.read(TENANT, "s")) == 1
        [window] = await engine.counters.take([structs.replace(WINDOW, amount=0)])
        assert window.remaining == 7
        attempts: dict[bytes, int] = {}
        while len(attempts) < 2:
            for job in await engine.jobs.lease("survivor", limit=2, wait_seconds=10):
                attempts[job.payload] = job.attempt
                assert await engine.jobs.done("survivor", job)
        assert sum(attempts.values()) == 3
        assert attempts.keys() == {b"committed", b"enqueued"}

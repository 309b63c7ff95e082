"""What an open stream takes while nothing comes: many are opened at once on a server that has only served a few."""

import asyncio
from pathlib import Path

import uvloop

from tests.bench import streams
from tests.bench.contenders import Running
from tests.bench.load import LoadFailedError
from tests.bench.servers import Server, running
from tests.bench.upstream import FAST, IDLE

WARM = 150
"""Streams before, one by one: every user's, so that what is held of their memories is there already."""
SETTLE_SECONDS = 1.0
"""Until what was put off at the first event is done too."""


def measure(contender: Running, upstream: Server, folder: Path, count: int) -> dict[str, float]:
    """`each`: bytes of resident memory per stream, of a fresh process with the contender's memory. Raises
    LoadFailedError where a stream is refused."""
    if contender.contender.role == "relay":
        fresh = running("tests.bench.relay", f"{upstream.url}/v1", folder=folder)
    else:
        fresh = running("proxy.cli", "serve", folder=folder, settings=contender.settings)
    with fresh as server:
        task = streams.Task(
            url=f"{server.url}/v1/chat/completions",
            users=contender.contender.users,
            headers=contender.headers,
            at_once=count,
            turns=1,
            first_question=0,
        )
        return {"each": uvloop.run(_growth(server, task)) / count}


async def _growth(server: Server, task: streams.Task) -> int:
    for request in streams.requests(task, FAST)[:WARM]:
        client = await streams.connected(task.url)
        await client.ask(request)
        client.close()
    before = server.resident_bytes()
    clients = []
    try:
        for request in streams.requests(task, IDLE):
            clients.append(client := await streams.connected(task.url))
            answer = client.ask(request)
            await client.began.wait()
            if answer.done():
                raise LoadFailedError(f"a stream ended that should be open: {answer.exception() or answer.result()}")
        await asyncio.sleep(SETTLE_SECONDS)
        return server.resident_bytes() - before
    finally:
        for client in clients:
            client.close()

"""Erasing a namespace's memories with all that was kept about them."""

import msgspec

from memory.engines.base import Engine, Filter
from memory.model import Memory
from memory.service.keys import forgotten_stream, history_stream, session_counter

_BATCH = 500


class Forgotten(msgspec.Struct, frozen=True):
    """What outlives a deleted memory: its history, and its session's counter."""

    id: int
    counter: str | None


def forgotten(memory: Memory) -> Forgotten:
    return Forgotten(memory.id, None if memory.run_id is None else session_counter(memory))


_decode = msgspec.json.Decoder(Forgotten).decode


async def erase_namespace(engine: Engine, tenant: str, namespace: str) -> None:
    """Erases memories, histories and session counters, in batches. Interrupted, it can be run again."""
    where = Filter(tenant=tenant, namespaces=(namespace,), current=False)
    while page := (await engine.memories.list(where, limit=_BATCH)).memories:
        await _erase_traces(engine, tenant, [forgotten(memory) for memory in page])
        await engine.memories.delete(tenant, [memory.id for memory in page])
    await engine.memories.erase(tenant, namespace)
    stream, after = forgotten_stream(namespace), None
    while entries := await engine.log.read(tenant, stream, after=after, limit=_BATCH):
        await _erase_traces(engine, tenant, [_decode(entry.entry) for entry in entries])
        after = entries[-1].id
    await engine.log.erase(tenant, [stream])


async def _erase_traces(engine: Engine, tenant: str, traces: list[Forgotten]) -> None:
    await engine.log.erase(tenant, [history_stream(trace.id) for trace in traces])
    if counters := sorted({trace.counter for trace in traces if trace.counter is not None}):
        await engine.counters.reset(tenant, counters)

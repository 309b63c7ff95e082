"""Erasing memories with all that was kept about them."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from memory.engines.base import Append, Engine, Filter
from memory.model import Memory
from memory.service.keys import LESSON, forgotten_stream, history_stream, lesson_index, session_counter

_PAGE = 500
_AT_ONCE = 10
"""How many memories one write deletes: an engine does nothing else meanwhile ([M] up to half a millisecond each)."""


class Forgotten(msgspec.Struct, frozen=True):
    """What outlives a deleted memory, or one that there was no room for: its history, and its session's counter."""

    id: int
    counter: str | None


def forgotten(memory: Memory) -> Forgotten:
    return Forgotten(memory.id, None if memory.run_id is None else session_counter(memory))


def trace(memory: Memory) -> Append:
    """By which erasing its namespace finds what outlives it."""
    return Append(
        tenant=memory.tenant,
        stream=forgotten_stream(memory.namespace),
        entry=msgspec.json.encode(forgotten(memory)),
    )


_decode = msgspec.json.Decoder(Forgotten).decode


async def erase_namespace(
    engine: Engine, tenant: str, namespace: str, *, unless: Callable[[], Awaitable[bool]] | None = None
) -> None:
    """Erases memories, histories, session counters and planned lessons, in batches. Interrupted, it can be run again.

    It stops where `unless` is true, which is asked whenever a batch was read and before it is erased.
    """
    where = Filter(tenant=tenant, namespaces=(namespace,), current=False)
    while page := (await engine.memories.list(where, limit=_PAGE)).memories:
        if unless is not None and await unless():
            return
        await erase_memories(engine, tenant, page)
    if unless is None:
        await engine.memories.erase(tenant, namespace)  # what an index under construction does not list yet
    await erase_traces(engine, tenant, namespace, unless=unless)


async def erase_traces(
    engine: Engine, tenant: str, namespace: str, *, unless: Callable[[], Awaitable[bool]] | None = None
) -> None:
    """As `erase_namespace`, of one that holds no memories: what outlived those it held, and planned lessons."""
    stream, after = forgotten_stream(namespace), None
    while entries := await engine.log.read(tenant, stream, after=after, limit=_PAGE):
        if unless is not None and await unless():
            return
        await _erase_what_outlives(engine, tenant, [_decode(entry.entry) for entry in entries])
        after = entries[-1].id
    if after is not None:
        await engine.log.erase(tenant, [stream])
    while lessons := (await engine.documents.list(LESSON, tenant, index=lesson_index(namespace), limit=_PAGE))[0]:
        for lesson in lessons:
            await engine.documents.delete(LESSON, tenant, lesson.key)


async def erase_memories(engine: Engine, tenant: str, memories: Sequence[Memory]) -> None:
    """With their histories and their sessions' counters: for sessions that go with them."""
    await _erase_what_outlives(engine, tenant, [forgotten(memory) for memory in memories])
    await _delete(engine, tenant, memories)


async def erase_old_memories(
    engine: Engine, tenant: str, memories: Sequence[Memory], log: Sequence[Append] = ()
) -> None:
    """With their histories; the counter of a session goes with the last of its turns. `log` goes with the first of
    `memories`, in one transaction."""
    await engine.log.erase(tenant, [history_stream(memory.id) for memory in memories])
    await _delete(engine, tenant, memories, log)
    sessions = {session_counter(memory): memory for memory in memories if memory.run_id is not None}
    for counter, memory in sessions.items():
        turns = Filter(
            tenant=tenant,
            namespaces=(memory.namespace,),
            owners=(memory.owner,),
            run_id=memory.run_id,
            current=False,
        )
        if not (await engine.memories.list(turns, limit=0)).total:
            await engine.counters.reset(tenant, [counter])


async def _delete(engine: Engine, tenant: str, memories: Sequence[Memory], log: Sequence[Append] = ()) -> None:
    for first in range(0, len(memories), _AT_ONCE):
        some = [memory.id for memory in memories[first : first + _AT_ONCE]]
        await engine.memories.delete(tenant, some, log if first == 0 else ())


async def _erase_what_outlives(engine: Engine, tenant: str, traces: list[Forgotten]) -> None:
    await engine.log.erase(tenant, [history_stream(trace.id) for trace in traces])
    if counters := sorted({trace.counter for trace in traces if trace.counter is not None}):
        await engine.counters.reset(tenant, counters)

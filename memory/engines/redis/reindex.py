"""Embedding every memory anew, beside the vectors that are there, until all can be exchanged at once.

Searches go on as before meanwhile, and what an interrupted run has stored is kept for the next one. From the exchange
on, writes of engines of the old embedder are refused (memories.lua), so the pass after it finds the last of theirs.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from memory.engines.base import Vector
from memory.engines.redis.client import Client
from memory.engines.redis.codec import decode_memory, encode_vector
from memory.engines.redis.journal import journaled
from memory.engines.redis.keys import Keys, literal, member
from memory.engines.redis.scan import scan
from memory.engines.redis.schema import Schema, vector_field

BATCH = 50
"""How many memories at a time: each changes two indexes, in which Redis does nothing else."""

Embed = Callable[[Sequence[str]], Awaitable[list[Vector]]]


async def reindex(
    client: Client, keys: Keys, schema: Schema, embed: Embed, progress: Callable[[int, int], None]
) -> int:
    """How many memories the store has then, all with a vector of the schema's embedder. See `Engine.reindex`."""
    mine = schema.embedding
    new = int(await client.run("begin_reindex", keys.meta, mine.name, mine.dimension))
    await schema.create(new)
    await schema.wait(new)
    total: int = (await client.one("FT.SEARCH", keys.index(new), "*", "LIMIT", 0, 0, "DIALECT", 2))[0]
    done = 0
    async for stored in _embedded_anew(client, keys, embed, vector_field(new)):
        done = min(done + stored, total)
        progress(done, total)
    await client.run("end_reindex", keys.meta, mine.name, mine.dimension, new)
    async for _ in _embedded_anew(client, keys, embed, vector_field(new)):
        pass
    await schema.wait(new)
    await _clean(client, keys, new)
    await schema.prepare()
    return total


async def _embedded_anew(client: Client, keys: Keys, embed: Embed, field: str) -> AsyncIterator[int]:
    """How many have a vector in `field`, batch by batch, until all have."""
    complete = False
    while not complete:
        complete = True
        async for names in _names(client, keys):
            lengths = await client.many([("HSTRLEN", name, field) for name in names])
            missing = [name for name, length in zip(names, lengths, strict=True) if not length]
            if not missing:
                yield len(names)
                continue
            complete = False
            records = await client.many([("HGET", name, "record") for name in missing])
            found = [(n, decode_memory(record, None)) for n, record in zip(missing, records, strict=True) if record]
            vectors = await embed([memory.content for _, memory in found])
            stored = [
                argument
                for (name, memory), vector in zip(found, vectors, strict=True)
                for argument in (
                    *journaled(keys, memory.tenant),
                    name,
                    member(memory.id),
                    memory.version,
                    encode_vector(vector),
                )
            ]
            await client.run("revector", field, len(found), *stored)
            yield len(names)


async def _names(client: Client, keys: Keys) -> AsyncIterator[list[bytes]]:
    """The keys of all memories, some perhaps twice."""
    async for names in scan(client, f"{literal(keys.memories)}*"):
        for at in range(0, len(names), BATCH):
            yield names[at : at + BATCH]


async def _clean(client: Client, keys: Keys, current: int) -> None:
    """Drops the indexes and vectors of earlier generations."""
    for generation in range(1, current):
        names = await client.one("FT._LIST")
        if keys.index(generation).encode() in names:
            await client.one("FT.DROPINDEX", keys.index(generation))
    fields = [vector_field(generation) for generation in range(1, current)]
    async for names in _names(client, keys):
        await client.many([("HDEL", name, *fields) for name in names])

"""Everything a caller may see, to be taken elsewhere."""

from collections.abc import AsyncIterator, Sequence
from itertools import repeat

from memory.caller import Caller
from memory.engines.base import EmbeddingSpec, Engine, Filter, Vector
from memory.model import Memory, State
from memory.service import visible

EXPORTED: tuple[State, ...] = ("active", "paused", "archived")

Batch = Sequence[tuple[Memory, Vector | None]]


class Export:
    def __init__(self, engine: Engine, embedding: EmbeddingSpec) -> None:
        """`embedding`: whose the vectors are."""
        self._memories = engine.memories
        self.embedding = embedding

    async def batches(
        self,
        caller: Caller,
        *,
        namespace: str | None = None,
        user_id: str | None = None,
        after: int | None = None,
        vectors: bool = False,
    ) -> AsyncIterator[Batch]:
        """By rising id, from the one after `after` on; superseded memories too. `vectors`: with their embeddings.

        What is there all the while comes exactly once. What is written meanwhile comes too, if its id is above those
        already given, as a new memory's is; an import's may be below.
        """
        caller.require("read")
        where = Filter(
            tenant=caller.tenant,
            namespaces=None if namespace is None else (namespace,),
            user_id=user_id,
            current=False,
            states=EXPORTED,
        )
        async for memories in self._memories.scan(visible.confined(caller, where), after=after):
            if not vectors:
                yield list(zip(memories, repeat(None), strict=False))
            else:
                found = await self._memories.vectors(caller.tenant, [memory.id for memory in memories])
                yield list(zip(memories, found, strict=True))

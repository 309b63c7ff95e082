"""Finding a memory by id, for one who may see it."""

from collections.abc import Sequence

from memory import ids
from memory.caller import Caller
from memory.engines.base import Memories
from memory.errors import NotFound
from memory.model import Memory


async def find(memories: Memories, caller: Caller, wanted: Sequence[int]) -> list[Memory]:
    """In the order of `wanted`, in one round trip. Raises NotFound for the first that there is not, that is in state
    `deleted` or that lies in a namespace closed to the caller: the three read alike."""
    found = await memories.get(caller.tenant, wanted)
    return [seen(caller, id, memory) for id, memory in zip(wanted, found, strict=True)]


def seen(caller: Caller, id: int, memory: Memory | None) -> Memory:
    if memory is None or memory.state == "deleted" or not caller.sees(memory.namespace):
        raise not_found(id)
    return memory


def not_found(id: int) -> NotFound:
    return NotFound("Memory not found", memory_id=ids.spell(id))

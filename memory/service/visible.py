"""What a caller may see: by id, and in queries."""

from collections.abc import Sequence

from msgspec import structs

from memory import ids
from memory.caller import Caller
from memory.engines.base import Filter, Memories
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


def confined(caller: Caller, where: Filter) -> Filter:
    """`where` inside the caller's tenant and, if its key is restricted, its namespaces."""
    namespaces = where.namespaces
    if caller.namespaces is not None:
        asked = caller.namespaces if namespaces is None else caller.namespaces.intersection(namespaces)
        namespaces = tuple(sorted(asked))
    return structs.replace(where, tenant=caller.tenant, namespaces=namespaces)

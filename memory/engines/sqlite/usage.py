"""What is stored, and whether a limit leaves room for more. The figures are triggers' affair, so that they are right
inside a transaction, too."""

from collections.abc import Sequence

import apsw

from memory.engines.base import Limit, Usage
from memory.model import Memory

_OF_TENANT = "SELECT memories, tokens, bytes FROM totals WHERE tenant = ?"
_OF_NAMESPACE = "SELECT memories, tokens, bytes FROM usage WHERE tenant = ? AND namespace = ?"


def usage(connection: apsw.Connection, tenant: str, namespace: str | None) -> Usage:
    """Of the whole tenant where `namespace` is None."""
    query, values = (_OF_TENANT, (tenant,)) if namespace is None else (_OF_NAMESPACE, (tenant, namespace))
    row = connection.execute(query, values).fetchone()
    return Usage() if row is None else Usage(memories=row[0], tokens=row[1], bytes=row[2])


def has_room(
    connection: apsw.Connection, limits: Sequence[Limit], memory: Memory, *, instead_of: Memory | None = None
) -> bool:
    """Whether `memory` may be written: no figure that it raises would pass its limit."""
    memories, size = _counted(memory)
    if instead_of is not None:
        replaced, replaced_size = _counted(instead_of)
        memories, size = memories - replaced, size - replaced_size
    for limit in limits:
        if limit.namespace not in (None, memory.namespace):
            continue
        held = usage(connection, memory.tenant, limit.namespace)
        if _passes(held.memories, memories, limit.memories) or _passes(held.bytes, size, limit.bytes):
            return False
    return True


def _counted(memory: Memory) -> tuple[int, int]:
    return (0, 0) if memory.state == "deleted" else (1, memory.size)


def _passes(held: int, added: int, limit: int | None) -> bool:
    return limit is not None and added > 0 and held + added > limit

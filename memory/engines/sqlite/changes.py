"""Who wants to know of every change to a memory is told after its commit and before it is acknowledged.

The database itself tells, by triggers of the writing connection, so that no way to write is left out. They are
temporary: no file has them, and whatever else opens it does without.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import apsw
from msgspec import Struct, field

from memory.engines.small import Scope

_TRIGGERS = """
CREATE TEMP TRIGGER told_of_insert AFTER INSERT ON memories BEGIN
    SELECT changed(new.id, new.tenant, new.namespace, new.owner);
END;
CREATE TEMP TRIGGER told_of_update AFTER UPDATE OF record, vector ON memories BEGIN
    SELECT changed(old.id, old.tenant, old.namespace, old.owner);
    SELECT changed(new.id, new.tenant, new.namespace, new.owner);
END;
CREATE TEMP TRIGGER told_of_delete AFTER DELETE ON memories BEGIN
    SELECT changed(old.id, old.tenant, old.namespace, old.owner);
END;
CREATE TEMP TRIGGER told_of_touch AFTER UPDATE OF accessed_at, access_count ON memories BEGIN
    SELECT touched(new.id, new.accessed_at, new.access_count, new.tenant, new.namespace, new.owner);
END;
"""


class Change(Struct):
    """What one transaction did to a scope."""

    ids: set[int] = field(default_factory=set)
    accesses: dict[int, tuple[int, int]] = field(default_factory=dict)
    """When each was accessed last and how often, by id."""


class Changes:
    """For the writing thread."""

    def __init__(self) -> None:
        self._pending: defaultdict[Scope, Change] = defaultdict(Change)
        self.tell: Callable[[dict[Scope, Change]], None] | None = None

    def watch(self, connection: apsw.Connection) -> None:
        connection.create_scalar_function("changed", self._changed, 4)
        connection.create_scalar_function("touched", self._touched, 6)
        connection.execute(_TRIGGERS)

    def committed(self) -> None:
        """What was rolled back before is told, too, which does no harm."""
        if self._pending and self.tell is not None:
            self.tell(self._pending)
        self._pending.clear()

    def _changed(self, *told: Any) -> None:
        id, *scope = told
        self._pending[Scope(*scope)].ids.add(id)

    def _touched(self, *told: Any) -> None:
        id, at, count, *scope = told
        self._pending[Scope(*scope)].accesses[id] = (at, count)

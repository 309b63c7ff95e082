"""The small scopes that a process holds: those used most of late, up to a number of bytes."""

import asyncio
from collections import Counter, OrderedDict
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from memory.engines.small import Scope

T = TypeVar("T")

MOST_MEMORIES = 1000
"""A scope of more is not held: to read all of it is worth [M] some four searches, and 2.4 MB."""

HELD_BYTES = 64_000_000
"""What is held at most, where nothing else is said."""

BIG_SECONDS = 60.0
"""For how long a scope that is too big to be held is taken to be so still."""

_ENTRY_BYTES = 500
"""What an entry takes [M] besides its memories."""


_COUNTED = 10_000
"""After so many looks their counts are halved, so that what was used long ago makes room."""


class Shelf(Generic[T]):
    """Something for each of some scopes, of at most `limit` bytes in all. Where it is full, the one that was used
    longest ago makes room for another that has been wanted more often of late (Einziger and others 2017, TinyLFU):
    were it enough to be wanted, a round through more scopes than fit would load each of them for one search."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[Scope, tuple[T, int]] = OrderedDict()
        self._looks: Counter[Scope] = Counter()
        self._counted = 0
        self._locks: WeakValueDictionary[Scope, asyncio.Lock] = WeakValueDictionary()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def look(self, scope: Scope) -> T | None:
        """As `get`, for a search: what is looked for often is worth its room."""
        self._looks[scope] += 1
        self._counted += 1
        if self._counted >= _COUNTED:
            self._looks = Counter({scope: count // 2 for scope, count in self._looks.items() if count > 1})
            self._counted //= 2
        return self.get(scope)

    def get(self, scope: Scope) -> T | None:
        entry = self._entries.get(scope)
        if entry is None:
            return None
        self._entries.move_to_end(scope)
        return entry[0]

    def has_room_for(self, scope: Scope) -> bool:
        """Whether to load a scope that is not here."""
        if self.bytes < 0.9 * self._limit:
            return True
        oldest = next(iter(self._entries), None)
        return oldest is None or self._looks[scope] > self._looks[oldest]

    def fits(self, size: int) -> bool:
        """Whether so many bytes may be held, if nothing else were."""
        return size + _ENTRY_BYTES <= self._limit

    def put(self, scope: Scope, value: T, size: int) -> None:
        """`size` in bytes; what does not fit is not kept."""
        self.drop(scope)
        if not self.fits(size):
            return
        self._entries[scope] = (value, size + _ENTRY_BYTES)
        self.bytes += size + _ENTRY_BYTES
        while self.bytes > self._limit:
            self.drop(next(iter(self._entries)))

    def drop(self, scope: Scope) -> None:
        entry = self._entries.pop(scope, None)
        if entry is not None:
            self.bytes -= entry[1]

    def drop_all(self, tenant: str | None = None, namespace: str | None = None) -> None:
        """Of a namespace, of a whole tenant, or of all."""
        for scope in list(self._entries):
            if tenant in (None, scope.tenant) and namespace in (None, scope.namespace):
                self.drop(scope)

    def lock(self, scope: Scope) -> asyncio.Lock:
        """Who loads a scope holds it, so that of many who want it one loads; cancelled, he leaves it to the next."""
        return self._locks.setdefault(scope, asyncio.Lock())

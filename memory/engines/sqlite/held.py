"""Small scopes held beside SQLite, in step with what is written.

A commit marks what it changed before any of its writes is acknowledged (changes.py), and the next look reads that anew.
Marks are taken up from the moment on when a scope is about to be read, so that none falls between its reading and its
being held.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any
from weakref import WeakValueDictionary

import apsw
import numpy as np
from msgspec import Struct, field

from memory.engines.base import Filter
from memory.engines.held import BIG_SECONDS, MOST_MEMORIES, Shelf
from memory.engines.small import Item, Scope, Small, scopes_of
from memory.engines.sqlite.changes import Change
from memory.engines.sqlite.database import Database
from memory.engines.sqlite.rows import STORED, from_row
from memory.engines.words import indexed_words, stems
from memory.model import hit_of

_CURRENT = (
    f"SELECT v.embedding, {STORED} FROM memories m JOIN vectors v ON v.change = m.vector "
    "WHERE m.tenant = ? AND m.namespace = ? AND m.owner = ? AND m.current = 1"
)


class _Entry(Struct, weakref=True):
    small: Small | None = None
    """None: it is too big, or about to be read."""
    change: Change = field(default_factory=Change)
    """What was written since it was read."""
    big_until: float = 0.0


class HeldScopes:
    def __init__(self, database: Database, *, limit: int) -> None:
        """`limit` in bytes; 0 holds nothing."""
        self._database = database
        self._limit = limit
        self._shelf: Shelf[_Entry] = Shelf(limit)
        self._mutex = threading.Lock()
        self._marked: WeakValueDictionary[Scope, _Entry] = WeakValueDictionary()
        """What the writing thread marks."""
        if limit > 0:
            database.changes.tell = self._mark

    async def look(self, where: Filter) -> dict[Scope, Small] | None:
        """What `where` chooses from; None where that can't be held."""
        scopes = scopes_of(where) if self._limit > 0 else None
        if scopes is None:
            return None
        found: dict[Scope, Small] = {}
        for scope in scopes:
            entry = self._shelf.look(scope)
            if entry is None and not self._shelf.has_room_for(scope):
                return None
            if not _serves(entry):
                async with self._shelf.lock(scope):
                    entry = self._shelf.get(scope)
                    if not _serves(entry):
                        entry = await self._renewed(scope, entry)
            if entry is None or entry.small is None:
                return None
            found[scope] = self._touched(entry, entry.small)
        return found

    def forget(self, tenant: str | None = None, namespace: str | None = None) -> None:
        """Let go of what is erased (that it is found no more is the marks' affair), or of all."""
        self._shelf.drop_all(tenant, namespace)

    async def _renewed(self, scope: Scope, old: _Entry | None) -> _Entry:
        entry = _Entry()
        with self._mutex:
            self._marked[scope] = entry
            stale = set() if old is None else set(old.change.ids)
        try:
            if old is None or old.small is None:
                small = await self._database.read(_load(scope))
            else:
                items = await self._database.read(_read(scope, stale))
                small = self._touched(old, old.small).changed(stale, items)
        except BaseException:
            self._shelf.drop(scope)  # it is marked no more
            raise
        if small is None or len(small.hits) > MOST_MEMORIES or not self._shelf.fits(small.bytes):
            entry.big_until = monotonic() + BIG_SECONDS
            self._shelf.put(scope, entry, 0)
        else:
            entry.small = small
            self._shelf.put(scope, entry, small.bytes)
        return entry

    def _touched(self, entry: _Entry, small: Small) -> Small:
        """With the accesses since it was read."""
        if entry.change.accesses:
            with self._mutex:
                accesses, entry.change.accesses = entry.change.accesses, {}
            small = entry.small = small.touched(accesses)
        return small

    def _mark(self, written: Mapping[Scope, Change]) -> None:
        """In the writing thread."""
        with self._mutex:
            for scope, change in written.items():
                if (entry := self._marked.get(scope)) is not None:
                    entry.change.ids |= change.ids
                    entry.change.accesses |= change.accesses


def _serves(entry: _Entry | None) -> bool:
    if entry is None:
        return False
    return monotonic() < entry.big_until if entry.small is None else not entry.change.ids


def _load(scope: Scope) -> Callable[[apsw.Connection], Small | None]:
    """All of it; None where it is too big."""

    def read(connection: apsw.Connection) -> Small | None:
        rows = connection.execute(f"{_CURRENT} LIMIT ?", (*scope, MOST_MEMORIES + 1)).fetchall()
        return Small.of(map(_item, rows)) if len(rows) <= MOST_MEMORIES else None

    return read


def _read(scope: Scope, ids: set[int]) -> Callable[[apsw.Connection], list[Item]]:
    """Those of the memories that are current and in the scope."""

    def read(connection: apsw.Connection) -> list[Item]:
        chosen = apsw.carray(np.fromiter(ids, np.int64))
        rows = connection.execute(f"{_CURRENT} AND m.id IN (SELECT value FROM carray(?))", (*scope, chosen))
        return [_item(row) for row in rows]

    return read


def _item(row: Sequence[Any]) -> Item:
    embedding, *stored = row
    memory = from_row(*stored)
    return Item(hit_of(memory), stems(indexed_words(memory.content).split()), np.frombuffer(embedding, np.float32))

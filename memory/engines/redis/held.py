"""Small scopes held in this process, in step with what any process writes.

Each look reads the versions of its scopes (journal.py), and nothing else where none has changed. Where one has, what
its journal names is read anew, or all of it.

What is read is never older than the version it is held under, since the version is read first. A write that falls
between the two is held already, under the version before it, and read once more at the next look, which does no harm.
The reverse, an older state under a newer version, would stay wrong. So a memory that was changed or deleted is found by
no look that begins after its write was acknowledged.
"""

from collections.abc import Collection, Sequence
from time import monotonic

from msgspec import Struct

from memory.engines.base import Filter
from memory.engines.held import BIG_SECONDS, MOST_MEMORIES, Shelf
from memory.engines.redis.client import Client
from memory.engines.redis.codec import decode_hit, decode_vector
from memory.engines.redis.journal import EPOCH, Version, field, stamp
from memory.engines.redis.keys import Keys, label
from memory.engines.redis.query import conditions, render
from memory.engines.redis.schema import Schema, share_indexed
from memory.engines.redis.search import TIMEOUT_MS, Search
from memory.engines.redis.wire import Argument, Command
from memory.engines.small import Item, Scope, Small, scopes_of


class _Entry(Struct):
    small: Small | None
    """None: it is too big."""
    version: Version | None
    as_of: float
    """It is what was there at some moment since, by `time.monotonic`."""

    def serves(self, version: Version | None, since: float) -> bool:
        unchanged = version is not None and self.version is not None and self.version.same(version)
        return unchanged or self.as_of >= since


class HeldScopes:
    def __init__(self, client: Client, keys: Keys, schema: Schema, search: Search, *, limit: int) -> None:
        """`limit` in bytes; 0 holds nothing."""
        self._client = client
        self._keys = keys
        self._schema = schema
        self._search = search
        self._limit = limit
        self._shelf: Shelf[_Entry] = Shelf(limit)

    async def look(self, where: Filter, *, since: float | None = None) -> dict[Scope, Small] | None:
        """What `where` chooses from, as it was at some moment since `since` (now, where None); None where that can't be
        held."""
        scopes = scopes_of(where) if self._limit > 0 else None
        if scopes is None:
            return None
        now = monotonic()
        entries = {scope: entry for scope in scopes if (entry := self._shelf.look(scope)) is not None}
        if any(entry.small is None and entry.as_of > now - BIG_SECONDS for entry in entries.values()):
            return None
        held = {scope: entry.small for scope, entry in entries.items() if entry.small is not None}
        if since is not None and len(held) == len(scopes) and all(entries[scope].as_of >= since for scope in scopes):
            return held
        if not all(scope in held or self._shelf.has_room_for(scope) for scope in scopes):
            return None
        versions, sizes = await self._versions(scopes, [one for one in scopes if one not in held])
        found: dict[Scope, Small] = {}
        for scope in scopes:
            if sizes.get(scope, 0) > MOST_MEMORIES:
                self._shelf.put(scope, _Entry(None, None, now), 0)
                return None
            small = await self._small(scope, versions[scope], now)
            if small is None:
                return None
            found[scope] = small
        return found

    def forget(self, tenant: str, namespace: str | None) -> None:
        """Let go of what is erased; that it is found no more is the journal's affair."""
        self._shelf.drop_all(tenant, namespace)

    async def _versions(
        self, scopes: Sequence[Scope], uncounted: Sequence[Scope]
    ) -> tuple[dict[Scope, Version | None], dict[Scope, int]]:
        """The versions, None where nobody has asked for one before; and how many memories are in the `uncounted`."""
        hashes: dict[str, list[Scope]] = {}
        for scope in scopes:
            hashes.setdefault(self._keys.journal(scope.tenant, scope.namespace), []).append(scope)
        commands: list[Command] = [("HMGET", key, EPOCH, *(field(*one) for one in of)) for key, of in hashes.items()]
        replies = await self._search.ask([*commands, *(self._find(scope, 0) for scope in uncounted)])
        versions: dict[Scope, Version | None] = {}
        for of, (epoch, *journals) in zip(hashes.values(), replies, strict=False):
            for scope, journal in zip(of, journals, strict=True):
                versions[scope] = None if epoch is None else Version(epoch, journal or b"")
        counts = (reply[0] for reply in replies[len(commands) :])
        return versions, dict(zip(uncounted, counts, strict=True))

    async def _small(self, scope: Scope, version: Version | None, now: float) -> Small | None:
        """The scope as it was at some moment since `now`, when its version had not been read yet."""
        entry = self._shelf.get(scope)
        if entry is None or not entry.serves(version, now):
            async with self._shelf.lock(scope):
                entry = self._shelf.get(scope)
                if entry is None or not entry.serves(version, now):
                    entry = await self._renewed(scope, entry, version, now)
                    if entry is None:
                        return None
                    self._keep(scope, entry)
        entry.as_of = max(entry.as_of, now)
        return entry.small

    async def _renewed(self, scope: Scope, entry: _Entry | None, version: Version | None, now: float) -> _Entry | None:
        """None where not all of it can be found yet."""
        if entry is not None and entry.small is not None and entry.version is not None and version is not None:
            changed = version.since(entry.version)
            items = None if changed is None else await self._items(scope, changed)
            if changed is not None and items is not None:
                small = entry.small.changed(changed, items)
                return _Entry(small if len(small.hits) <= MOST_MEMORIES else None, version, now)
        return await self._load(scope)

    async def _items(self, scope: Scope, ids: Collection[int]) -> list[Item] | None:
        """Those of the memories that are current and in the scope; None where one has no vector."""
        fields = ("labels", "hit", "words", self._schema.vector)
        replies = await self._client.many([("HMGET", self._keys.memory(scope.tenant, id), *fields) for id in ids])
        current = label("current", "home", *scope).encode()
        found = [values for labels, *values in replies if labels is not None and current in labels]
        return _items(found)

    async def _load(self, scope: Scope) -> _Entry | None:
        """All of it, under the version read before."""
        began = monotonic()
        journals, index = self._keys.journal(scope.tenant, scope.namespace), self._schema.index
        _, (epoch, journal), info, (total, *rows) = await self._search.ask(
            [
                ("HSETNX", journals, EPOCH, stamp()),
                ("HMGET", journals, EPOCH, field(*scope)),
                ("FT.INFO", index),
                self._find(scope, MOST_MEMORIES, "hit", "words", self._schema.vector),
            ]
        )
        if total > MOST_MEMORIES:
            return _Entry(None, None, began)
        items = _items([row[1::2] if row else [] for row in rows[1::2]])
        if items is None or share_indexed(info) < 1:
            return None
        return _Entry(Small.of(items), Version(epoch, journal or b""), began)

    def _find(self, scope: Scope, limit: int, *fields: str) -> Command:
        where = conditions(Filter(tenant=scope.tenant, namespaces=(scope.namespace,), owners=(scope.owner,)))
        assert where is not None
        returned: tuple[Argument, ...] = ("RETURN", len(fields), *fields) if fields else ("NOCONTENT",)
        options = ("LIMIT", 0, limit, "TIMEOUT", TIMEOUT_MS, "DIALECT", 2)
        return ("FT.SEARCH", self._schema.index, render(where), *returned, *options)

    def _keep(self, scope: Scope, entry: _Entry) -> None:
        if entry.small is not None and not self._shelf.fits(entry.small.bytes):
            entry.small = None
        self._shelf.put(scope, entry, 0 if entry.small is None else entry.small.bytes)


def _items(found: Sequence[Sequence[bytes | None]]) -> list[Item] | None:
    """From the fields `hit`, `words` and the vector of each; None where one lacks one."""
    items = []
    for values in found:
        if len(values) < 3 or None in values:
            return None
        hit, words, vector = (value or b"" for value in values)
        items.append(Item(decode_hit(hit, access=None), words.decode().split(), decode_vector(vector)))
    return items

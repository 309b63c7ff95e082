"""A tenant's namespaces as they are stored: found by name or id, made, changed, listed."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
from cachetools import TTLCache
from msgspec import UNSET, Struct, UnsetType, field, structs

from memory import ids
from memory.engines.base import DeleteDocument, Engine, PutDocument, Write
from memory.errors import Conflict, NotFound, QuotaExceeded
from memory.model import Namespace, NamespaceConfig
from memory.service.clock import Clock
from memory.service.inheritance import inherited, over

CACHED_SECONDS = 5.0
"""For how long another process's change may go unseen."""

MAX_NAMESPACES = 10_000
"""How many a tenant may have; made at once from several sides, it may get a few more."""

_KIND = "namespace"
_GONE = "namespace-gone"
_GONE_SECONDS = 3 * 24 * 3600
"""Longer than a job is tried again."""
_CACHED = 10_000
_ATTEMPTS = 10
_PAGE = 100

_decode = msgspec.json.Decoder(Namespace).decode


class NamespacePatch(Struct, kw_only=True, frozen=True):
    """Changes to a namespace."""

    parent: str | UnsetType | None = UNSET
    config: Mapping[str, Any] = field(default_factory=dict)
    """Goes over the configuration field by field; None unsets one."""


class Directory:
    """Asks nobody for leave: `memory.service.namespaces` does."""

    def __init__(self, engine: Engine, clock: Clock, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._documents = engine.documents
        self._now = clock
        self._ids = ids.IdSource()
        self._cache: TTLCache[tuple[str, str], Namespace] = TTLCache(_CACHED, CACHED_SECONDS, timer)

    async def find(self, tenant: str, name_or_id: str) -> Namespace | None:
        """Cached for CACHED_SECONDS; that there is none is not."""
        if (cached := self._cache.get((tenant, name_or_id))) is not None:
            return cached
        found = await self.read(tenant, name_or_id)
        if found is not None:
            self._cache[tenant, name_or_id] = found
        return found

    async def read(self, tenant: str, name_or_id: str) -> Namespace | None:
        """As it is in the store."""
        if ids.parse(name_or_id, "ns") is not None:  # no name looks like an id
            document = await self._documents.get(_KIND, tenant, name_or_id)
        else:
            document = await self._documents.find(_KIND, tenant, "name", name_or_id)
        return None if document is None else _decode(document.value)

    async def effective(self, namespace: Namespace) -> NamespaceConfig:
        """Its configuration with what it inherits; a scoring weight is inherited one by one."""
        config, passed = namespace.config, {namespace.name}
        inherits = config.inherit_from_parent
        while inherits and namespace.parent is not None and namespace.parent not in passed:
            parent = await self.find(namespace.tenant, namespace.parent)
            if parent is None:
                break
            passed.add(parent.name)
            config, inherits, namespace = inherited(config, parent.config), parent.config.inherit_from_parent, parent
        return config

    async def descends(self, tenant: str, name: str | None, ancestor: str) -> bool:
        """Whether the namespace is, or stands below, the one named `ancestor`, by what the store has now."""
        passed: set[str] = set()
        while name is not None and name not in passed:
            if name == ancestor:
                return True
            passed.add(name)
            namespace = await self.read(tenant, name)
            name = None if namespace is None else namespace.parent
        return False

    async def make(
        self,
        tenant: str,
        name: str,
        *,
        parent: str | None = None,
        template: str | None = None,
        config: NamespaceConfig | None = None,
    ) -> Namespace | None:
        """None where the name is taken. Raises QuotaExceeded where the tenant has MAX_NAMESPACES."""
        if (await self._documents.list(_KIND, tenant, limit=0))[1] >= MAX_NAMESPACES:
            raise QuotaExceeded(
                f"the tenant has its maximum of {MAX_NAMESPACES:,} namespaces",
                quota="max_namespaces",
                limit=MAX_NAMESPACES,
            )
        now = self._now()
        for id in self._ids.take(_ATTEMPTS):
            namespace = Namespace(
                id=id,
                tenant=tenant,
                name=name,
                parent=parent,
                template=template,
                config=config or NamespaceConfig(),
                created_at=now,
                updated_at=now,
            )
            if await self._documents.create(_document(namespace), unique={"name": name}):
                self._forget(namespace)
                return namespace
            if await self._documents.find(_KIND, tenant, "name", name) is not None:
                return None
        raise Conflict("no free id for the namespace; try again", namespace=name)

    async def change(self, seen: Namespace, patch: NamespacePatch) -> Namespace:
        """Raises Invalid for a bad configuration, Conflict where others keep changing it, or changed its new parent so
        that a circle would close, NotFound where it is gone."""
        for _ in range(_ATTEMPTS):
            document = await self._documents.get(_KIND, seen.tenant, ids.spell(seen.id, "ns"))
            if document is None:
                break
            now = _decode(document.value)
            changed = structs.replace(
                now,
                parent=now.parent if patch.parent is UNSET else patch.parent,
                config=over(now.config, patch.config),
                updated_at=self._now(),
            )
            if await self._documents.replace(_document(changed), expected=document.version):
                self._forget(changed)
                if changed.parent != now.parent and await self._in_circle(changed):
                    await self._undo(changed, now)
                    raise Conflict("its new parent was put below it meanwhile; try again", namespace=seen.name)
                return changed
        else:
            raise Conflict("Namespace keeps changing; try again", namespace=seen.name)
        self._forget(seen)
        raise NotFound("Namespace not found", namespace=seen.name)

    async def _in_circle(self, namespace: Namespace) -> bool:
        return await self.descends(namespace.tenant, namespace.parent, namespace.name)

    async def _undo(self, changed: Namespace, before: Namespace) -> None:
        """Gives it its parent back, unless another has been given it since."""
        if await self._in_circle(before):
            before = structs.replace(before, parent=None)
        for _ in range(_ATTEMPTS):
            document = await self._documents.get(_KIND, changed.tenant, ids.spell(changed.id, "ns"))
            if document is None or (now := _decode(document.value)).parent != changed.parent:
                break
            undone = before if now == changed else structs.replace(now, parent=before.parent)
            if await self._documents.replace(_document(undone), expected=document.version):
                break
        self._forget(changed)

    async def remove(self, namespace: Namespace, also: list[Write], *, at: int) -> None:
        """Its document, in one commit with `also`."""
        tombstone = PutDocument(
            kind=_GONE,
            tenant=namespace.tenant,
            key=namespace.name,
            value=msgspec.json.encode(at),
            ttl_seconds=_GONE_SECONDS,
        )
        document = DeleteDocument(kind=_KIND, tenant=namespace.tenant, key=ids.spell(namespace.id, "ns"))
        await self._engine.commit([document, tombstone, *also])
        self._forget(namespace)

    async def restore(self, namespace: Namespace) -> None:
        """Undoes its removal, unless there is another of its name by now."""
        if await self._documents.create(_document(namespace), unique={"name": namespace.name}):
            await self._documents.delete(_GONE, namespace.tenant, namespace.name)
            self._forget(namespace)

    async def removed_since(self, tenant: str, name: str, at: int) -> bool:
        """Whether a namespace of this name was removed at or after that time: what was meant for it is not to be
        written any more, even if there is another of its name. Known for three days."""
        tombstone = await self._documents.get(_GONE, tenant, name)
        return tombstone is not None and msgspec.json.decode(tombstone.value, type=int) >= at

    async def page(
        self, tenant: str, *, parent: str | None = None, offset: int = 0, limit: int = _PAGE
    ) -> tuple[list[Namespace], int]:
        """In the order of their creation, and how many there are; of one parent, where it is named."""
        index = None if parent is None else ("parent", parent)
        page, total = await self._documents.list(_KIND, tenant, index=index, offset=offset, limit=limit)
        return [_decode(document.value) for document in page], total

    async def every(self, tenant: str) -> AsyncIterator[Namespace]:
        """All of the tenant's, but perhaps for those made or removed meanwhile."""
        offset = 0
        while page := (await self.page(tenant, offset=offset))[0]:
            for namespace in page:
                yield namespace
            offset += len(page)

    def _forget(self, namespace: Namespace) -> None:
        for key in (namespace.name, ids.spell(namespace.id, "ns")):
            self._cache.pop((namespace.tenant, key), None)


def _document(namespace: Namespace) -> PutDocument:
    return PutDocument(
        kind=_KIND,
        tenant=namespace.tenant,
        key=ids.spell(namespace.id, "ns"),
        value=msgspec.json.encode(namespace),
        indexes={} if namespace.parent is None else {"parent": namespace.parent},
        order=float(namespace.created_at),
    )

"""Namespaces: made, found, configured, erased."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from cachetools import TTLCache
from msgspec import UNSET, Struct, UnsetType, field, structs

from memory import ids
from memory.caller import DEFAULT_NAMESPACE, Caller
from memory.engines.base import Document, Engine, PutDocument, Usage
from memory.errors import Conflict, Forbidden, Invalid, NotFound
from memory.model import Name, Namespace, NamespaceConfig
from memory.service.checks import broken_rule
from memory.service.clock import Clock, system_clock
from memory.service.erase import erase_namespace
from memory.service.inheritance import inherited, over

CACHED_SECONDS = 5.0
"""For how long another process's change may go unseen."""

_KIND = "namespace"
_CACHED = 10_000
_ATTEMPTS = 10
_PAGE = 100

_decode = msgspec.json.Decoder(Namespace).decode


class NamespaceDraft(Struct, kw_only=True, frozen=True):
    """A namespace to be made."""

    name: Name
    parent: str | None = None
    """Name or id of an existing one, as is `template`."""
    template: str | None = None
    """Its configuration is copied; `config` goes over it."""
    config: NamespaceConfig = field(default_factory=NamespaceConfig)


class NamespacePatch(Struct, kw_only=True, frozen=True):
    """Changes to a namespace."""

    parent: str | UnsetType | None = UNSET
    config: Mapping[str, Any] = field(default_factory=dict)
    """Goes over the configuration field by field; None unsets one."""


class Namespaces:
    """Every method raises NotFound for a namespace that does not exist or that the caller may not see."""

    def __init__(
        self, engine: Engine, clock: Clock = system_clock, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._documents = engine.documents
        self._now = clock
        self._ids = ids.IdSource()
        self._cache: TTLCache[tuple[str, str], Namespace] = TTLCache(_CACHED, CACHED_SECONDS, timer)

    async def resolve(self, caller: Caller, name_or_id: str) -> Namespace:
        """Cached for CACHED_SECONDS, as are `ensure` and `effective`. `default` is made on first use."""
        found = await self._find(caller.tenant, name_or_id)
        if found is None and name_or_id == DEFAULT_NAMESPACE and caller.sees(name_or_id):
            found = await self._make(caller.tenant, name_or_id)
        if found is None or not caller.sees(found.name):
            raise NotFound("Namespace not found", namespace=name_or_id)
        return found

    async def ensure(self, caller: Caller, name: str) -> Namespace:
        """As `resolve`, but a name not yet in use becomes a namespace. Raises Invalid for a bad name."""
        try:
            return await self.resolve(caller, name)
        except NotFound:
            if not caller.sees(name) or ids.parse(name, "ns") is not None:
                raise
        if not caller.scopes & {"write", "inference"}:
            raise Forbidden("this key may not create a namespace", scope="write")
        return await self._make(caller.tenant, _checked(name))

    async def effective(self, caller: Caller, namespace: Namespace) -> NamespaceConfig:
        """Its configuration with what it inherits; a scoring weight is inherited one by one."""
        config, passed = namespace.config, {namespace.name}
        inherits = config.inherit_from_parent
        while inherits and namespace.parent is not None and namespace.parent not in passed:
            parent = await self._find(caller.tenant, namespace.parent)
            if parent is None:
                break
            passed.add(parent.name)
            config, inherits, namespace = inherited(config, parent.config), parent.config.inherit_from_parent, parent
        return config

    async def create(self, caller: Caller, draft: NamespaceDraft) -> Namespace:
        """Raises Conflict where the name is taken, Invalid for a bad name, parent, template or configuration."""
        caller.require("write")
        name = _checked(draft.name)
        if not caller.sees(name):
            raise Forbidden("this key is restricted to other namespaces", namespace=name)
        parent = None if draft.parent is None else await self._named(caller, "parent", draft.parent)
        template = None if draft.template is None else await self._named(caller, "template", draft.template)
        base = NamespaceConfig() if template is None else template.config
        made = await self._store(
            caller.tenant,
            name,
            parent=None if parent is None else parent.name,
            template=None if template is None else template.name,
            config=over(base, msgspec.to_builtins(draft.config)),
        )
        if made is None:
            raise Conflict("Namespace already exists", namespace=name)
        return made

    async def update(self, caller: Caller, name_or_id: str, patch: NamespacePatch) -> Namespace:
        """Raises Invalid for a bad parent (missing, or one that would close a circle) or configuration, Conflict
        where others keep changing it."""
        caller.require("write")
        seen = await self.resolve(caller, name_or_id)
        parent = patch.parent
        if isinstance(parent, str):
            parent = await self._parent_of(caller, seen.name, parent)
        return await self._change(caller.tenant, seen, NamespacePatch(parent=parent, config=patch.config))

    async def delete(self, caller: Caller, name_or_id: str, *, force: bool = False) -> None:
        """With its memories, their histories and all; its children lose their parent. Raises Invalid where it holds
        memories or has children and `force` is not given."""
        caller.require("delete")
        namespace = await self.resolve(caller, name_or_id)
        if not force:
            await self._refuse_unless_empty(namespace)
        await self._orphan_children(namespace)
        await erase_namespace(self._engine, namespace.tenant, namespace.name)
        await self._documents.delete(_KIND, namespace.tenant, ids.spell(namespace.id, "ns"))
        self._forget(namespace)

    async def page(
        self, caller: Caller, *, parent: str | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[list[Namespace], int]:
        """A page in the order of their creation, and how many there are; `parent` (name or id) narrows."""
        caller.require("read")
        if caller.sees(DEFAULT_NAMESPACE):
            await self.resolve(caller, DEFAULT_NAMESPACE)
        above = None if parent is None else (await self.resolve(caller, parent)).name
        if caller.namespaces is not None:
            found = [await self._find(caller.tenant, name) for name in sorted(caller.namespaces)]
            mine = [ns for ns in found if ns is not None and (above is None or ns.parent == above)]
            mine.sort(key=lambda ns: (ns.created_at, ns.id))
            return mine[offset : offset + limit], len(mine)
        index = None if above is None else ("parent", above)
        page, total = await self._documents.list(_KIND, caller.tenant, index=index, offset=offset, limit=limit)
        return [_decode(document.value) for document in page], total

    async def usage(self, namespace: Namespace) -> Usage:
        return await self._engine.memories.usage(namespace.tenant, namespace.name)

    async def _find(self, tenant: str, name_or_id: str) -> Namespace | None:
        if (cached := self._cache.get((tenant, name_or_id))) is not None:
            return cached
        document = await self._read(tenant, name_or_id)
        if document is None:
            return None
        found = self._cache[tenant, name_or_id] = _decode(document.value)
        return found

    async def _read(self, tenant: str, name_or_id: str) -> Document | None:
        if ids.parse(name_or_id, "ns") is not None:  # no name looks like an id: `_checked` refuses it
            return await self._documents.get(_KIND, tenant, name_or_id)
        return await self._documents.find(_KIND, tenant, "name", name_or_id)

    async def _named(self, caller: Caller, role: str, name_or_id: str) -> Namespace:
        try:
            return await self.resolve(caller, name_or_id)
        except NotFound:
            raise Invalid(f"{role}: there is no namespace '{name_or_id}'", field=role) from None

    async def _make(self, tenant: str, name: str) -> Namespace:
        """Makes it with nothing configured, unless another was quicker."""
        made = await self._store(tenant, name) or await self._find(tenant, name)
        if made is None:
            raise Conflict("Namespace was deleted meanwhile", namespace=name)
        return made

    async def _store(
        self,
        tenant: str,
        name: str,
        *,
        parent: str | None = None,
        template: str | None = None,
        config: NamespaceConfig | None = None,
    ) -> Namespace | None:
        """None where the name is taken."""
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

    async def _change(self, tenant: str, seen: Namespace, patch: NamespacePatch) -> Namespace:
        for _ in range(_ATTEMPTS):
            document = await self._documents.get(_KIND, tenant, ids.spell(seen.id, "ns"))
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
                return changed
        else:
            raise Conflict("Namespace keeps changing; try again", namespace=seen.name)
        self._forget(seen)
        raise NotFound("Namespace not found", namespace=seen.name)

    async def _parent_of(self, caller: Caller, child: str, name_or_id: str) -> str:
        """The parent's name. Raises Invalid where it does not exist or descends from `child`."""
        ancestor: Namespace | None = await self._named(caller, "parent", name_or_id)
        assert ancestor is not None
        parent, passed = ancestor.name, set[str]()
        while ancestor is not None and ancestor.name not in passed:
            if ancestor.name == child:
                raise Invalid("parent: a namespace can't be its own ancestor", field="parent")
            passed.add(ancestor.name)
            ancestor = None if ancestor.parent is None else await self._find(caller.tenant, ancestor.parent)
        return parent

    async def _refuse_unless_empty(self, namespace: Namespace) -> None:
        usage = await self.usage(namespace)
        if usage.memories:
            raise Invalid(
                f"Namespace not empty: it holds {usage.memories:,} memories; 'force=true' deletes them with it",
                field="force",
                memory_count=usage.memories,
            )
        _, children = await self._children(namespace)
        if children:
            raise Invalid(
                f"Namespace is the parent of {children:,}; 'force=true' leaves them without one",
                field="force",
                children=children,
            )

    async def _orphan_children(self, namespace: Namespace) -> None:
        while (found := await self._children(namespace))[0]:
            for child in found[0]:
                await self._change(namespace.tenant, child, NamespacePatch(parent=None))

    async def _children(self, namespace: Namespace) -> tuple[list[Namespace], int]:
        page, total = await self._documents.list(_KIND, namespace.tenant, index=("parent", namespace.name), limit=_PAGE)
        return [_decode(document.value) for document in page], total

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


def _checked(name: str) -> str:
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError as error:
        raise broken_rule(error, "name") from error
    if ids.parse(name, "ns") is not None:
        raise Invalid("name: must not look like a namespace's id", field="name")
    return name

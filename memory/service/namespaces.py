"""Namespaces: what callers may do with them."""

import contextlib
import time
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct, field

from memory import ids
from memory.caller import DEFAULT_NAMESPACE, Caller
from memory.engines.base import Engine, Enqueue, Job, Usage
from memory.errors import Conflict, Forbidden, Invalid, NotFound
from memory.model import Name, Namespace, NamespaceConfig
from memory.service.audit import audit
from memory.service.checks import check_name
from memory.service.clock import Clock, system_clock
from memory.service.directory import CACHED_SECONDS, Directory, NamespacePatch
from memory.service.erase import erase_namespace, erase_traces
from memory.service.inheritance import over

LEFTOVERS = "erase-leftovers"
"""The kind of the job that erases what other processes still wrote into a namespace that was deleted."""

LATECOMERS = "keep-latecomers"
"""The kind of the job that puts an empty namespace back which others still wrote into as it was deleted."""

LEFTOVERS_SECONDS = 6 * CACHED_SECONDS
"""After which nobody writes there any more: who found the namespace in a cache may still have had to embed."""


class NamespaceDraft(Struct, kw_only=True, frozen=True):
    """A namespace to be made."""

    name: Name
    parent: str | None = None
    """Name or id of an existing one, as is `template`."""
    template: str | None = None
    """Its configuration is copied; `config` goes over it."""
    config: NamespaceConfig = field(default_factory=NamespaceConfig)


class Removed(Struct, frozen=True):
    """An empty namespace, as it was when it was removed."""

    namespace: Namespace
    at: int


class Namespaces:
    """Every method raises NotFound for a namespace that does not exist or that the caller may not see."""

    def __init__(
        self, engine: Engine, clock: Clock = system_clock, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._now = clock
        self.directory = Directory(engine, clock, timer=timer)

    async def resolve(self, caller: Caller, name_or_id: str) -> Namespace:
        """Cached for CACHED_SECONDS, as are `ensure` and `effective`. `default` is made on first use."""
        found = await self.directory.find(caller.tenant, name_or_id)
        if found is None and name_or_id == DEFAULT_NAMESPACE and caller.sees(name_or_id):
            found = await self._make(caller.tenant, name_or_id)
        if found is None or not caller.sees(found.name):
            raise NotFound("Namespace not found", namespace=name_or_id)
        return found

    async def ensure(self, caller: Caller, name: str) -> Namespace:
        """As `resolve`, but a name not yet in use becomes a namespace. Raises Invalid for a bad name, QuotaExceeded
        where the tenant may have no further namespace."""
        try:
            return await self.resolve(caller, name)
        except NotFound:
            if not caller.sees(name) or ids.parse(name, "ns") is not None:
                raise
        if not caller.scopes & {"write", "inference"}:
            raise Forbidden("this key may not create a namespace", scope="write")
        return await self._make(caller.tenant, _checked(name))

    async def effective(self, namespace: Namespace) -> NamespaceConfig:
        """Its configuration with what it inherits, whoever may see that."""
        return await self.directory.effective(namespace)

    async def create(self, caller: Caller, draft: NamespaceDraft) -> Namespace:
        """Raises Conflict where the name is taken, Invalid for a bad name, parent, template or configuration,
        QuotaExceeded where the tenant may have no further namespace."""
        caller.require("write")
        name = _checked(draft.name)
        if not caller.sees(name):
            raise Forbidden("this key is restricted to other namespaces", namespace=name)
        parent = None if draft.parent is None else await self._named(caller, "parent", draft.parent)
        template = None if draft.template is None else await self._named(caller, "template", draft.template)
        base = NamespaceConfig() if template is None else template.config
        made = await self.directory.make(
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
        where others keep changing it, or close a circle with it at the same time."""
        caller.require("write")
        seen = await self.resolve(caller, name_or_id)
        parent = patch.parent
        if isinstance(parent, str):
            parent = (await self._named(caller, "parent", parent)).name
            if await self.directory.descends(caller.tenant, parent, seen.name):
                raise Invalid("parent: a namespace can't be its own ancestor", field="parent")
        return await self.directory.change(seen, NamespacePatch(parent=parent, config=patch.config))

    async def delete(self, caller: Caller, name_or_id: str, *, force: bool = False) -> None:
        """With its memories, their histories and all; its children lose their parent. Raises Invalid where it holds
        memories or has children and `force` is not given. Interrupted, it can be run again.

        Other processes, which may know the namespace for a while yet, may write into it: by force a job erases that
        (`sweep_up`), else one puts the namespace back where there is any (`keep_latecomers`).
        """
        caller.require("delete")
        namespace = await self._as_it_is(await self.resolve(caller, name_or_id))
        if force:
            usage = await self.usage(namespace)
            await self._orphan_children(namespace)
            await erase_namespace(self._engine, namespace.tenant, namespace.name)
            await self._remove(caller, namespace, LEFTOVERS, namespace.name.encode(), usage.memories, at=self._now())
            await self._erase_unless_anew(namespace.tenant, namespace.name)  # what was written until here
            return
        await self._refuse_unless_empty(namespace)
        now = self._now()
        await self._remove(caller, namespace, LATECOMERS, msgspec.json.encode(Removed(namespace, now)), 0, at=now)
        try:
            await self._refuse_unless_empty(namespace)  # whoever wrote until here
        except Invalid:
            await self.directory.restore(namespace)
            raise
        await erase_traces(self._engine, namespace.tenant, namespace.name)

    async def _remove(
        self, caller: Caller, namespace: Namespace, kind: str, payload: bytes, memories: int, *, at: int
    ) -> None:
        follow_up = Enqueue(kind=kind, tenant=namespace.tenant, payload=payload, delay_seconds=LEFTOVERS_SECONDS)
        entries = audit(
            caller,
            "namespace.delete",
            ids.spell(namespace.id, "ns"),
            tenant=namespace.tenant,
            at=at,
            details={"memories": memories},
            names={"namespace": namespace.name},
        )
        await self.directory.remove(namespace, [follow_up, *entries], at=at)

    async def keep_latecomers(self, job: Job) -> None:
        """Handles jobs of the kind LATECOMERS."""
        removed = msgspec.json.decode(job.payload, type=Removed)
        namespace, tenant, name = removed.namespace, removed.namespace.tenant, removed.namespace.name
        if await self.directory.read(tenant, name) is not None:  # it has been made anew
            return
        if await self.directory.removed_since(tenant, name, removed.at + 1):  # and removed again, perhaps by force
            return
        if (await self.usage(namespace)).memories:
            await self.directory.restore(namespace)
        else:
            await erase_traces(self._engine, tenant, name)

    async def sweep_up(self, job: Job) -> None:
        """Handles jobs of the kind LEFTOVERS: it leaves alone a namespace that has been made anew."""
        await self._erase_unless_anew(job.tenant, job.payload.decode())

    async def _erase_unless_anew(self, tenant: str, name: str) -> None:
        async def made_anew() -> bool:
            return await self.directory.read(tenant, name) is not None

        await erase_namespace(self._engine, tenant, name, unless=made_anew)

    async def page(
        self, caller: Caller, *, parent: str | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[list[Namespace], int]:
        """A page in the order of their creation, and how many there are; `parent` (name or id) narrows."""
        caller.require("read")
        if caller.sees(DEFAULT_NAMESPACE):
            await self.resolve(caller, DEFAULT_NAMESPACE)
        above = None if parent is None else (await self.resolve(caller, parent)).name
        if caller.namespaces is not None:
            found = [await self.directory.find(caller.tenant, name) for name in sorted(caller.namespaces)]
            mine = [ns for ns in found if ns is not None and (above is None or ns.parent == above)]
            mine.sort(key=lambda ns: (ns.created_at, ns.id))
            return mine[offset : offset + limit], len(mine)
        return await self.directory.page(caller.tenant, parent=above, offset=offset, limit=limit)

    async def usage(self, namespace: Namespace) -> Usage:
        return await self._engine.memories.usage(namespace.tenant, namespace.name)

    async def usages(self, tenant: str, namespaces: Sequence[Namespace]) -> dict[str, Usage]:
        """By the names of the tenant's namespaces, in one round trip."""
        return await self._engine.memories.usages(tenant, [namespace.name for namespace in namespaces])

    async def _named(self, caller: Caller, role: str, name_or_id: str) -> Namespace:
        try:
            return await self.resolve(caller, name_or_id)
        except NotFound:
            raise Invalid(f"{role}: there is no namespace '{name_or_id}'", field=role) from None

    async def _make(self, tenant: str, name: str) -> Namespace:
        """Makes it with nothing configured, unless another was quicker."""
        made = await self.directory.make(tenant, name) or await self.directory.find(tenant, name)
        if made is None:
            raise Conflict("Namespace was deleted meanwhile", namespace=name)
        return made

    async def _refuse_unless_empty(self, namespace: Namespace) -> None:
        usage = await self.usage(namespace)
        if usage.memories:
            raise Invalid(
                f"Namespace not empty: it holds {usage.memories:,} memories; 'force=true' deletes them with it",
                field="force",
                memory_count=usage.memories,
            )
        _, children = await self.directory.page(namespace.tenant, parent=namespace.name, limit=0)
        if children:
            raise Invalid(
                f"Namespace is the parent of {children:,}; 'force=true' leaves them without one",
                field="force",
                children=children,
            )

    async def _as_it_is(self, namespace: Namespace) -> Namespace:
        """It was perhaps known from a cache."""
        now = await self.directory.read(namespace.tenant, ids.spell(namespace.id, "ns"))
        if now is None:
            raise NotFound("Namespace not found", namespace=namespace.name)
        return now

    async def _orphan_children(self, namespace: Namespace) -> None:
        while (found := await self.directory.page(namespace.tenant, parent=namespace.name))[0]:
            for child in found[0]:
                with contextlib.suppress(NotFound):  # deleted meanwhile
                    await self.directory.change(child, NamespacePatch(parent=None))


def _checked(name: str) -> str:
    check_name(name, "name")
    if ids.parse(name, "ns") is not None:
        raise Invalid("name: must not look like a namespace's id", field="name")
    return name

"""Tenants: made, found, changed, suspended, and what they may store."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from admin.lookups import Lookups
from admin.plans import Plan
from admin.tenant import (
    DEFAULT,
    Status,
    Tenant,
    TenantDraft,
    TenantPatch,
    check_administers,
    check_open,
    drafted,
    no_tenant,
    patched,
)
from config.supervisor import Supervisor
from memory import ids
from memory.caller import DEFAULT_TENANT, SYSTEM, Caller
from memory.engines.base import Append, DeleteDocument, Document, Engine, Limit, PutDocument
from memory.errors import Conflict, Forbidden, Invalid
from memory.service.audit import audit
from memory.service.checks import check_name
from memory.service.clock import Clock, system_clock

CACHED_SECONDS = 5.0
"""For how long another process's change may go unseen."""

STALE_SECONDS = 900.0
"""For how long a tenant is believed to be as it was while the store is down."""

_KIND = "tenant"
_CACHED = 10_000
_ATTEMPTS = 50

_decode = msgspec.json.Decoder(Tenant).decode


class Tenants:
    """The operator's. `id_or_name` takes an id (`tenant_…`), a name, or `default`; a method that takes one raises
    NotFound where there is no such tenant."""

    def __init__(
        self,
        engine: Engine,
        supervisor: Supervisor,
        clock: Clock = system_clock,
        *,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._documents = engine.documents
        self._now = clock
        self._ids = ids.IdSource()
        self._lookups = Lookups(
            self._load,
            supervisor,
            fresh_seconds=CACHED_SECONDS,
            stale_seconds=STALE_SECONDS,
            size=_CACHED,
            timer=timer,
        )

    async def create(self, caller: Caller, draft: TenantDraft) -> Tenant:
        """Raises Conflict where the name is taken, Invalid for a bad name or configuration."""
        caller.require_operator()
        _check_name(draft.name)
        now = self._now()
        for id in self._ids.take(_ATTEMPTS):
            tenant = drafted(draft, id=id, now=now)
            told = _told(caller, "tenant.create", tenant, {"name": tenant.name, "plan": tenant.plan})
            if await self._documents.create(_document(tenant), unique={"name": tenant.name}, log=told):
                self._lookups.forget(tenant.key)
                return tenant
            if await self._documents.find(_KIND, SYSTEM, "name", tenant.name) is not None:
                raise Conflict("Tenant already exists", name=tenant.name)
        raise Conflict("no free id for the tenant; try again", name=draft.name)

    async def get(self, id_or_name: str) -> Tenant:
        """As it is in the store."""
        if id_or_name == DEFAULT_TENANT or (id := ids.parse(id_or_name, "tenant")) == DEFAULT.id:
            found = await self._load(DEFAULT_TENANT)
        elif id is not None:  # no name looks like an id: `create` refuses it
            found = await self._load(id_or_name)
        else:
            document = await self._documents.find(_KIND, SYSTEM, "name", id_or_name)
            found = None if document is None else _decode(document.value)
        if found is None:
            raise no_tenant(id_or_name)
        return found

    async def administered(self, caller: Caller, id_or_name: str) -> Tenant:
        """As `get`, for one who may look after it: the operator, or a key of the tenant's own with the scope `admin`,
        for whom there is no other tenant. Raises Forbidden for anyone else."""
        if caller.operator:
            return await self.get(id_or_name)
        own = await self.get(caller.tenant)
        check_administers(caller, own)
        if id_or_name not in (own.key, own.name):
            raise no_tenant(id_or_name)
        return own

    async def page(
        self, *, status: Status | None = None, plan: Plan | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[list[Tenant], int]:
        """A page, and how many there are: `default` first, the others in the order of their creation."""
        index = _index(status=status, plan=plan)
        wanted = status in (None, DEFAULT.status) and plan in (None, DEFAULT.plan)
        unwritten = wanted and await self._documents.get(_KIND, SYSTEM, DEFAULT_TENANT) is None
        documents, total = await self._documents.list(
            _KIND, SYSTEM, index=index, offset=max(offset - unwritten, 0), limit=limit
        )
        page = [_decode(document.value) for document in documents]
        if unwritten and offset == 0:
            page.insert(0, DEFAULT)
        return page[:limit], total + unwritten

    async def kept(self) -> AsyncIterator[str]:
        """The keys of all tenants but those being deleted, and perhaps those made or removed meanwhile."""
        offset = 0
        while page := (await self.page(offset=offset))[0]:
            for tenant in page:
                if tenant.status != "deleting":
                    yield tenant.key
            offset += len(page)

    async def update(self, caller: Caller, id_or_name: str, patch: TenantPatch) -> Tenant:
        """Raises Invalid for a bad configuration or another name, Conflict where it is being deleted."""
        caller.require_operator()
        given = sorted(name for name, value in structs.asdict(patch).items() if value != _NO_PATCH[name])
        return await self._change(
            caller, "tenant.update", id_or_name, lambda tenant: patched(tenant, patch), details={"changed": given}
        )

    async def suspend(self, caller: Caller, id_or_name: str, reason: str | None = None) -> Tenant:
        """Its keys are answered with Forbidden and the reason. Raises Conflict for `default`, and where it is being
        deleted."""
        caller.require_operator()
        details = {} if reason is None else {"reason": reason}
        return await self._change(
            caller, "tenant.suspend", id_or_name, lambda tenant: _suspended(tenant, reason), details=details
        )

    async def activate(self, caller: Caller, id_or_name: str) -> Tenant:
        """Raises Conflict where it is being deleted."""
        caller.require_operator()
        return await self._change(caller, "tenant.activate", id_or_name, _activated)

    async def begin_deletion(self, caller: Caller, id_or_name: str) -> Tenant:
        """From now on nobody may act in it; whoever erases what is in it ends with `remove`. May be repeated. Raises
        Conflict for `default`."""
        caller.require_operator()
        tenant = await self.get(id_or_name)
        return await self._change(
            caller, "tenant.delete", tenant.key, _deleting, details={"name": tenant.name}, also_deleting=True
        )

    async def remove(self, tenant: Tenant) -> None:
        """The end of its deletion: its name is free again."""
        entries = audit("erasure", "tenant.erased", tenant.key, tenant=tenant.key, at=self._now())
        # Its own log is erased, and stays so.
        told = [entry for entry in entries if entry.tenant == SYSTEM]
        await self._engine.commit([DeleteDocument(kind=_KIND, tenant=SYSTEM, key=tenant.key), *told])
        self._lookups.forget(tenant.key)

    async def standing(self, key: str) -> Tenant:
        """The tenant that engines know by `key`, cached for CACHED_SECONDS. Raises Forbidden where it is suspended,
        being deleted or gone."""
        tenant = await self._known(key)
        check_open(tenant)
        return tenant

    async def limits(self, tenant: str) -> Sequence[Limit]:
        """What `memory.service.quota.Quotas` asks: a suspended tenant's may still be written, by its queued work.
        Cached as `standing`."""
        known = await self._known(tenant)
        if known.status == "deleting":
            check_open(known)
        quotas = known.quotas
        if not quotas.max_memories and not quotas.max_storage_bytes:
            return ()
        return (Limit(memories=quotas.max_memories or None, bytes=quotas.max_storage_bytes or None),)

    async def _known(self, key: str) -> Tenant:
        # Nothing that `default` lacks while the store is down would keep anybody out.
        tenant = await self._lookups.get(key, otherwise=DEFAULT if key == DEFAULT_TENANT else None)
        if tenant is None:
            raise Forbidden("this tenant does not exist any more")
        return tenant

    async def _load(self, key: str) -> Tenant | None:
        document = await self._documents.get(_KIND, SYSTEM, key)
        return _of(document, key)

    async def _change(
        self,
        caller: Caller,
        action: str,
        id_or_name: str,
        change: Callable[[Tenant], Tenant],
        *,
        details: Mapping[str, Any] | None = None,
        also_deleting: bool = False,
    ) -> Tenant:
        key = (await self.get(id_or_name)).key
        for _ in range(_ATTEMPTS):
            document = await self._documents.get(_KIND, SYSTEM, key)
            now = _of(document, key)
            if now is None:
                raise no_tenant(id_or_name)
            if now.status == "deleting" and not also_deleting:
                raise Conflict("Tenant is being deleted", tenant=key)
            changed = structs.replace(change(now), updated_at=self._now())
            if await self._write(changed, document, _told(caller, action, changed, details)):
                self._lookups.forget(key)
                return changed
        raise Conflict("Tenant keeps changing; try again", tenant=key)

    async def _write(self, tenant: Tenant, over: Document | None, log: Sequence[Append]) -> bool:
        if over is None:
            return await self._documents.create(_document(tenant), unique={"name": tenant.name}, log=log)
        return await self._documents.replace(_document(tenant), expected=over.version, log=log)


_NO_PATCH = structs.asdict(TenantPatch())


def _of(document: Document | None, key: str) -> Tenant | None:
    if document is not None:
        return _decode(document.value)
    return DEFAULT if key == DEFAULT_TENANT else None


def _told(caller: Caller, action: str, tenant: Tenant, details: Mapping[str, Any] | None = None) -> list[Append]:
    return audit(caller, action, tenant.key, tenant=tenant.key, at=tenant.updated_at, details=details)


def _activated(tenant: Tenant) -> Tenant:
    return structs.replace(tenant, status="active", reason=None)


def _suspended(tenant: Tenant, reason: str | None) -> Tenant:
    if tenant.id == DEFAULT.id:
        raise Conflict("the tenant 'default' can't be suspended", tenant=tenant.key)
    return structs.replace(tenant, status="suspended", reason=reason)


def _deleting(tenant: Tenant) -> Tenant:
    if tenant.id == DEFAULT.id:
        raise Conflict("the tenant 'default' can't be deleted", tenant=tenant.key)
    return structs.replace(tenant, status="deleting")


def _document(tenant: Tenant) -> PutDocument:
    return PutDocument(
        kind=_KIND,
        tenant=SYSTEM,
        key=tenant.key,
        value=msgspec.json.encode(tenant),
        indexes={
            "status": tenant.status,
            "plan": tenant.plan,
            "status and plan": f"{tenant.status} {tenant.plan}",
        },
        order=float(tenant.created_at),
    )


def _index(*, status: Status | None, plan: Plan | None) -> tuple[str, str] | None:
    if status is not None and plan is not None:
        return ("status and plan", f"{status} {plan}")
    if status is not None:
        return ("status", status)
    return None if plan is None else ("plan", plan)


def _check_name(name: str) -> None:
    check_name(name, "name")
    if name == DEFAULT_TENANT:
        raise Conflict("Tenant already exists", name=name)
    if ids.parse(name, "tenant") is not None:
        raise Invalid("name: must not look like a tenant's id", field="name")

"""The tenants' keys: issued, found, used, revoked. A key itself is told once and never kept: its SHA-256 is."""

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from cachetools import TTLCache
from msgspec import structs

from admin.key import PREFIX, Key, KeyDraft, drafted, sha256
from admin.lookups import Lookups
from admin.tenant import Tenant, check_administers
from config.settings import Secret
from config.supervisor import Supervisor
from memory import ids
from memory.caller import SYSTEM, Caller
from memory.engines.base import Append, DeleteDocument, Document, Engine, PutDocument
from memory.errors import Conflict, NotFound, StoreUnavailable
from memory.service.audit import audit
from memory.service.clock import Clock, system_clock

FRESH_SECONDS = 60.0
"""For how long another process's revoking may go unseen."""

STALE_SECONDS = 900.0
"""For how long a key that was good stays so while the store is down."""

ANY_SECONDS = 5.0
"""For how long the first key may go unseen that another process issued."""

NOTED_SECONDS = 60.0
"""How exactly `last_used_at` is kept."""

_KIND = "key"
_USE = "key use"
_SECRET_BYTES = 32
_CACHED = 10_000
_ATTEMPTS = 10
_PAGE = 100


class Keys:
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
        self._supervisor = supervisor
        self._now = clock
        self._ids = ids.IdSource()
        self._lookups = Lookups(
            self._load, supervisor, fresh_seconds=FRESH_SECONDS, stale_seconds=STALE_SECONDS, size=_CACHED, timer=timer
        )
        self._any = Lookups(
            self._count_any, supervisor, fresh_seconds=ANY_SECONDS, stale_seconds=float("inf"), size=1, timer=timer
        )
        self._noted: TTLCache[int, None] = TTLCache(_CACHED, NOTED_SECONDS, timer)

    async def issue(self, caller: Caller, tenant: Tenant, draft: KeyDraft) -> tuple[Key, Secret]:
        """The key's record, and the key: told here and nowhere else. Raises Forbidden where `caller` may not look after
        the tenant or lacks what it would give, Invalid for no scope or namespace at all or a time that is past,
        Conflict where the tenant is being deleted."""
        check_administers(caller, tenant)
        if tenant.status == "deleting":
            raise Conflict("Tenant is being deleted", tenant=tenant.key)
        now = self._now()
        secret = Secret(PREFIX + secrets.token_urlsafe(_SECRET_BYTES))
        digest = sha256(secret.reveal())
        for id in self._ids.take(_ATTEMPTS):
            key = drafted(draft, caller, tenant=tenant.key, id=id, digest=digest, now=now)
            told = self._audited(caller, "key.issue", key, scopes=sorted(key.scopes))
            if await self._documents.create(_document(key), unique={"digest": key.digest}, log=told):
                self._lookups.forget(key.digest)
                self._any.learn(SYSTEM, True)
                return key, secret
        raise Conflict("no free id for the key; try again")

    async def page(self, tenant: Tenant, *, offset: int = 0, limit: int = 100) -> tuple[list[Key], int]:
        """A page in the order of their issue, expired ones among them, and how many there are."""
        documents, total = await self._of(tenant.key, offset=offset, limit=limit)
        keys = [_decode(document.value) for document in documents]
        used = await asyncio.gather(*(self._documents.get(_USE, key.tenant, key.spelled) for key in keys))
        return [
            key if use is None else structs.replace(key, last_used_at=int(use.value))
            for key, use in zip(keys, used, strict=True)
        ], total

    async def revoke(self, caller: Caller, tenant: Tenant, key_id: str) -> None:
        """Here at once, in other processes within FRESH_SECONDS. Raises NotFound where the tenant has no such key,
        Forbidden where `caller` may not look after the tenant."""
        check_administers(caller, tenant)
        document = None if ids.parse(key_id, "key") is None else await self._documents.get(_KIND, SYSTEM, key_id)
        if document is None or (key := _decode(document.value)).tenant != tenant.key:
            raise NotFound("Key not found", key=key_id)
        await self._delete([key], self._audited(caller, "key.revoke", key))

    async def revoke_all(self, tenant: Tenant) -> None:
        """Without a word in the audit log: it is a part of the tenant's deletion, which has one."""
        while (found := await self._of(tenant.key, offset=0, limit=_PAGE))[0]:
            await self._delete([_decode(document.value) for document in found[0]])

    async def find(self, secret: str) -> Key | None:
        """The record of a key, be it expired; cached. Raises StoreUnavailable where it is not known and the store is
        down."""
        digest = sha256(secret)
        key = await self._lookups.get(digest)
        return key if key is not None and hmac.compare_digest(key.digest, digest) else None

    def used(self, key: Key) -> None:
        """Notes it, in the background and at most once in NOTED_SECONDS."""
        if key.id not in self._noted:
            self._noted[key.id] = None
            self._supervisor.start(self._note(key, self._now()), name="use of a key", drain=True)

    async def any(self) -> bool:
        """Whether there is a key of any tenant; cached for ANY_SECONDS. Raises StoreUnavailable while the store is
        down."""
        return bool(await self._any.sure(SYSTEM))

    async def any_known(self) -> bool:
        """As `any`, but while the store is down or slow it is what it was last, and where it never was anything and
        the store is down, False."""
        return bool(await self._any.get(SYSTEM, otherwise=False))

    async def _load(self, digest: str) -> Key | None:
        document = await self._documents.find(_KIND, SYSTEM, "digest", digest)
        return None if document is None else _decode(document.value)

    async def _count_any(self, tenant: str) -> bool:
        _, total = await self._documents.list(_KIND, tenant, limit=1)
        return total > 0

    async def _of(self, tenant: str, *, offset: int, limit: int) -> tuple[list[Document], int]:
        return await self._documents.list(_KIND, SYSTEM, index=("tenant", tenant), offset=offset, limit=limit)

    async def _delete(self, keys: Sequence[Key], log: Sequence[Append] = ()) -> None:
        documents = [DeleteDocument(kind=_KIND, tenant=SYSTEM, key=key.spelled) for key in keys]
        uses = [DeleteDocument(kind=_USE, tenant=key.tenant, key=key.spelled) for key in keys]
        await self._engine.commit([*documents, *uses, *log])
        for key in keys:
            self._lookups.forget(key.digest)

    async def _note(self, key: Key, now: int) -> None:
        # Among the tenant's own, so that it goes with them.
        use = PutDocument(kind=_USE, tenant=key.tenant, key=key.spelled, value=str(now).encode())
        try:
            await self._engine.commit([use])
        except StoreUnavailable:
            self._noted.pop(key.id, None)

    def _audited(self, caller: Caller, action: str, key: Key, **details: Any) -> list[Append]:
        names = {"name": key.name}
        return audit(caller, action, key.spelled, tenant=key.tenant, at=self._now(), details=details, names=names)


_decode = msgspec.json.Decoder(Key).decode


def _document(key: Key) -> PutDocument:
    return PutDocument(
        kind=_KIND,
        tenant=SYSTEM,
        key=key.spelled,
        value=msgspec.json.encode(key),
        indexes={"tenant": key.tenant},
        order=float(key.created_at),
    )

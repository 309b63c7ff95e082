"""Deleting a tenant with all that was ever kept of it: a job, since there may be much."""

import asyncio
import contextlib

import msgspec

from admin.keys import Keys
from admin.tenants import CACHED_SECONDS, Tenants
from memory.caller import SYSTEM, Caller
from memory.engines.base import Engine, Enqueue, Job
from memory.errors import Conflict, NotFound
from memory.extraction.worker import Progress

JOB_KIND = "erase-tenant"

SETTLE_SECONDS = 2 * CACHED_SECONDS
"""How long to wait for what other processes still do for the tenant: for CACHED_SECONDS they may not know that it is
being deleted, and what they begin then takes a while."""

_FIRST_SHARE = 0.9


class Erasure:
    def __init__(self, engine: Engine, tenants: Tenants, keys: Keys, *, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._engine = engine
        self._tenants = tenants
        self._keys = keys
        self._settle_seconds = settle_seconds

    async def begin(self, caller: Caller, id_or_name: str) -> str:
        """The id of the job that does it; from now on nobody may act in the tenant. Where an earlier deletion was given
        up it begins anew. Raises Forbidden for anyone but the operator, NotFound, and Conflict for `default` and where
        it is being erased already."""
        tenant = await self._tenants.begin_deletion(caller, id_or_name)
        await self._keys.revoke_all(tenant)
        job = Enqueue(kind=JOB_KIND, tenant=SYSTEM, payload=tenant.key.encode(), dedupe=tenant.key)
        id = await self._engine.jobs.enqueue(job)
        if id is None:
            raise Conflict("Tenant is being deleted already", tenant=tenant.key)
        return id

    async def handle(self, job: Job, progress: Progress) -> bytes:
        """The job itself, for `memory.extraction.worker.Reporting`: interrupted anywhere, it can be done again."""
        key = job.payload.decode()
        await self._engine.erase(key, lambda share: progress(_FIRST_SHARE * share))
        await asyncio.sleep(self._settle_seconds)
        await self._engine.erase(key, lambda share: progress(_FIRST_SHARE + (1 - _FIRST_SHARE) * share))
        # Else an earlier attempt came to the end, but not to saying so.
        with contextlib.suppress(NotFound):
            tenant = await self._tenants.get(key)
            await self._keys.revoke_all(tenant)
            await self._tenants.remove(tenant)
        return msgspec.json.encode({"tenant_id": key})

"""Deleting a tenant with all that was ever kept of it: a job, since there may be much."""

import asyncio

import msgspec

from admin.keys import Keys
from admin.tenants import CACHED_SECONDS, Tenants
from memory.caller import SYSTEM, Caller
from memory.engines.base import Engine, Enqueue, Job
from memory.errors import Conflict, NotFound
from memory.extraction.worker import Progress

JOB_KIND = "erase-tenant"

SETTLE_SECONDS = 2 * CACHED_SECONDS
"""For so long other processes may let the tenant in, or be at what they let in: then what they wrote is erased too."""

LEFTOVERS_SECONDS = 900.0
"""After which the last answers are over that had begun to stream before, and what they left behind is erased."""

_FIRST_SHARE = 0.9


class Erasure:
    def __init__(
        self,
        engine: Engine,
        tenants: Tenants,
        keys: Keys,
        *,
        settle_seconds: float = SETTLE_SECONDS,
        leftovers_seconds: float = LEFTOVERS_SECONDS,
    ) -> None:
        self._engine = engine
        self._tenants = tenants
        self._keys = keys
        self._settle_seconds = settle_seconds
        self._leftovers_seconds = leftovers_seconds

    async def begin(self, caller: Caller, id_or_name: str) -> str:
        """The id of the job that does it; from now on nobody may act in the tenant. Where an earlier deletion was given
        up it begins anew. Raises Forbidden for anyone but the operator, NotFound, and Conflict for `default` and where
        it is being erased already."""
        tenant = await self._tenants.begin_deletion(caller, id_or_name)
        await self._keys.revoke_all(tenant)
        id = await self._engine.jobs.enqueue(_job(tenant.key, dedupe=tenant.key))
        if id is None:
            raise Conflict("Tenant is being deleted already", tenant=tenant.key)
        return id

    async def handle(self, job: Job, progress: Progress) -> bytes:
        """The job itself, for `memory.extraction.worker.Reporting`: interrupted anywhere, it can be done again."""
        key = job.payload.decode()
        result = msgspec.json.encode({"tenant_id": key})
        await self._engine.erase(key, lambda share: progress(_FIRST_SHARE * share))
        try:
            tenant = await self._tenants.get(key)
        except NotFound:  # these were the leftovers, or an earlier attempt did all but say so
            return result
        await asyncio.sleep(self._settle_seconds)
        await self._engine.erase(key, lambda share: progress(_FIRST_SHARE + (1 - _FIRST_SHARE) * share))
        await self._keys.revoke_all(tenant)
        leftovers = _job(key, dedupe=f"leftovers of {key}", delay_seconds=self._leftovers_seconds)
        await self._engine.jobs.enqueue(leftovers)
        await self._tenants.remove(tenant)
        return result


def _job(tenant: str, *, dedupe: str, delay_seconds: float = 0.0) -> Enqueue:
    return Enqueue(kind=JOB_KIND, tenant=SYSTEM, payload=tenant.encode(), dedupe=dedupe, delay_seconds=delay_seconds)

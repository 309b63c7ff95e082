"""Following jobs."""

from admin.tenants import Tenants
from memory.caller import SYSTEM, Caller
from memory.engines.base import Jobs, JobStatus
from memory.errors import NotFound


class JobStatuses:
    def __init__(self, jobs: Jobs, tenants: Tenants) -> None:
        self._jobs = jobs
        self._tenants = tenants

    async def of(self, caller: Caller, id: str) -> JobStatus:
        """How far it is: for the operator any of the server's own, for a tenant's key with the scope `admin` its
        tenant's. Raises NotFound for any other job, Forbidden for anyone else."""
        place = SYSTEM if caller.operator else (await self._tenants.administered(caller, caller.tenant)).key
        status = await self._jobs.status(place, id)
        if status is None:
            raise NotFound("Job not found", job_id=id)
        return status

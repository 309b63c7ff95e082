"""`/admin/jobs`."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from admin.api import documentation
from admin.api.schemas import JobView
from admin.api.views import job_view
from admin.tenants import Tenants
from memory.api.documentation import answer, errors
from memory.caller import SYSTEM, Caller
from memory.engines.base import Engine
from memory.errors import NotFound


class JobsController(Controller):
    path = "/admin/jobs"
    tags = ("Jobs",)

    @get("/{id:str}", operation_id="getJob", responses=answer(200, JobView, documentation.JOB) | errors(404))
    async def show(
        self,
        id: FromPath[str],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        engine: NamedDependency[Engine],
    ) -> JobView:
        """How far a job is. A key with the scope `admin` may ask for its own tenant's; the operator for the server's
        own."""
        place = SYSTEM if caller.operator else (await tenants.administered(caller, caller.tenant)).key
        status = await engine.jobs.status(place, id)
        if status is None:
            raise NotFound("Job not found", job_id=id)
        return job_view(status)

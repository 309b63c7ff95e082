"""`/admin/jobs`."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from admin.api import documentation
from admin.api.schemas import JobView
from admin.api.views import job_view
from admin.jobs import JobStatuses
from memory.api.documentation import answer, errors
from memory.caller import Caller


class JobsController(Controller):
    path = "/admin/jobs"
    tags = ("Jobs",)

    @get("/{id:str}", operation_id="getJob", responses=answer(200, JobView, documentation.JOB) | errors(404))
    async def show(
        self, id: FromPath[str], caller: NamedDependency[Caller], jobs: NamedDependency[JobStatuses]
    ) -> JobView:
        """How far a job is. A key with the scope `admin` may ask for its own tenant's; the operator for the server's
        own."""
        return job_view(await jobs.of(caller, id))

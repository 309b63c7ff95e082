"""Whether the server lives, and whether it is ready."""

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from memory.api.schemas import Health, ReadinessView
from memory.service.readiness import Readiness


class HealthController(Controller):
    tags = ("Health",)

    @get("/health", operation_id="health", opt={"public": True}, sync_to_thread=False)
    def health(self) -> Health:
        """Liveness: answers as long as the process does."""
        return Health()

    @get(
        "/ready",
        operation_id="ready",
        opt={"public": True},
        responses={503: ResponseSpec(ReadinessView, description="Not ready", generate_examples=False)},
    )
    async def ready(self, readiness: NamedDependency[Readiness]) -> Response[ReadinessView]:
        """Readiness: 503 while a part that the server depends on does not work."""
        report = await readiness.report()
        view = ReadinessView(status="ready" if report.ready else "not_ready", checks=report.checks)
        return Response(view, status_code=200 if report.ready else 503)

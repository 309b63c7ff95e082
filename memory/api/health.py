"""Whether the server lives, and whether it is ready."""

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from memory.api import documentation
from memory.api.documentation import answer
from memory.api.options import PUBLIC
from memory.api.schemas import Health, ReadinessView
from memory.service.readiness import Readiness


class HealthController(Controller):
    tags = ("Health",)

    security = ({},)

    @get(
        "/health",
        operation_id="health",
        opt={PUBLIC: True},
        responses=answer(200, Health, documentation.HEALTH),
        sync_to_thread=False,
    )
    def health(self) -> Health:
        """Liveness: answers as long as the process does."""
        return Health()

    @get(
        "/ready",
        operation_id="ready",
        opt={PUBLIC: True},
        responses=answer(200, ReadinessView, documentation.READY) | answer(503, ReadinessView, documentation.NOT_READY),
    )
    async def ready(self, readiness: NamedDependency[Readiness]) -> Response[ReadinessView]:
        """Readiness: 503 while a part that the server depends on does not work."""
        report = await readiness.report()
        view = ReadinessView(status="ready" if report.ready else "not_ready", checks=report.checks)
        return Response(view, status_code=200 if report.ready else 503)

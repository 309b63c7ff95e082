"""The native API as a real application over the services, for one caller."""

from typing import Any

from litestar import Litestar
from litestar.di import Provide

from memory.api.errors import rest_error
from memory.api.routes import memory_routes
from memory.caller import Caller
from memory.service.readiness import Readiness
from tests.support.services import Services


def native_app(services: Services, caller: Caller, readiness: Readiness | None = None) -> Litestar:
    async def storage() -> str:
        await services.engine.ping()
        return "ok"

    provided: dict[str, Any] = {
        "caller": caller,
        "namespaces": services.namespaces,
        "remember": services.remember,
        "revise": services.revise,
        "forget": services.forget,
        "read": services.read,
        "search": services.search,
        "history": services.history,
        "export": services.export,
        "imports": services.imports,
        "readiness": readiness or Readiness({"storage": storage}),
    }
    return Litestar(
        memory_routes(),
        dependencies={name: Provide(_giving(value), sync_to_thread=False) for name, value in provided.items()},
        exception_handlers={Exception: rest_error},
        request_max_body_size=2_000_000,
        openapi_config=None,
        logging_config=None,
    )


def _giving(value: Any) -> Any:
    def give() -> Any:
        return value

    return give

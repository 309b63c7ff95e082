"""The native API as a real application over the services, for one caller."""

from collections.abc import Iterable
from typing import Any

from litestar import Litestar
from litestar.di import Provide

from memory.api.errors import rest_error
from memory.api.leave import Authority
from memory.api.routes import memory_routes
from memory.caller import Caller
from memory.errors import RemoraError
from memory.service.readiness import Readiness
from tests.support.services import Services


class Knowing:
    """Whoever asks is the caller it was told, until `refusal` is set."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.refusal: RemoraError | None = None

    async def caller(self, headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> Caller:  # noqa: ARG002 - a port's
        if self.refusal is not None:
            raise self.refusal
        return self._caller


def native_app(
    services: Services, caller: Caller, readiness: Readiness | None = None, authority: Authority | None = None
) -> Litestar:
    async def storage() -> str:
        await services.engine.ping()
        return "ok"

    provided: dict[str, Any] = {
        "caller": caller,
        "authenticator": authority or Knowing(caller),
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

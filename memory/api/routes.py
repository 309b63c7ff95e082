"""The native API's routes."""

from litestar import Controller

from memory.api.health import HealthController
from memory.api.memories import MemoriesController
from memory.api.namespaces import NamespacesController
from memory.api.transfer import TransferController


def memory_routes() -> list[type[Controller]]:
    """They need the named dependencies `caller`, `namespaces`, `remember`, `revise`, `forget`, `read`, `search`,
    `history`, `export`, `imports` and `readiness`, and `memory.api.errors.rest_error` as the exception handler of
    `Exception`."""
    return [MemoriesController, TransferController, NamespacesController, HealthController]

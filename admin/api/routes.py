"""The admin API's routes."""

from litestar import Controller

from admin.api.audit import AuditController
from admin.api.events import EventsController
from admin.api.jobs import JobsController
from admin.api.keys import KeysController
from admin.api.stats import StatsController
from admin.api.tenants import TenantsController


def admin_routes() -> list[type[Controller]]:
    """They need the named dependencies `caller`, `tenants`, `uses`, `keys`, `erasure`, `jobs`, `trail`, `statistics`,
    `feed`, `authenticator`, `namespaces` and `settings`, and `memory.api.errors.rest_error` as the exception handler
    of `Exception`."""
    return [TenantsController, KeysController, JobsController, AuditController, EventsController, StatsController]

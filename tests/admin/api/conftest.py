"""The admin API as a real application over either engine, which asks for keys as Remora does."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request
from litestar.di import Provide
from msgspec import Struct

from admin.api.audit import AuditController
from admin.api.jobs import JobsController
from admin.api.keys import KeysController
from admin.api.tenants import TenantsController
from admin.auth import Authenticator
from admin.erasure import Erasure
from admin.jobs import JobStatuses
from admin.keys import Keys
from admin.tenants import Tenants
from admin.trail import AuditTrail
from admin.usage import TenantUses
from config.settings import Secret, Settings
from config.supervisor import Supervisor
from memory.api.errors import rest_error
from memory.caller import Caller
from memory.engines.base import Engine
from memory.extraction.worker import Reporting, Worker
from tests.support.services import SetClock

OPERATOR_KEY = "the-operators-key"


class Admin(Struct):
    """What is behind the API, and a client with the operator's key."""

    engine: Engine
    clock: SetClock
    tenants: Tenants
    keys: Keys
    worker: Worker
    supervisor: Supervisor
    client: httpx.AsyncClient

    async def ask(self, method: str, path: str, body: object = None, *, key: str = OPERATOR_KEY) -> httpx.Response:
        """The answer from below `/admin`."""
        headers = {"X-API-Key": key} if key else {}
        return await self.client.request(method, f"/admin{path}", json=body, headers=headers)

    async def told(self, method: str, path: str, body: object = None, *, key: str = OPERATOR_KEY) -> Any:
        """The same, which is to be a success."""
        answer = await self.ask(method, path, body, key=key)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def tenant(self, name: str = "acme-corp", **given: Any) -> Any:
        return await self.told("POST", "/tenants", {"name": name, **given})

    async def key(self, tenant: str, *scopes: str, **given: Any) -> str:
        body = ({"scopes": scopes} if scopes else {}) | given
        key: str = (await self.told("POST", f"/tenants/{tenant}/keys", body))["key"]
        return key


@pytest.fixture
def settings() -> Settings:
    return Settings(admin_key=Secret(OPERATOR_KEY))


@pytest.fixture
async def admin(either_engine: Engine, settings: Settings) -> AsyncIterator[Admin]:
    engine, clock = either_engine, SetClock()
    async with Supervisor() as supervisor:
        tenants = Tenants(engine, supervisor, clock, timer=clock.seconds)
        keys = Keys(engine, supervisor, clock, timer=clock.seconds)
        authenticator = Authenticator(settings, keys, tenants, clock)
        erasure = Erasure(engine, tenants, keys, settle_seconds=0, leftovers_seconds=0)

        async def caller(request: Request[Any, Any, Any]) -> Caller:
            return await authenticator.caller(request.scope["headers"], request.scope["query_string"])

        given: dict[str, Any] = {
            "tenants": tenants,
            "uses": TenantUses(engine),
            "keys": keys,
            "erasure": erasure,
            "jobs": JobStatuses(engine.jobs, tenants),
            "trail": AuditTrail(engine.log, tenants),
        }
        app = Litestar(
            [TenantsController, KeysController, JobsController, AuditController],
            dependencies={"caller": Provide(caller)}
            | {name: Provide(_giving(value), sync_to_thread=False) for name, value in given.items()},
            exception_handlers={Exception: rest_error},
            openapi_config=None,
            logging_config=None,
        )
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            worker = Worker(engine, {"erase-tenant": Reporting(erasure.handle)}, delay=lambda _: 0.0)
            yield Admin(
                engine=engine,
                clock=clock,
                tenants=tenants,
                keys=keys,
                worker=worker,
                supervisor=supervisor,
                client=client,
            )


def _giving(value: Any) -> Any:
    def give() -> Any:
        return value

    return give

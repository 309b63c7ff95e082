from typing import Any

from litestar.testing import AsyncTestClient

from memory.errors import StoreUnavailable
from memory.service.readiness import Readiness
from tests.support.native import native_app
from tests.support.services import Services, a_caller


async def test_a_server_with_a_broken_part_lives_but_is_not_ready(services: Services) -> None:
    async def down() -> str:
        raise StoreUnavailable("no Redis at 10.0.0.7:6379")

    client: AsyncTestClient[Any]
    async with AsyncTestClient(native_app(services, a_caller(), Readiness({"storage": down}))) as client:
        alive, ready = await client.get("/health"), await client.get("/ready")

    assert alive.status_code == 200
    assert ready.status_code == 503
    assert ready.json() == {"status": "not_ready", "checks": {"storage": "does not answer"}}

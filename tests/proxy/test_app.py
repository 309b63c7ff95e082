import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from config.settings import Secret, Settings
from memory.api.options import PUBLIC
from proxy.app import NATIVE, create_app

KEY = "the-operators-key"


@pytest.fixture(scope="module")
def app() -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(Settings(store="sqlite://", admin_key=Secret(KEY)))) as client:
        yield client


def closed_routes() -> list[tuple[str, str]]:
    routes = create_app(Settings(store="sqlite://")).routes
    return sorted(
        (method, route.path)
        for route in routes
        if isinstance(route, HTTPRoute)
        for method, handler in ((m, h) for h in route.route_handlers for m in h.http_methods)
        if method != "OPTIONS" and not handler.opt.get(PUBLIC)
    )


@pytest.mark.parametrize(("method", "path"), closed_routes())
def test_a_native_route_asks_for_a_key(app: TestClient[Litestar], method: str, path: str) -> None:
    address = re.sub(r"\{[^}]*\}", "anything", path)

    for headers in ({}, {"X-API-Key": "wrong"}):
        answer = app.request(method, address, headers=headers)

        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthorized"


def test_health_readiness_and_the_schema_are_open(app: TestClient[Litestar]) -> None:
    for path in ("/health", "/ready", "/schema", "/schema/openapi.json", "/schema/assets/swagger-ui.css"):
        assert app.get(path).status_code == 200


def test_the_schema_page_needs_nothing_from_the_network(app: TestClient[Litestar]) -> None:
    page = app.get("/schema").text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert loaded
    for address in loaded:
        assert address.startswith(("/", "data:"))
        if address.startswith("/"):
            assert app.get(address).status_code == 200


@pytest.mark.parametrize("segment", sorted(NATIVE))
def test_a_misspelt_native_route_is_not_passed_on(app: TestClient[Litestar], segment: str) -> None:
    answer = app.get(f"/v1/{segment}/no/such/route", headers={"X-API-Key": KEY})

    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "code": "not_found",
        "message": f"There is no /v1/{segment}/no/such/route",
        "details": {},
    }


def test_no_library_is_loaded_before_a_setting_asks_for_it() -> None:
    program = """
import sys
import proxy.serve
from config.settings import Settings
proxy.serve.create_app(Settings())
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=100)

    dear = {"aiohttp", "apsw", "dateparser", "fastembed", "httpx", "jinja2", "openai", "redis", "redisvl", "wordllama"}
    assert dear & set(done.stdout.split()) == set()

"""What every request gets, whoever answers it: a name, a line in the log, and its share of the limits."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any, get_args

import httpx
import openai
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from structlog.testing import capture_logs

from admin.meter import Operation
from config.settings import Limits, Log, Secret, Settings
from memory.api.options import OPERATION
from proxy.app import create_app
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream

KEY = "the-operators-key"
NAME = re.compile(r"req_[0-9a-z]{11}")
LIMITS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def an_app(**settings: Any) -> TestClient[Litestar]:
    settings.setdefault("log", Log(requests=True))
    app = create_app(Settings(store="sqlite://", admin_key=Secret(KEY), **settings))
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def app() -> Iterator[TestClient[Litestar]]:
    with an_app() as client:
        yield client


@pytest.fixture(scope="module")
def limited(fake: FakeUpstream) -> Iterator[RemoraServer]:
    """Each address has one request a minute."""
    with RemoraServer(settings_for(fake.url, limits=Limits(requests_per_minute=1))) as server:
        yield server


def exhausted(server: RemoraServer, method: str, path: str, **given: Any) -> httpx.Response:
    """The answer to one request too many."""
    for _ in range(5):  # more than minutes can go by
        answer = httpx.request(method, server.origin + path, **given)
        if answer.status_code == 429:
            return answer
    raise AssertionError("nothing was refused")


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/v1/namespaces", KEY, 200),
        ("GET", "/health", "", 200),
        ("GET", "/schema/openapi.json", "", 200),
        ("GET", "/v1/memories", "wrong", 401),
        ("GET", "/v1/memories/mem_unknown", KEY, 404),
        ("GET", "/no/such/route", KEY, 404),
        ("PATCH", "/v1/namespaces", KEY, 405),
        ("GET", "/v1/models", "wrong", 401),
    ],
)
def test_every_answer_bears_a_name_of_its_own(
    app: TestClient[Litestar], method: str, path: str, key: str, status: int
) -> None:
    answers = [app.request(method, path, headers={"X-API-Key": key}) for _ in range(2)]

    names = [answer.headers["x-remora-request-id"] for answer in answers]
    assert [answer.status_code for answer in answers] == [status, status]
    assert all(NAME.fullmatch(name) for name in names)
    assert names[0] != names[1]


@pytest.mark.parametrize(
    ("path", "key", "who", "status"),
    [
        ("/v1/namespaces/a%0Ab", KEY, "operator", 404),
        ("/v1/namespaces", "wrong", None, 401),
        ("/v1/models", "wrong", None, 401),
        ("/health", "", None, 200),
        ("/no/such/route", "", None, 404),
    ],
)
def test_every_request_leaves_one_line_without_its_query(
    app: TestClient[Litestar], path: str, key: str, who: str | None, status: int
) -> None:
    with capture_logs() as lines:
        app.get(f"{path}?api_key=in-the-query", headers={"X-API-Key": key})

    (line,) = [line for line in lines if line["event"] == "request"]
    assert line.pop("ms") > 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "who": who,
        "method": "GET",
        "path": path,
        "status": status,
    }


def test_a_proxied_request_leaves_a_line_too(fake: FakeUpstream) -> None:
    with capture_logs() as lines, RemoraServer(settings_for(fake.url, log=Log(requests=True))) as server:
        httpx.get(f"{server.url}/models")

    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["who"], line["method"], line["path"], line["status"]) == ("anyone", "GET", "/v1/models", 200)


def test_no_line_is_written_unless_it_is_asked_for() -> None:
    with an_app(log=Log()) as app, capture_logs() as lines:
        app.get("/v1/namespaces", headers={"X-API-Key": KEY})

    assert [line for line in lines if line["event"] == "request"] == []


def test_an_answer_within_the_limit_says_what_is_left() -> None:
    with an_app(limits=Limits(requests_per_minute=9)) as app:
        answer = app.get("/v1/namespaces", headers={"X-API-Key": KEY})
        refused = app.get("/v1/namespaces/none", headers={"X-API-Key": KEY})

    assert [answer.headers[name] for name in LIMITS[:2]] == ["9", "8"]
    assert int(answer.headers["x-ratelimit-reset"]) % 60 == 0
    assert refused.status_code == 404
    assert refused.headers["x-ratelimit-limit"] == "9"


def test_an_answer_says_nothing_of_limits_where_there_are_none(app: TestClient[Litestar]) -> None:
    answer = app.get("/v1/namespaces", headers={"X-API-Key": KEY})

    assert not set(LIMITS) & set(answer.headers)


@pytest.mark.parametrize("path", ["/health", "/ready", "/schema"])
def test_open_routes_are_never_limited(limited: RemoraServer, path: str) -> None:
    exhausted(limited, "GET", "/v1/namespaces")

    assert httpx.get(limited.origin + path).status_code == 200


def test_a_native_request_too_many_is_refused_before_its_body_is_read(limited: RemoraServer) -> None:
    answer = exhausted(limited, "POST", "/v1/memories", content=b"no JSON")

    assert answer.json()["error"]["code"] == "rate_limited"
    assert answer.json()["error"]["details"]["limit"] == 1
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-ratelimit-remaining"] == "0"


async def test_openais_client_takes_a_refused_call_for_a_rate_limit(limited: RemoraServer) -> None:
    async with openai.AsyncOpenAI(base_url=limited.url, api_key="sk-mine", max_retries=0) as client:
        asked = [client.models.list() for _ in range(5)]
        answers = await asyncio.gather(*asked, return_exceptions=True)

    refused = next(answer for answer in answers if isinstance(answer, openai.RateLimitError))
    assert (refused.type, refused.code) == ("rate_limit_error", "rate_limited")
    assert refused.response.headers["x-ratelimit-limit"] == "1"


def test_a_proxied_answer_within_the_limit_bears_only_the_upstreams_headers(fake: FakeUpstream) -> None:
    with RemoraServer(settings_for(fake.url, limits=Limits(requests_per_minute=9))) as server:
        answer = httpx.get(f"{server.url}/models")

    assert answer.status_code == 200
    assert not set(LIMITS) & set(answer.headers)


def test_each_route_says_of_which_kind_it_is_in_a_word_that_is_recorded(app: TestClient[Litestar]) -> None:
    said = {
        handler.opt[OPERATION]
        for route in app.app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if OPERATION in handler.opt
    }

    assert {"write", "read", "search", "context"} <= said <= set(get_args(Operation))

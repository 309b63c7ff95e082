import time
from typing import Any

import pytest
from litestar import Litestar, get, post
from litestar.exceptions import HTTPException, ServiceUnavailableException, TooManyRequestsException
from litestar.params import JSONBody
from litestar.testing import AsyncTestClient
from msgspec import Struct

from memory.api.body import StrictJson
from memory.api.errors import rest_error
from memory.api.times import iso
from memory.errors import (
    Conflict,
    EmbedderUnavailable,
    Forbidden,
    Invalid,
    Misconfigured,
    NotFound,
    QuotaExceeded,
    RateLimited,
    RemoraError,
    StoreUnavailable,
    TooLarge,
    Unauthenticated,
)


class Thing(Struct, forbid_unknown_fields=True):
    name: str
    size: int = 0
    parts: list["Thing"] = []
    anything: Any = None


def raising(error: Exception) -> AsyncTestClient[Any]:
    @get("/fail")
    async def fail() -> None:
        raise error

    app = Litestar([fail], exception_handlers={Exception: rest_error}, logging_config=None)
    return AsyncTestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Invalid("m"), 400, "bad_request"),
        (Unauthenticated("m"), 401, "unauthorized"),
        (Forbidden("m"), 403, "forbidden"),
        (QuotaExceeded("m"), 403, "quota_exceeded"),
        (NotFound("m"), 404, "not_found"),
        (Conflict("m"), 409, "conflict"),
        (TooLarge("m"), 413, "payload_too_large"),
        (StoreUnavailable("m"), 503, "unavailable"),
        (EmbedderUnavailable("m"), 503, "unavailable"),
        (Misconfigured("m"), 500, "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_each_domain_error_has_its_status_and_code(error: RemoraError, status: int, code: str) -> None:
    async with raising(error) as client:
        answer = await client.get("/fail")

    assert answer.status_code == status
    assert answer.json() == {"error": {"code": code, "message": "m", "details": {}}}
    assert answer.headers["content-type"].startswith("application/json")


async def test_details_reach_the_client_whatever_they_hold() -> None:
    async with raising(NotFound("m", memory_id="mem_x", odd=object)) as client:
        answer = await client.get("/fail")

    assert answer.json()["error"]["details"] == {"memory_id": "mem_x", "odd": "<class 'object'>"}


async def test_a_429_is_the_documents() -> None:
    ends = (int(time.time()) // 60 + 2) * 60
    async with raising(RateLimited("Rate limit exceeded", limit=100, reset_at=1000 * ends)) as client:
        answer = await client.get("/fail")

    assert answer.status_code == 429
    assert answer.headers["x-ratelimit-limit"] == "100"
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert answer.headers["x-ratelimit-reset"] == str(ends)
    assert 0 < int(answer.headers["retry-after"]) <= 120
    assert answer.json()["error"] == {
        "code": "rate_limited",
        "message": "Rate limit exceeded",
        "details": {"limit": 100, "reset_at": iso(1000 * ends)},
    }


async def test_a_client_is_never_told_to_come_back_at_once() -> None:
    async with raising(RateLimited("m", limit=1, reset_at=0)) as client:
        assert (await client.get("/fail")).headers["retry-after"] == "1"


async def test_a_401_says_how_to_authenticate_and_a_503_when_to_come_back() -> None:
    async with raising(Unauthenticated("m")) as client:
        assert (await client.get("/fail")).headers["www-authenticate"] == "Bearer"
    async with raising(StoreUnavailable("m")) as client:
        assert int((await client.get("/fail")).headers["retry-after"]) > 0


async def test_what_was_not_foreseen_is_logged_and_tells_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    async with raising(RuntimeError("the secret is 42")) as client:
        answer = await client.get("/fail?api_key=sk-1")

    assert answer.status_code == 500
    assert answer.json() == {"error": {"code": "internal_error", "message": "Internal server error", "details": {}}}
    [record] = [record for record in caplog.records if record.name == "remora.api"]
    assert record.getMessage() == "GET /fail failed"
    assert record.exc_info


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (TooManyRequestsException(headers={"Retry-After": "7"}), 429, "rate_limited"),
        (ServiceUnavailableException(), 503, "unavailable"),
        (HTTPException(status_code=418), 418, "bad_request"),
        (HTTPException(status_code=507), 507, "internal_error"),
    ],
)
async def test_the_frameworks_errors_take_the_same_shape(error: HTTPException, status: int, code: str) -> None:
    async with raising(error) as client:
        answer = await client.get("/fail")

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    if status == 429:
        assert answer.headers["retry-after"] == "7"


@pytest.fixture
async def client() -> Any:
    @post("/things", dto=StrictJson[Thing])
    async def make(data: JSONBody[Thing]) -> Thing:
        return data

    app = Litestar(
        [make], exception_handlers={Exception: rest_error}, request_max_body_size=100_000, logging_config=None
    )
    async with AsyncTestClient(app) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "name"),
        (b'{"name": 5}', "name"),
        (b'{"name": "a", "size": "1"}', "size"),
        (b'{"name": "a", "size": 1.5}', "size"),
        (b'{"name": "a", "nmae": "b"}', "nmae"),
        (b'{"name": "a", "parts": [{"name": "b"}, {"name": "c", "size": null}]}', "parts[1].size"),
        (b'{"name": "a", "parts": [{"colour": "red"}]}', "parts[0].colour"),
        (b"[]", "body"),
        (b"null", "body"),
    ],
)
async def test_a_bad_body_names_field_and_rule(client: AsyncTestClient[Any], body: bytes, field: str) -> None:
    answer = await client.post("/things", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "bad_request"
    assert error["details"] == {"field": field}
    assert error["message"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'a': 1}",
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b'{"name": NaN}',
        b'{"name": "a", "anything": ' + b"[" * 50_000,
        b"\0",
        b"",
    ],
    ids=["cut", "quotes", "UTF-8", "surrogate", "NaN", "deep", "NUL", "empty"],
)
async def test_what_is_no_json_is_a_400(client: AsyncTestClient[Any], body: bytes) -> None:
    answer = await client.post("/things", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"
    assert answer.json()["error"]["message"].startswith("the body is ")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_another_content_type_than_json_is_a_415(client: AsyncTestClient[Any], content_type: str) -> None:
    answer = await client.post("/things", content=b'{"name": "a"}', headers={"content-type": content_type})

    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_media_type"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/ld+json"])
async def test_json_by_any_of_its_names_is_read(client: AsyncTestClient[Any], content_type: str) -> None:
    answer = await client.post("/things", content=b'{"name": "a"}', headers={"content-type": content_type})

    assert answer.status_code == 201


async def test_too_large_a_body_is_a_413(client: AsyncTestClient[Any]) -> None:
    answer = await client.post("/things", json={"name": "x" * 100_000})

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "payload_too_large"


async def test_another_method_is_a_405_and_says_which_there_are(client: AsyncTestClient[Any]) -> None:
    answer = await client.get("/things?api_key=secret")

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert "secret" not in answer.text
    assert "POST" in answer.headers["allow"]


async def test_an_unknown_path_is_a_404_that_repeats_no_key(client: AsyncTestClient[Any]) -> None:
    answer = await client.get("/nowhere?api_key=secret")

    assert answer.status_code == 404
    assert answer.json()["error"] == {"code": "not_found", "message": "There is no /nowhere", "details": {}}

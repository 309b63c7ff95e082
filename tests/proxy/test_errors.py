import json
from typing import Any

import pytest

from memory.errors import (
    EmbedderUnavailable,
    Forbidden,
    Invalid,
    Misconfigured,
    NotFound,
    Overloaded,
    RateLimited,
    RemoraError,
    StoreUnavailable,
    TooLarge,
    Unauthenticated,
)
from proxy.errors import UpstreamFailed, UpstreamTimeout, error_answer, error_event


def told(error: RemoraError) -> tuple[int, dict[bytes, bytes], dict[str, Any]]:
    status, headers, body = error_answer(error)
    return status, dict(headers), json.loads(body)["error"]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Invalid("x"), 400, "invalid_request_error"),
        (Unauthenticated("x"), 401, "authentication_error"),
        (Forbidden("x"), 403, "permission_error"),
        (NotFound("x"), 404, "invalid_request_error"),
        (TooLarge("x"), 413, "invalid_request_error"),
        (RateLimited("x", limit=1, reset_at=0), 429, "rate_limit_error"),
        (UpstreamFailed("x"), 502, "api_connection_error"),
        (UpstreamTimeout("x"), 504, "timeout"),
        (Overloaded("x"), 503, "server_error"),
        (StoreUnavailable("x"), 503, "server_error"),
        (EmbedderUnavailable("x"), 503, "server_error"),
        (Misconfigured("x"), 500, "server_error"),
    ],
)
def test_every_error_has_a_status_and_a_type(error: RemoraError, status: int, kind: str) -> None:
    assert told(error)[0] == status
    assert told(error)[2]["type"] == kind


def test_all_five_fields_are_there() -> None:
    _, headers, body = told(Invalid("bad value", field="X-Remora-User"))
    assert body == {
        "code": "bad_request",
        "message": "bad value",
        "type": "invalid_request_error",
        "param": "X-Remora-User",
        "details": {"field": "X-Remora-User"},
    }
    assert headers[b"content-type"] == b"application/json"


def test_who_is_to_come_back_is_told_when() -> None:
    assert told(Overloaded("x"))[1][b"retry-after"] == b"1"


def test_a_429_satisfies_both_shapes() -> None:
    _, headers, body = told(RateLimited("Rate limit exceeded", limit=100, reset_at=1_768_816_800_000))
    assert headers[b"x-ratelimit-limit"] == b"100"
    assert headers[b"x-ratelimit-remaining"] == b"0"
    assert headers[b"x-ratelimit-reset"] == b"1768816800"
    assert headers[b"retry-after"] == b"1"
    assert body["code"] == "rate_limited"
    assert body["type"] == "rate_limit_error"
    assert body["details"] == {"limit": 100, "reset_at": "2026-01-19T10:00:00Z"}


def test_an_event_holds_the_same_error() -> None:
    event = error_event(UpstreamFailed("cut"))
    assert event.startswith(b'data: {"error":{')
    assert event.endswith(b"}\n\n")
    assert json.loads(event[6:])["error"]["message"] == "cut"

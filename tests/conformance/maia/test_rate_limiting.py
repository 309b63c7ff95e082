"""The document's Rate Limiting."""

import time
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.support.operator import Operator

LIMIT = 3
PRINTED: dict[str, Any] = {
    "error": {
        "code": "rate_limited",
        "message": "Rate limit exceeded",
        "details": {"limit": 100, "reset_at": "2026-01-19T10:00:00Z"},
    }
}


@pytest.fixture
def limited(operator: Operator) -> httpx.Client:
    """Of a tenant that may ask three times a day, so that no minute that begins meanwhile changes anything."""
    tenant = operator.tenant(quotas={"requests_per_day": LIMIT})
    return operator.acting(operator.key(tenant["id"]))


def is_limited(answer: httpx.Response) -> None:
    assert answer.status_code == 429
    same_shape(answer.json(), PRINTED, beyond={"type", "param"})
    assert answer.json()["error"]["code"] == "rate_limited"
    assert answer.json()["error"]["message"].startswith("Rate limit exceeded")
    details = answer.json()["error"]["details"]
    reset = int(answer.headers["X-RateLimit-Reset"])
    assert datetime.fromisoformat(details["reset_at"]).timestamp() == reset
    assert int(answer.headers["X-RateLimit-Limit"]) == details["limit"] == LIMIT
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400
    assert reset - time.time() == pytest.approx(int(answer.headers["Retry-After"]), abs=2)


def test_beyond_the_limit_is_the_printed_answer(limited: httpx.Client) -> None:
    for _ in range(LIMIT):
        assert limited.get("/v1/memories").status_code == 200

    is_limited(limited.get("/v1/memories"))


def test_proxied_calls_count_and_are_limited_alike(limited: httpx.Client) -> None:
    chat = {"model": "echo", "messages": [{"role": "user", "content": "hi"}]}
    for _ in range(LIMIT):
        assert limited.post("/proxy/v1/chat/completions", json=chat).status_code == 200

    is_limited(limited.post("/proxy/v1/chat/completions", json=chat))
    is_limited(limited.get("/v1/memories"))


def test_each_answer_says_what_is_left(limited: httpx.Client) -> None:
    left = [limited.get("/v1/memories").headers["X-RateLimit-Remaining"] for _ in range(LIMIT)]

    assert left == ["2", "1", "0"]


def test_another_tenant_is_not_limited(limited: httpx.Client, client: httpx.Client) -> None:
    while limited.get("/v1/memories").status_code == 200:
        pass

    assert client.get("/v1/memories").status_code == 200

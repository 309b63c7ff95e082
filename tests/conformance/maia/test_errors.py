"""The document's Error Responses section: every code provoked, and those of ours in the same shape."""

from typing import Any

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.support.operator import Operator

PRINTED: dict[str, Any] = {
    "error": {"code": "not_found", "message": "Memory not found", "details": {"memory_id": "mem_invalid"}}
}


def is_error(answer: httpx.Response, status: int, code: str) -> None:
    """Fails unless it is this error in the document's shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    same_shape(answer.json(), {"error": PRINTED["error"] | {"details": {}}})
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"]


@pytest.fixture
def reader(operator: Operator, tenant: dict[str, Any]) -> httpx.Client:
    """May only read."""
    return operator.acting(operator.key(tenant["id"], scopes=["read"]))


def test_the_printed_error(client: httpx.Client) -> None:
    answer = client.get("/v1/memories/mem_invalid")

    assert answer.status_code == 404
    assert answer.json() == PRINTED


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"namespace": 1}', b"[" * 100_000])
def test_bad_request(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/v1/memories", content=body, headers={"Content-Type": "application/json"})

    is_error(answer, 400, "bad_request")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "offset=-1", "type=x", "source=x"])
def test_bad_parameters(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/v1/memories?{query}")

    is_error(answer, 400, "bad_request")
    assert answer.json()["error"]["details"]["field"] == query.partition("=")[0]


def test_unauthorized(operator: Operator) -> None:
    is_error(operator.acting("no-such-key").get("/v1/memories"), 401, "unauthorized")


def test_forbidden(reader: httpx.Client) -> None:
    assert reader.get("/v1/memories").status_code == 200
    is_error(reader.post("/v1/memories", json={"namespace": "default", "content": "x"}), 403, "forbidden")
    is_error(reader.get("/admin/tenants"), 403, "forbidden")


@pytest.mark.parametrize(
    "path", ["/v1/memories/mem_invalid", "/v1/namespaces/none", "/v1/receipts/none", "/v1/memories/mem_invalid/none"]
)
def test_not_found(client: httpx.Client, path: str) -> None:
    is_error(client.get(path), 404, "not_found")


def test_conflict(client: httpx.Client) -> None:
    assert client.post("/v1/namespaces", json={"name": "a"}).status_code == 201
    is_error(client.post("/v1/namespaces", json={"name": "a"}), 409, "conflict")


def test_method_not_allowed(client: httpx.Client) -> None:
    answer = client.delete("/v1/memories")

    is_error(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_payload_too_large(client: httpx.Client) -> None:
    body = b'{"namespace": "default", "content": "' + b"x" * 25_000_000 + b'"}'
    answer = client.post("/v1/memories", content=body, headers={"Content-Type": "application/json"})

    is_error(answer, 413, "payload_too_large")


def test_unsupported_media_type(client: httpx.Client) -> None:
    answer = client.post("/v1/memories", content=b'{"namespace": "default", "content": "x"}')

    is_error(answer, 415, "unsupported_media_type")

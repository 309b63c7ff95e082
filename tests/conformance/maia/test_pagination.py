"""The document's Pagination section, and its rules in every list."""

from typing import Any

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.conformance.maia.test_memories import CREATED, create
from tests.support.operator import Operator

PAGE: dict[str, Any] = {"items": [], "total": 500, "limit": 50, "offset": 100, "has_more": True}
LISTED = {key: value for key, value in CREATED.items() if key != "embedding"}


def test_the_printed_list(client: httpx.Client) -> None:
    for _ in range(3):
        create(client)

    answer = client.get("/v1/memories?limit=50&offset=100")
    page = client.get("/v1/memories?limit=2").json()

    assert answer.json() == {"items": [], "total": 3, "limit": 50, "offset": 100, "has_more": False}
    same_shape(page, PAGE | {"items": [LISTED]})
    assert page["has_more"] is True


def pages(client: httpx.Client, method: str, path: str, items: str) -> tuple[list[Any], dict[str, Any]]:
    """All that paging by two finds, and the last page."""
    found: list[Any] = []
    while True:
        asked = {"limit": 2, "offset": len(found)}
        how: dict[str, Any] = {"params": asked} if method == "GET" else {"json": asked}
        answer = client.request(method, path, **how)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert (page["limit"], page["offset"]) == (2, len(found))
        found += page[items]
        assert page["has_more"] is (len(found) < page["total"])
        if not page["has_more"]:
            return found, page


@pytest.mark.parametrize(
    ("method", "path", "items"),
    [
        ("GET", "/v1/memories", "items"),
        ("GET", "/v1/namespaces/default/memories", "memories"),
        ("POST", "/v1/memories/search", "results"),
        ("GET", "/v1/namespaces", "namespaces"),
    ],
)
def test_every_list_is_paged_alike(client: httpx.Client, method: str, path: str, items: str) -> None:
    for number in range(5):
        create(client, content=f"memory {number}")
        if number:
            client.post("/v1/namespaces", json={"name": f"namespace {number}"})

    found, last = pages(client, method, path, items)

    assert len(found) == last["total"] == 5
    assert len({str(item) for item in found}) == 5


@pytest.mark.parametrize("what", ["tenants", "keys", "audit"])
def test_the_operators_lists_are_paged_alike(operator: Operator, tenant: dict[str, Any], what: str) -> None:
    for _ in range(3):
        operator.key(tenant["id"])
    paths = {"tenants": "/admin/tenants", "keys": f"/admin/tenants/{tenant['id']}/keys", "audit": "/admin/audit"}

    page = operator.client.get(paths[what], params={"limit": 1}).json()

    assert {"limit", "has_more"} <= set(page)
    assert len(next(value for value in page.values() if isinstance(value, list))) == 1


def test_paging_a_ranked_list_ends_at_1_000(client: httpx.Client) -> None:
    for start in range(0, 1100, 100):
        batch = [{"content": f"the same words {start + number}"} for number in range(100)]
        assert client.post("/v1/memories/batch", json={"namespace": "default", "memories": batch}).status_code == 201

    def page(offset: int) -> dict[str, Any]:
        asked = {"query": "the same words", "limit": 100, "offset": offset}
        found: dict[str, Any] = client.post("/v1/memories/search", json=asked).json()
        return found

    assert (len(page(900)["results"]), page(900)["has_more"], page(900)["total"]) == (100, False, 1100)
    assert (page(1000)["results"], page(1000)["has_more"]) == ([], False)
    assert client.get("/v1/memories?limit=1000&offset=1000").json()["has_more"] is False
    assert len(client.get("/v1/memories?limit=1000&offset=1000").json()["items"]) == 100

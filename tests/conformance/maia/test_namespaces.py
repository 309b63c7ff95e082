"""The document's Namespace section: each example sent as printed, each error provoked."""

from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from tests.conformance.maia.shape import same_shape

Client = AsyncTestClient[Any]

CREATE: dict[str, Any] = {
    "name": "project-alpha",
    "parent": "team-a",
    "template": "team-a",
    "config": {
        "token_budget": 8000,
        "max_memories": 50000,
        "retention_days": 90,
        "allowed_types": ["semantic", "episodic", "working"],
        "inherit_from_parent": True,
        "custom_scoring": {"vector_weight": 0.4, "text_weight": 0.3},
    },
}
CREATED: dict[str, Any] = {
    "id": "ns_01HQ5K4...",
    "name": "project-alpha",
    "parent": "team-a",
    "config": CREATE["config"],
    "stats": {"memory_count": 0, "total_tokens": 0},
    "created_at": "2026-01-19T10:00:00Z",
    "updated_at": "2026-01-19T10:00:00Z",
}
"""As printed, but with the whole configuration echoed, of which the document prints a part."""
LISTED: dict[str, Any] = {
    "namespaces": [
        {
            "id": "ns_01HQ5K4...",
            "name": "default",
            "config": {},
            "stats": {"memory_count": 150, "total_tokens": 45000},
            "created_at": "2026-01-19T10:00:00Z",
        }
    ],
    "total": 5,
    "limit": 100,
    "offset": 0,
}
UPDATE: dict[str, Any] = {"config": {"token_budget": 10000, "retention_days": 180}}
MEMORIES: dict[str, Any] = {"memories": [], "total": 150, "limit": 100, "offset": 0}
OURS = frozenset({"template", "effective_config"})


@pytest.fixture
async def alpha(client: Client) -> dict[str, Any]:
    assert (await client.post("/v1/namespaces", json={"name": "team-a"})).status_code == 201
    answer = await client.post("/v1/namespaces", json=CREATE)
    assert answer.status_code == 201
    namespace: dict[str, Any] = answer.json()
    return namespace


async def test_create(alpha: dict[str, Any]) -> None:
    same_shape(alpha, CREATED, beyond=OURS)
    assert alpha["config"] == CREATE["config"]


async def test_create_refuses_a_bad_name_and_a_taken_one(client: Client, alpha: dict[str, Any]) -> None:
    bad = await client.post("/v1/namespaces", json={"name": "a/b"})
    taken = await client.post("/v1/namespaces", json=CREATE)

    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "bad_request")
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "conflict")


async def test_list(client: Client) -> None:
    answer = await client.get("/v1/namespaces")

    assert answer.status_code == 200
    same_shape(answer.json(), LISTED, beyond=frozenset({"updated_at", "has_more"}))


@pytest.mark.parametrize("by", ["id", "name"])
async def test_get(client: Client, alpha: dict[str, Any], by: str) -> None:
    answer = await client.get(f"/v1/namespaces/{alpha[by]}")

    assert answer.status_code == 200
    assert answer.json() == alpha


@pytest.mark.parametrize("by", ["id", "name"])
async def test_update(client: Client, alpha: dict[str, Any], by: str) -> None:
    answer = await client.put(f"/v1/namespaces/{alpha[by]}", json=UPDATE)

    assert answer.status_code == 200
    same_shape(answer.json(), CREATED, beyond=OURS)
    assert answer.json()["config"] == CREATE["config"] | UPDATE["config"]


@pytest.mark.parametrize("by", ["id", "name"])
async def test_delete(client: Client, alpha: dict[str, Any], by: str) -> None:
    memory = {"namespace": "project-alpha", "content": "x"}
    assert (await client.post("/v1/memories", json=memory)).status_code == 201
    url = f"/v1/namespaces/{alpha[by]}"

    refused = await client.delete(url)
    done = await client.delete(f"{url}?force=true")

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_request")
    assert (done.status_code, done.content) == (204, b"")
    for answer in (await client.get(url), await client.delete(url)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("by", ["id", "name"])
async def test_list_memories(client: Client, alpha: dict[str, Any], by: str) -> None:
    for kind in ("semantic", "episodic"):
        await client.post("/v1/memories", json={"namespace": "project-alpha", "content": "x", "type": kind})

    answer = await client.get(f"/v1/namespaces/{alpha[by]}/memories")
    episodic = await client.get(f"/v1/namespaces/{alpha[by]}/memories?type=episodic")

    same_shape(answer.json(), MEMORIES, beyond=frozenset({"has_more"}))
    assert (answer.json()["total"], answer.json()["limit"], answer.json()["offset"]) == (2, 100, 0)
    assert [memory["type"] for memory in episodic.json()["memories"]] == ["episodic"]

"""The document's Health, Memory, Error and Pagination sections: each example sent as printed, each error provoked."""

from typing import Any

from litestar.testing import AsyncTestClient

from tests.conformance.maia.shape import same_shape

Client = AsyncTestClient[Any]

CREATE: dict[str, Any] = {
    "namespace": "default",
    "content": "User prefers dark mode and compact layouts",
    "type": "semantic",
    "metadata": {"source": "user-settings", "confidence": 0.95},
    "tags": ["preferences", "ui"],
    "confidence": 0.9,
    "source": "user",
}
CREATED: dict[str, Any] = {
    "id": "mem_01HQ5K3...",
    "namespace": "default",
    "content": "User prefers dark mode and compact layouts",
    "type": "semantic",
    "embedding": [0.123, -0.456],
    "metadata": {"source": "user-settings", "confidence": 0.95},
    "tags": ["preferences", "ui"],
    "confidence": 0.9,
    "source": "user",
    "created_at": "2026-01-19T10:00:00Z",
    "updated_at": "2026-01-19T10:00:00Z",
    "accessed_at": "2026-01-19T10:00:00Z",
    "access_count": 0,
}
UPDATE: dict[str, Any] = {
    "content": "User prefers dark mode, compact layouts, and monospace fonts",
    "metadata": {"updated_by": "user-profile-sync"},
    "tags": ["preferences", "ui", "fonts"],
    "confidence": 0.95,
}
SEARCH: dict[str, Any] = {
    "query": "user preferences display settings",
    "namespace": "default",
    "types": ["semantic", "episodic"],
    "tags": ["preferences"],
    "source": "user",
    "min_confidence": 0.5,
    "time_range": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-31T23:59:59Z"},
    "limit": 20,
    "offset": 0,
}
SEARCHED: dict[str, Any] = {
    "results": [
        {
            "memory": {
                "id": "mem_01HQ5K3...",
                "namespace": "default",
                "content": "User prefers dark mode...",
                "type": "semantic",
                "tags": ["preferences"],
                "confidence": 0.9,
                "created_at": "2026-01-19T10:00:00Z",
            },
            "score": 0.87,
        }
    ],
    "total": 15,
    "limit": 20,
    "offset": 0,
}
ERROR: dict[str, Any] = {
    "error": {"code": "not_found", "message": "Memory not found", "details": {"memory_id": "mem_invalid"}}
}
PAGE: dict[str, Any] = {"items": [], "total": 500, "limit": 50, "offset": 100, "has_more": True}

WHOLE_MEMORY = frozenset(CREATED) - {"embedding"}
"""A search prints a part of its memories' keys; ours have all but the embedding."""


async def create(client: Client, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/v1/memories", json=CREATE | changes)
    assert answer.status_code == 201
    memory: dict[str, Any] = answer.json()
    return memory


async def test_health(client: Client) -> None:
    answer = await client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


async def test_ready(client: Client) -> None:
    answer = await client.get("/ready")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"storage": "ok"}}


async def test_create(client: Client) -> None:
    memory = await create(client)

    same_shape(memory, CREATED)
    assert {key: memory[key] for key in CREATE} == CREATE
    assert memory["access_count"] == 0
    assert memory["created_at"] == memory["updated_at"] == memory["accessed_at"]


async def test_create_with_the_required_fields_takes_the_documents_defaults(client: Client) -> None:
    answer = await client.post("/v1/memories", json={"namespace": "default", "content": "x"})

    memory = answer.json()
    assert answer.status_code == 201
    assert (memory["type"], memory["confidence"], memory["source"]) == ("semantic", 1.0, "user")
    assert (memory["metadata"], memory["tags"]) == ({}, [])


async def test_create_refuses_bad_input_and_an_unknown_namespace(client: Client) -> None:
    missing = await client.post("/v1/memories", json={"namespace": "default"})
    invalid = await client.post("/v1/memories", json=CREATE | {"type": "nonsense"})
    long = await client.post("/v1/memories", json=CREATE | {"content": "x" * 10_241})
    unknown = await client.post("/v1/memories", json=CREATE | {"namespace": "unknown"})

    for answer in (missing, invalid, long):
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "bad_request"
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "not_found"


async def test_get(client: Client) -> None:
    id = (await create(client))["id"]

    answer = await client.get(f"/v1/memories/{id}")

    assert answer.status_code == 200
    same_shape(answer.json(), CREATED)


async def test_get_of_an_unknown_memory_is_the_printed_error(client: Client) -> None:
    answer = await client.get("/v1/memories/mem_invalid")

    assert answer.status_code == 404
    assert answer.json() == ERROR


async def test_update(client: Client) -> None:
    before = await create(client)

    answer = await client.put(f"/v1/memories/{before['id']}", json=UPDATE)

    assert answer.status_code == 200
    after = answer.json()
    same_shape(after, CREATED | {"metadata": {}})
    assert after["metadata"] == CREATE["metadata"] | UPDATE["metadata"]
    assert (after["content"], after["tags"], after["confidence"]) == (UPDATE["content"], UPDATE["tags"], 0.95)
    assert after["embedding"] != before["embedding"]


async def test_update_refuses_bad_input_and_an_unknown_memory(client: Client) -> None:
    id = (await create(client))["id"]

    assert (await client.put(f"/v1/memories/{id}", json={"confidence": 2})).status_code == 400
    assert (await client.put("/v1/memories/mem_invalid", json=UPDATE)).status_code == 404


async def test_delete(client: Client) -> None:
    id = (await create(client))["id"]

    answer = await client.delete(f"/v1/memories/{id}")

    assert answer.status_code == 204
    assert answer.content == b""
    assert (await client.get(f"/v1/memories/{id}")).status_code == 404
    assert (await client.delete(f"/v1/memories/{id}")).status_code == 404


async def test_search(client: Client) -> None:
    await create(client, created_at="2026-01-19T10:00:00Z")
    await create(client, created_at="2026-02-19T10:00:00Z")

    answer = await client.post("/v1/memories/search", json=SEARCH)

    assert answer.status_code == 200
    same_shape(answer.json(), SEARCHED, beyond=WHOLE_MEMORY | {"has_more"})
    assert (answer.json()["total"], answer.json()["limit"], answer.json()["offset"]) == (1, 20, 0)


async def test_search_with_nothing_given_takes_the_documents_defaults(client: Client) -> None:
    await create(client)

    answer = await client.post("/v1/memories/search", json={})

    same_shape(answer.json(), SEARCHED, beyond=WHOLE_MEMORY | {"has_more"})
    assert (answer.json()["limit"], answer.json()["offset"]) == (100, 0)


async def test_list_as_the_pagination_section_has_it(client: Client) -> None:
    for _ in range(3):
        await create(client)

    answer = await client.get("/v1/memories?limit=50&offset=100")
    page = await client.get("/v1/memories?limit=2")

    same_shape(answer.json(), PAGE)
    assert answer.json() == {"items": [], "total": 3, "limit": 50, "offset": 100, "has_more": False}
    same_shape(page.json(), PAGE)
    same_shape(page.json()["items"][0], {key: CREATED[key] for key in CREATED if key != "embedding"})
    assert page.json()["has_more"] is True

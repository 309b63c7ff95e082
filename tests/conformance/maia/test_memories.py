"""The document's Memory Operations: create, get, update, delete."""

from typing import Any

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.conformance.maia.test_errors import PRINTED, is_error

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
GOT: dict[str, Any] = CREATED | {
    "metadata": {},
    "tags": ["preferences"],
    "accessed_at": "2026-01-19T10:05:00Z",
    "access_count": 3,
}
LONGEST = "é" * 5_120
"""10,240 bytes of UTF-8."""


def create(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    answer = client.post("/v1/memories", json=CREATE | changes)
    assert answer.status_code == 201, answer.text
    memory: dict[str, Any] = answer.json()
    return memory


def test_create(client: httpx.Client) -> None:
    memory = create(client)

    same_shape(memory, CREATED)
    assert {key: memory[key] for key in CREATE} == CREATE
    assert memory["access_count"] == 0
    assert memory["created_at"] == memory["updated_at"] == memory["accessed_at"]


def test_create_with_the_required_fields_takes_the_documents_defaults(client: httpx.Client) -> None:
    answer = client.post("/v1/memories", json={"namespace": "default", "content": "x"})

    memory = answer.json()
    assert answer.status_code == 201
    assert (memory["type"], memory["confidence"], memory["source"]) == ("semantic", 1.0, "user")
    assert (memory["metadata"], memory["tags"]) == ({}, [])


@pytest.mark.parametrize("kind", ["semantic", "episodic", "working"])
def test_create_takes_the_documents_types(client: httpx.Client, kind: str) -> None:
    assert create(client, type=kind)["type"] == kind


@pytest.mark.parametrize("source", ["user", "extracted", "inferred", "imported"])
def test_create_takes_the_documents_sources(client: httpx.Client, source: str) -> None:
    assert create(client, source=source)["source"] == source


@pytest.mark.parametrize("confidence", [0, 0.0, 0.5, 1])
def test_create_keeps_a_confidence_even_of_zero(client: httpx.Client, confidence: float) -> None:
    assert create(client, confidence=confidence)["confidence"] == confidence


@pytest.mark.parametrize("missing", ["namespace", "content"])
def test_create_needs(client: httpx.Client, missing: str) -> None:
    answer = client.post("/v1/memories", json={key: value for key, value in CREATE.items() if key != missing})

    is_error(answer, 400, "bad_request")
    assert answer.json()["error"]["details"]["field"] == missing


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content", ""),
        ("content", 1),
        ("content", None),
        ("type", "nonsense"),
        ("type", "structured"),
        ("type", "procedural"),
        ("source", "nonsense"),
        ("metadata", []),
        ("tags", "preferences"),
        ("tags", [1]),
        ("confidence", -0.1),
        ("confidence", 1.1),
        ("confidence", "0.5"),
        ("id", "mem_1"),
    ],
)
def test_create_refuses(client: httpx.Client, field: str, value: object) -> None:
    answer = client.post("/v1/memories", json=CREATE | {field: value})

    is_error(answer, 400, "bad_request")
    assert answer.json()["error"]["details"]["field"].startswith(field)


def test_content_may_have_10_240_bytes_of_utf_8(client: httpx.Client) -> None:
    assert create(client, content=LONGEST)["content"] == LONGEST
    is_error(client.post("/v1/memories", json=CREATE | {"content": LONGEST + "x"}), 400, "bad_request")


def test_create_in_an_unknown_namespace_is_not_found(client: httpx.Client) -> None:
    is_error(client.post("/v1/memories", json=CREATE | {"namespace": "unknown"}), 404, "not_found")


def test_get(client: httpx.Client) -> None:
    made = create(client, metadata={}, tags=["preferences"])

    answer = client.get(f"/v1/memories/{made['id']}")

    assert answer.status_code == 200
    same_shape(answer.json(), GOT)
    counted = {"accessed_at": answer.json()["accessed_at"], "access_count": 1}
    assert answer.json() == made | counted


def test_get_counts_each_access(client: httpx.Client) -> None:
    id = create(client)["id"]

    counts = [client.get(f"/v1/memories/{id}").json()["access_count"] for _ in range(3)]

    assert counts == [1, 2, 3]


def test_get_of_an_unknown_memory_is_the_printed_error(client: httpx.Client) -> None:
    answer = client.get("/v1/memories/mem_invalid")

    assert answer.status_code == 404
    assert answer.json() == PRINTED


def test_update(client: httpx.Client) -> None:
    before = create(client)

    answer = client.put(f"/v1/memories/{before['id']}", json=UPDATE)

    assert answer.status_code == 200
    after = answer.json()
    same_shape(after, CREATED | {"metadata": {}})
    assert after["metadata"] == CREATE["metadata"] | UPDATE["metadata"]
    assert (after["content"], after["tags"], after["confidence"]) == (UPDATE["content"], UPDATE["tags"], 0.95)
    assert after["embedding"] != before["embedding"]
    assert after["created_at"] == before["created_at"] <= after["updated_at"]


def test_update_changes_only_what_is_given(client: httpx.Client) -> None:
    before = create(client)

    after = client.put(f"/v1/memories/{before['id']}", json={"confidence": 0}).json()

    assert after == before | {"confidence": 0.0, "updated_at": after["updated_at"]}


def test_update_merges_metadata_at_the_top_level_and_removes_what_is_null(client: httpx.Client) -> None:
    id = create(client, metadata={"kept": 1, "gone": 2, "deep": {"a": 1, "b": 2}})["id"]

    after = client.put(f"/v1/memories/{id}", json={"metadata": {"gone": None, "deep": {"a": 3}, "new": [None]}}).json()

    assert after["metadata"] == {"kept": 1, "deep": {"a": 3}, "new": [None]}


def test_update_replaces_tags(client: httpx.Client) -> None:
    id = create(client)["id"]

    assert client.put(f"/v1/memories/{id}", json={"tags": []}).json()["tags"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"confidence": 2},
        {"content": ""},
        {"content": LONGEST + "x"},
        {"tags": [1]},
        {"metadata": 1},
        {"type": "working"},
    ],
)
def test_update_refuses(client: httpx.Client, changes: dict[str, Any]) -> None:
    before = create(client)

    is_error(client.put(f"/v1/memories/{before['id']}", json=changes), 400, "bad_request")
    assert client.get(f"/v1/memories/{before['id']}").json()["content"] == before["content"]


def test_update_of_an_unknown_memory_is_not_found(client: httpx.Client) -> None:
    is_error(client.put("/v1/memories/mem_invalid", json=UPDATE), 404, "not_found")


def test_delete(client: httpx.Client) -> None:
    id = create(client)["id"]

    answer = client.delete(f"/v1/memories/{id}")

    assert (answer.status_code, answer.content) == (204, b"")
    is_error(client.get(f"/v1/memories/{id}"), 404, "not_found")
    is_error(client.delete(f"/v1/memories/{id}"), 404, "not_found")
    assert client.get("/v1/memories").json()["total"] == 0


def test_the_embedding_is_left_out_where_asked(client: httpx.Client) -> None:
    made = client.post("/v1/memories?exclude=embedding", json=CREATE).json()
    url = f"/v1/memories/{made['id']}?exclude=embedding"

    for answer in (made, client.get(url).json(), client.put(url, json=UPDATE).json()):
        assert "embedding" not in answer


def test_history_has_what_became_of_a_memory(client: httpx.Client) -> None:
    id = create(client)["id"]
    client.put(f"/v1/memories/{id}", json=UPDATE)
    client.delete(f"/v1/memories/{id}")

    history = client.get(f"/v1/memories/{id}/history").json()["history"]

    assert [change["event"] for change in history] == ["created", "updated", "deleted"]
    assert history[1]["previous_content"] == CREATE["content"]

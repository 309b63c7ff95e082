"""The document's Namespace Operations: each example sent as printed, each error provoked, every setting acting."""

from typing import Any

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.conformance.maia.test_errors import is_error
from tests.conformance.maia.test_memories import CREATED as MEMORY

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
MEMORIES: dict[str, Any] = {
    "memories": [{key: value for key, value in MEMORY.items() if key != "embedding"} | {"metadata": {}}],
    "total": 150,
    "limit": 100,
    "offset": 0,
}
OURS = {"template", "effective_config"}


@pytest.fixture
def alpha(client: httpx.Client) -> dict[str, Any]:
    """The printed namespace."""
    make(client, "team-a")
    return make(client, **CREATE)


def make(client: httpx.Client, name: str, **draft: Any) -> dict[str, Any]:
    answer = client.post("/v1/namespaces", json={"name": name} | draft)
    assert answer.status_code == 201, answer.text
    namespace: dict[str, Any] = answer.json()
    return namespace


def store(client: httpx.Client, namespace: str, **fields: Any) -> httpx.Response:
    return client.post("/v1/memories", json={"namespace": namespace, "content": "x", "tags": ["a"]} | fields)


def test_create(alpha: dict[str, Any]) -> None:
    same_shape(alpha, CREATED, beyond=OURS)
    assert alpha["config"] == CREATE["config"]
    assert (alpha["name"], alpha["parent"], alpha["template"]) == ("project-alpha", "team-a", "team-a")
    assert alpha["created_at"] == alpha["updated_at"]


def test_create_needs_only_a_name(client: httpx.Client) -> None:
    made = make(client, "plain")

    same_shape(made, {key: CREATED[key] for key in CREATED if key != "parent"} | {"config": {}})
    assert made["config"] == {}


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "a\nb", "x" * 129, None, 1, "ns_0123456789a"])
def test_create_refuses_a_bad_name(client: httpx.Client, name: object) -> None:
    is_error(client.post("/v1/namespaces", json={"name": name}), 400, "bad_request")


@pytest.mark.parametrize("name", ["user:john", "a|b", "*", "🐟 é", "x" * 128, "a b", "{a}", "@x", "-", "%2F", "?", "#"])
def test_any_other_name_will_do(client: httpx.Client, name: str) -> None:
    made = make(client, name)

    assert made["name"] == name
    assert client.get(f"/v1/namespaces/{made['id']}").json() == made
    assert store(client, name).json()["namespace"] == name
    listed = client.get("/v1/memories", params={"namespace": name}).json()
    assert [memory["namespace"] for memory in listed["items"]] == [name]


@pytest.mark.parametrize(
    "config",
    [
        {"token_budget": -1},
        {"token_budget": "8000"},
        {"max_memories": -1},
        {"retention_days": -1},
        {"retention_days": 0.5},
        {"allowed_types": ["nonsense"]},
        {"inherit_from_parent": "yes"},
        {"custom_scoring": {"vector_weight": -1}},
        {"custom_scoring": {"nonsense_weight": 1}},
        {"nonsense": 1},
        [],
    ],
)
def test_a_bad_config_is_refused(client: httpx.Client, config: object) -> None:
    is_error(client.post("/v1/namespaces", json={"name": "a", "config": config}), 400, "bad_request")
    make(client, "a")
    is_error(client.put("/v1/namespaces/a", json={"config": config}), 400, "bad_request")


@pytest.mark.parametrize("role", ["parent", "template"])
def test_create_refuses_what_it_should_come_from_where_there_is_none(client: httpx.Client, role: str) -> None:
    answer = client.post("/v1/namespaces", json={"name": "a", role: "unknown"})

    is_error(answer, 400, "bad_request")
    assert answer.json()["error"]["details"]["field"] == role


def test_create_refuses_a_taken_name(client: httpx.Client, alpha: dict[str, Any]) -> None:
    is_error(client.post("/v1/namespaces", json=CREATE), 409, "conflict")
    client.get("/v1/namespaces/default")
    is_error(client.post("/v1/namespaces", json={"name": "default"}), 409, "conflict")


def test_a_template_copies_the_configuration_under_what_is_given(client: httpx.Client) -> None:
    make(client, "from", config={"token_budget": 100, "retention_days": 7})

    made = make(client, "to", template="from", config={"retention_days": 9})
    client.put("/v1/namespaces/from", json={"config": {"token_budget": 200}})

    assert made["config"] == {"token_budget": 100, "retention_days": 9}
    assert client.get("/v1/namespaces/to").json()["config"] == made["config"]


def test_default_exists_in_every_tenant(client: httpx.Client) -> None:
    same_shape(client.get("/v1/namespaces/default").json(), LISTED["namespaces"][0], beyond={"updated_at"})
    assert [namespace["name"] for namespace in client.get("/v1/namespaces").json()["namespaces"]] == ["default"]


def test_list(client: httpx.Client) -> None:
    make(client, "a")

    answer = client.get("/v1/namespaces")

    assert answer.status_code == 200
    same_shape(answer.json(), LISTED, beyond={"updated_at", "has_more"})
    assert {key: answer.json()[key] for key in ("total", "limit", "offset")} == {"total": 2, "limit": 100, "offset": 0}


@pytest.mark.parametrize("by", ["id", "name"])
def test_list_by_parent(client: httpx.Client, by: str) -> None:
    parent = make(client, "parent")
    for name in ("b", "a"):
        make(client, name, parent="parent")
    make(client, "parent2")

    answer = client.get("/v1/namespaces", params={"parent": parent[by]}).json()

    assert [namespace["name"] for namespace in answer["namespaces"]] == ["b", "a"]
    assert answer["total"] == 2


@pytest.mark.parametrize("by", ["id", "name"])
def test_get(client: httpx.Client, alpha: dict[str, Any], by: str) -> None:
    answer = client.get(f"/v1/namespaces/{alpha[by]}")

    assert answer.status_code == 200
    assert answer.json() == alpha


@pytest.mark.parametrize("by", ["id", "name"])
def test_update(client: httpx.Client, alpha: dict[str, Any], by: str) -> None:
    answer = client.put(f"/v1/namespaces/{alpha[by]}", json=UPDATE)

    assert answer.status_code == 200
    same_shape(answer.json(), CREATED, beyond=OURS)
    assert answer.json()["config"] == CREATE["config"] | UPDATE["config"]


def test_update_unsets_what_is_null(client: httpx.Client, alpha: dict[str, Any]) -> None:
    answer = client.put("/v1/namespaces/project-alpha", json={"parent": None, "config": {"token_budget": None}})

    assert "parent" not in answer.json()
    assert answer.json()["config"] == {key: value for key, value in CREATE["config"].items() if key != "token_budget"}


def test_update_refuses_a_circle(client: httpx.Client, alpha: dict[str, Any]) -> None:
    for parent in ("project-alpha", "team-a"):
        answer = client.put("/v1/namespaces/team-a", json={"parent": parent})
        is_error(answer, 400, "bad_request")


@pytest.mark.parametrize("by", ["id", "name"])
def test_delete(client: httpx.Client, alpha: dict[str, Any], by: str) -> None:
    memory = store(client, "project-alpha").json()["id"]
    url = f"/v1/namespaces/{alpha[by]}"

    is_error(client.delete(url), 400, "bad_request")
    is_error(client.delete(f"{url}?force=false"), 400, "bad_request")
    done = client.delete(f"{url}?force=true")

    assert (done.status_code, done.content) == (204, b"")
    for answer in (
        client.get(url),
        client.put(url, json=UPDATE),
        client.delete(url),
        client.get(f"{url}/memories"),
        client.get(f"/v1/memories/{memory}"),
        client.get(f"/v1/memories/{memory}/history"),
        client.get("/v1/memories?namespace=project-alpha"),
    ):
        is_error(answer, 404, "not_found")
    assert client.post("/v1/memories/search", json={}).json()["total"] == 0


def test_an_empty_namespace_is_deleted_without_force(client: httpx.Client) -> None:
    make(client, "a")

    assert client.delete("/v1/namespaces/a").status_code == 204


def test_a_name_used_again_finds_nothing_of_the_old(client: httpx.Client) -> None:
    make(client, "a", config={"token_budget": 1})
    store(client, "a")
    client.delete("/v1/namespaces/a?force=true")

    made = make(client, "a")

    assert (made["config"], made["stats"]) == ({}, {"memory_count": 0, "total_tokens": 0})
    assert client.get("/v1/namespaces/a/memories").json()["total"] == 0


@pytest.mark.parametrize("by", ["id", "name"])
def test_list_memories(client: httpx.Client, alpha: dict[str, Any], by: str) -> None:
    for kind in ("semantic", "episodic"):
        store(client, "project-alpha", type=kind)
    store(client, "default")

    answer = client.get(f"/v1/namespaces/{alpha[by]}/memories").json()
    episodic = client.get(f"/v1/namespaces/{alpha[by]}/memories?type=episodic").json()

    same_shape(answer, MEMORIES, beyond={"has_more"})
    assert (answer["total"], answer["limit"], answer["offset"], answer["has_more"]) == (2, 100, 0, False)
    assert [memory["type"] for memory in episodic["memories"]] == ["episodic"]
    assert episodic["total"] == 1
    is_error(client.get(f"/v1/namespaces/{alpha[by]}/memories?type=nonsense"), 400, "bad_request")


def test_stats_are_live(client: httpx.Client, alpha: dict[str, Any]) -> None:
    id = store(client, "project-alpha", content="User prefers dark mode").json()["id"]

    stored = client.get("/v1/namespaces/project-alpha").json()["stats"]
    client.put(f"/v1/memories/{id}", json={"content": "User prefers dark mode, compact layouts, and big fonts"})
    changed = client.get("/v1/namespaces/project-alpha").json()["stats"]
    client.delete(f"/v1/memories/{id}")
    emptied = client.get("/v1/namespaces/project-alpha").json()["stats"]

    assert stored["memory_count"] == changed["memory_count"] == 1
    assert 0 < stored["total_tokens"] < changed["total_tokens"]
    assert emptied == {"memory_count": 0, "total_tokens": 0}


def test_max_memories_acts(client: httpx.Client) -> None:
    make(client, "a", config={"max_memories": 1})

    id = store(client, "a").json()["id"]

    is_error(store(client, "a"), 403, "quota_exceeded")
    assert client.put(f"/v1/memories/{id}", json={"content": "y"}).status_code == 200
    client.delete(f"/v1/memories/{id}")
    assert store(client, "a").status_code == 201


def test_allowed_types_act(client: httpx.Client) -> None:
    make(client, "a", config={"allowed_types": ["episodic"]})

    assert store(client, "a", type="episodic").status_code == 201
    is_error(store(client, "a", type="semantic"), 400, "bad_request")


def test_token_budget_acts(client: httpx.Client) -> None:
    make(client, "a", config={"token_budget": 17})

    assert client.post("/v1/context", json={"query": "x", "namespace": "a"}).json()["token_budget"] == 17


def test_custom_scoring_acts(client: httpx.Client) -> None:
    texts = ["The cat sat on a mat, the cat slept, the cat ate", "A kitten rested"]
    for name, weights in {
        "words": {"vector_weight": 0.0},
        "meaning": {"text_weight": 0.0, "words_weight": 0.0},
    }.items():
        make(client, name, config={"custom_scoring": weights})
        for text in texts:
            store(client, name, content=text)

    def score(namespace: str) -> float:
        asked = {"query": "cat", "namespace": namespace, "limit": 2}
        found = client.post("/v1/memories/search", json=asked).json()["results"]
        scores: dict[str, float] = {result["memory"]["content"]: result["score"] for result in found}
        return scores.get(texts[1], 0.0)

    assert score("words") < score("meaning")


def test_inheritance_is_resolved_beside_what_is_set(client: httpx.Client) -> None:
    make(client, "top", config={"token_budget": 11, "max_memories": 1, "custom_scoring": {"text_weight": 0.5}})
    own = {"inherit_from_parent": True, "max_memories": 5, "custom_scoring": {"vector_weight": 0.5}}
    child = make(client, "child", parent="top", config=own)

    assert child["config"] == own
    assert child["effective_config"] == own | {
        "token_budget": 11,
        "custom_scoring": {"text_weight": 0.5, "vector_weight": 0.5},
    }
    client.put("/v1/namespaces/top", json={"config": {"token_budget": 12}})
    assert client.post("/v1/context", json={"query": "x", "namespace": "child"}).json()["token_budget"] == 12


def test_nothing_is_inherited_unasked(client: httpx.Client) -> None:
    make(client, "top", config={"token_budget": 11})
    make(client, "child", parent="top")

    assert client.post("/v1/context", json={"query": "x", "namespace": "child"}).json()["token_budget"] == 4000


def test_a_namespace_whose_name_begins_alike_is_unrelated(client: httpx.Client) -> None:
    for name in ("user", "user:john"):
        make(client, name)
        store(client, name, content=f"of {name}")

    for name in ("user", "user:john"):
        listed = client.get(f"/v1/namespaces/{name}/memories").json()["memories"]
        found = client.post("/v1/memories/search", json={"namespace": name, "query": "of user john"}).json()["results"]
        assert [memory["content"] for memory in listed] == [f"of {name}"]
        assert [result["memory"]["content"] for result in found] == [f"of {name}"]
    client.delete("/v1/namespaces/user?force=true")
    assert client.get("/v1/namespaces/user:john").json()["stats"]["memory_count"] == 1

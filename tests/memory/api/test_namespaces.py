from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from tests.support.native import native_app
from tests.support.services import Services, a_caller

Client = AsyncTestClient[Any]


async def test_configuration_is_echoed_as_set_and_inheritance_resolved_beside_it(client: Client) -> None:
    await client.post("/v1/namespaces", json={"name": "team", "config": {"token_budget": 7}})
    body = {"name": "alpha", "parent": "team", "config": {"inherit_from_parent": True, "max_memories": 5}}

    alpha = (await client.post("/v1/namespaces", json=body)).json()

    assert alpha["config"] == {"inherit_from_parent": True, "max_memories": 5}
    assert alpha["effective_config"]["token_budget"] == 7
    assert "effective_config" not in (await client.get("/v1/namespaces/team")).json()


async def test_a_put_is_partial_and_null_unsets(client: Client) -> None:
    await client.post("/v1/namespaces", json={"name": "alpha", "config": {"token_budget": 7, "retention_days": 2}})

    answer = await client.put("/v1/namespaces/alpha", json={"config": {"token_budget": None, "max_memories": 1}})

    assert answer.status_code == 200
    assert answer.json()["config"] == {"retention_days": 2, "max_memories": 1}


async def test_stats_are_live(client: Client) -> None:
    await client.post("/v1/memories", json={"namespace": "default", "content": "one two three"})

    assert (await client.get("/v1/namespaces/default")).json()["stats"] == {"memory_count": 1, "total_tokens": 3}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "a", "parent": "nowhere"}, "parent"),
        ({"name": "a", "template": "nowhere"}, "template"),
        ({"name": "a", "config": {"token_budget": -1}}, "config.token_budget"),
        ({"name": "a", "config": {"colour": "red"}}, "config.colour"),
        ({"name": "a", "config": {"custom_scoring": {"graph_weight": 1}}}, "config.custom_scoring.graph_weight"),
        ({"name": "a", "colour": "red"}, "colour"),
    ],
)
async def test_bad_input_names_field_and_rule(client: Client, body: dict[str, Any], field: str) -> None:
    answer = await client.post("/v1/namespaces", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == field


@pytest.mark.parametrize("name", ["a%2Fb", "nowhere", "ns_00000000000", "a%00"])
async def test_a_namespace_that_is_not_there_is_a_404(client: Client, name: str) -> None:
    for answer in (
        await client.get(f"/v1/namespaces/{name}"),
        await client.put(f"/v1/namespaces/{name}", json={}),
        await client.delete(f"/v1/namespaces/{name}"),
        await client.get(f"/v1/namespaces/{name}/memories"),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


async def test_names_of_any_letters_are_found_by_their_path(client: Client) -> None:
    for name in ("user:john", "a b", "*", "a|b", "100%", "größe 🐟", "a?b#c"):
        made = (await client.post("/v1/namespaces", json={"name": name})).json()
        path = "".join(f"%{byte:02X}" for byte in name.encode())
        assert (await client.get(f"/v1/namespaces/{path}")).json()["id"] == made["id"]


async def test_a_namespace_is_not_deleted_with_memories_unless_forced(client: Client) -> None:
    await client.post("/v1/namespaces", json={"name": "alpha"})
    await client.post("/v1/memories", json={"namespace": "alpha", "content": "x"})

    assert (await client.delete("/v1/namespaces/alpha")).status_code == 400
    assert (await client.delete("/v1/namespaces/alpha?force=perhaps")).status_code == 400
    assert (await client.delete("/v1/namespaces/alpha?force=true")).status_code == 204
    assert (await client.get("/v1/memories")).json()["total"] == 0


async def test_lists_narrow_by_parent_and_page(client: Client) -> None:
    await client.post("/v1/namespaces", json={"name": "team"})
    for name in ("a", "b", "c"):
        await client.post("/v1/namespaces", json={"name": name, "parent": "team"})

    page = (await client.get("/v1/namespaces?parent=team&limit=2")).json()

    assert [namespace["name"] for namespace in page["namespaces"]] == ["a", "b"]
    assert (page["total"], page["has_more"]) == (3, True)
    assert (await client.get("/v1/namespaces")).json()["total"] == 5


async def test_a_restricted_key_is_not_told_the_names_of_what_it_may_not_see(services: Services) -> None:
    async with AsyncTestClient(native_app(services, a_caller())) as client:
        for name in ("secret", "open"):
            await client.post("/v1/namespaces", json={"name": name})
        for name, above in (("mine", "secret"), ("yours", "open")):
            await client.post("/v1/namespaces", json={"name": name, "parent": above, "template": above})

    restricted = a_caller(namespaces=frozenset({"mine", "yours", "open"}))
    async with AsyncTestClient(native_app(services, restricted)) as client:
        answers = [await client.get(path) for path in ("/v1/namespaces", "/v1/namespaces/mine")]
        yours = (await client.get("/v1/namespaces/yours")).json()

    assert all(answer.status_code == 200 and "secret" not in answer.text for answer in answers)
    assert (yours["parent"], yours["template"]) == ("open", "open")


async def test_without_the_scope_reading_does_not_tell_which_namespaces_there_are(services: Services) -> None:
    async with AsyncTestClient(native_app(services, a_caller(scopes=frozenset({"write"})))) as client:
        answers = [
            await client.get("/v1/namespaces/unknown/memories"),
            await client.get("/v1/namespaces/default/memories"),
            await client.get("/v1/memories", params={"namespace": "unknown"}),
            await client.post("/v1/memories/search", json={"query": "tea", "namespace": "unknown"}),
        ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert await services.namespaces.directory.read("default", "default") is None

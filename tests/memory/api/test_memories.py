from typing import Any

import pytest
from httpx import Response
from litestar.testing import AsyncTestClient
from msgspec import structs

from config.settings import Retrieval
from memory import ids
from memory.caller import Caller
from tests.support.native import native_app
from tests.support.services import Services, SetClock, a_caller

Client = AsyncTestClient[Any]


async def created(client: Client, content: str = "likes tea", **fields: Any) -> dict[str, Any]:
    answer = await client.post("/v1/memories", json={"namespace": "default", "content": content} | fields)
    assert answer.status_code == 201, answer.text
    memory: dict[str, Any] = answer.json()
    return memory


def refused(answer: Response, field: str) -> None:
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == "bad_request"
    assert error["details"]["field"] == field
    assert error["message"].startswith(field)


async def test_fields_of_ours_come_back_where_they_were_set(client: Client) -> None:
    given: dict[str, Any] = {
        "user_id": "ada",
        "agent_id": "bot",
        "run_id": "s1",
        "app": "mail",
        "org_id": "acme",
        "role": "user",
        "categories": ["work"],
        "importance": 0.75,
        "event_at": "2026-01-02T03:04:05Z",
        "created_at": "2025-01-01T00:00:00.5Z",
    }

    memory = await created(client, **given)

    assert {key: memory[key] for key in given} == given | {"created_at": "2025-01-01T00:00:00.500Z"}
    assert memory["updated_at"] == memory["accessed_at"] == memory["created_at"]
    assert memory["seq"] == 1
    assert "state" not in memory
    assert "superseded_by" not in memory


async def test_an_id_is_spelled_one_way_only(client: Client) -> None:
    memory = await created(client)
    number = ids.parse(memory["id"])
    assert number is not None

    assert (await client.get(f"/v1/memories/{memory['id']}")).status_code == 200
    for other in (str(number), str(ids.to_uuid(number)), memory["id"].upper(), ids.to_engram(number, "sem"), "mem_"):
        answer = await client.get(f"/v1/memories/{other}")
        assert answer.status_code == 404
        assert answer.json()["error"]["details"] == {"memory_id": other}


async def test_the_embedding_can_be_left_out(client: Client) -> None:
    url = f"/v1/memories/{(await created(client))['id']}"

    assert len((await client.get(url)).json()["embedding"]) == 256
    assert "embedding" not in (await client.get(f"{url}?exclude=embedding")).json()
    assert "embedding" not in (await client.put(f"{url}?exclude=embedding", json={"tags": []})).json()
    answer = await client.post(
        "/v1/memories", params={"exclude": "embedding"}, json={"namespace": "default", "content": "x"}
    )
    assert "embedding" not in answer.json()
    refused(await client.get(f"{url}?exclude=everything"), "exclude")


async def test_a_get_counts_and_its_answer_includes_it(client: Client, clock: SetClock) -> None:
    url = f"/v1/memories/{(await created(client))['id']}"
    clock.pass_(seconds=5)

    await client.get(url)
    memory = (await client.get(url)).json()

    assert memory["access_count"] == 2
    assert memory["accessed_at"] == "2026-01-19T10:00:05Z"


async def test_an_update_merges_metadata_and_embeds_new_content(client: Client) -> None:
    memory = await created(client, metadata={"a": 1, "b": 2}, tags=["x"])

    answer = await client.put(
        f"/v1/memories/{memory['id']}", json={"content": "likes coffee", "metadata": {"a": None, "c": 3}}
    )

    assert answer.status_code == 200
    after = answer.json()
    assert after["content"] == "likes coffee"
    assert after["metadata"] == {"b": 2, "c": 3}
    assert after["tags"] == ["x"]
    assert after["embedding"] != memory["embedding"]


@pytest.mark.parametrize("method", ["get", "put", "delete"])
async def test_a_memory_that_is_not_there_is_a_404(client: Client, method: str) -> None:
    for id in (ids.spell(12345), "mem_invalid", "mem_a%00b", "a%20b", "%F0%9F%90%9F"):
        answer = await client.request(method, f"/v1/memories/{id}", json={} if method == "put" else None)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == "Memory not found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": "x"}, "namespace"),
        ({"namespace": "default"}, "content"),
        ({"namespace": 5, "content": "x"}, "namespace"),
        ({"namespace": "default", "content": None}, "content"),
        ({"namespace": "default", "content": "  "}, "content"),
        ({"namespace": "default", "content": "é" * 5121}, "content"),
        ({"namespace": "default", "content": "x", "type": "structured"}, "type"),
        ({"namespace": "default", "content": "x", "source": "hearsay"}, "source"),
        ({"namespace": "default", "content": "x", "confidence": "0.9"}, "confidence"),
        ({"namespace": "default", "content": "x", "confidence": 1.5}, "confidence"),
        ({"namespace": "default", "content": "x", "metadata": []}, "metadata"),
        ({"namespace": "default", "content": "x", "metadata": {"n": 2**80}}, "metadata"),
        ({"namespace": "default", "content": "x", "tags": "ui"}, "tags"),
        ({"namespace": "default", "content": "x", "tags": [1]}, "tags[0]"),
        ({"namespace": "default", "content": "x", "user_id": "a/b"}, "user_id"),
        ({"namespace": "default", "content": "x", "run_id": "a\0"}, "run_id"),
        ({"namespace": "default", "content": "x", "created_at": "soon"}, "created_at"),
        ({"namespace": "default", "content": "x", "event_at": 5}, "event_at"),
        ({"namespace": "default", "content": "x", "colour": "red"}, "colour"),
        ({"namespace": "default", "content": "x", "embedding": [1]}, "embedding"),
    ],
)
async def test_bad_input_to_creation_names_field_and_rule(client: Client, body: dict[str, Any], field: str) -> None:
    refused(await client.post("/v1/memories", json=body), field)


async def test_hostile_values_are_values(client: Client) -> None:
    metadata = {"big": 2**64 - 1, "deep": [[[{}]]], "": "", "a=b|c": "*", "null": None, "float": 1e300, "🐟": "\0"}
    content = "'; DROP TABLE -- * | : ( \" \0 \u202e 🐟"

    memory = await created(client, content, metadata=metadata, tags=["a,b", "*", "|"], user_id="a|b:*'\"")

    got = (await client.get(f"/v1/memories/{memory['id']}")).json()
    assert got["content"] == content
    assert got["metadata"] == metadata
    assert got["tags"] == ["a,b", "*", "|"]
    for query in (content, "*", '"', "-", "(", "a:b", "@x:{y}", "\0", "東京" * 100, "NEAR(a b)"):
        answer = await client.post("/v1/memories/search", json={"query": query})
        assert answer.status_code == 200, answer.text


async def test_an_unknown_namespace_is_a_404_everywhere(client: Client) -> None:
    answers = [
        await client.post("/v1/memories", json={"namespace": "nowhere", "content": "x"}),
        await client.post("/v1/memories/batch", json={"namespace": "nowhere", "memories": [{"content": "x"}]}),
        await client.post("/v1/memories/search", json={"namespace": "nowhere"}),
        await client.get("/v1/memories", params={"namespace": "nowhere"}),
    ]

    for answer in answers:
        assert answer.status_code == 404
        assert answer.json() == {
            "error": {"code": "not_found", "message": "Namespace not found", "details": {"namespace": "nowhere"}}
        }


async def test_a_namespace_can_be_named_by_its_id(client: Client) -> None:
    id = (await client.post("/v1/namespaces", json={"name": "alpha"})).json()["id"]

    memory = await created(client, namespace=id)

    assert memory["namespace"] == "alpha"
    assert (await client.get("/v1/memories", params={"namespace": id})).json()["total"] == 1


async def test_a_batch_stores_the_good_and_tells_the_bad_by_their_index(client: Client) -> None:
    items = [{"content": "one"}, {"content": ""}, "two", {"content": "three", "run_id": "s"}, {"contents": "four"}]

    answer = await client.post("/v1/memories/batch", json={"namespace": "default", "memories": items})

    assert answer.status_code == 201
    told = answer.json()
    assert set(told) == {"memories", "created_count", "failed_count", "failed"}
    assert [memory["content"] for memory in told["memories"]] == ["one", "three"]
    assert "embedding" not in told["memories"][0]
    assert (told["created_count"], told["failed_count"]) == (2, 3)
    assert [failed["index"] for failed in told["failed"]] == [1, 2, 4]
    for failed in told["failed"]:
        assert set(failed["error"]) == {"code", "message", "details"}
        assert failed["error"]["code"] == "bad_request"
    assert told["failed"][2]["error"]["details"] == {"field": "contents"}


async def test_a_batch_of_which_nothing_is_stored_is_an_error_that_tells_all(client: Client) -> None:
    answer = await client.post("/v1/memories/batch", json={"namespace": "default", "memories": [{}, {"content": ""}]})

    assert answer.status_code == 400
    assert [failed["index"] for failed in answer.json()["error"]["details"]["failed"]] == [0, 1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"namespace": "default"}, "memories"),
        ({"namespace": "default", "memories": []}, "memories"),
        ({"namespace": "default", "memories": [{"content": "x"}] * 101}, "memories"),
        ({"namespace": "default", "memories": {"content": "x"}}, "memories"),
        ({"memories": [{"content": "x"}]}, "namespace"),
    ],
)
async def test_a_bad_envelope_is_a_400(client: Client, body: dict[str, Any], field: str) -> None:
    refused(await client.post("/v1/memories/batch", json=body), field)


async def test_a_hundred_turns_keep_their_order(client: Client) -> None:
    items = [{"content": f"turn {n}", "type": "episodic", "run_id": "s"} for n in range(100)]

    told = (await client.post("/v1/memories/batch", json={"namespace": "default", "memories": items})).json()

    assert [memory["content"] for memory in told["memories"]] == [item["content"] for item in items]
    assert [memory["seq"] for memory in told["memories"]] == list(range(1, 101))
    listed = (await client.get("/v1/memories", params={"run_id": "s", "limit": 1000})).json()
    assert [memory["content"] for memory in listed["items"]] == [item["content"] for item in reversed(items)]


async def test_every_filter_of_a_search_narrows(client: Client) -> None:
    await client.post("/v1/namespaces", json={"name": "other"})
    scope = {"user_id": "ada", "agent_id": "bot", "run_id": "s", "app": "mail", "org_id": "acme"}
    wanted = await created(
        client,
        "peanuts",
        type="episodic",
        tags=["a", "b"],
        source="imported",
        confidence=0.9,
        metadata={"k": "v", "n": 1, "yes": True},
        created_at="2026-01-10T00:00:00Z",
        **scope,
    )
    await created(client, "peanuts", tags=["a"], confidence=0.1, created_at="2025-01-10T00:00:00Z", namespace="other")
    filters: list[dict[str, Any]] = [
        {"namespace": "default"},
        {"types": ["episodic", "working"]},
        {"tags": ["a", "b"]},
        {"source": "imported"},
        {"min_confidence": 0.9},
        {"time_range": {"start": "2026-01-10T00:00:00Z"}},
        {"time_range": {"start": "2026-01-01", "end": "2026-01-10T01:00:00+01:00"}},
        {"metadata": {"k": "v"}},
        {"metadata": {"n": 1.0, "yes": True}},
        *({name: value} for name, value in scope.items()),
    ]

    for given in filters:
        for query in ({"query": "peanuts"}, {}):
            answer = (await client.post("/v1/memories/search", json=given | query)).json()
            assert [result["memory"]["id"] for result in answer["results"]] == [wanted["id"]], given
            assert answer["total"] == 1
    everything = (await client.post("/v1/memories/search", json={"query": "peanuts", "types": [], "tags": []})).json()
    assert everything["total"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": "10"}, "limit"),
        ({"limit": 10**30}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": 10**30}, "offset"),
        ({"min_confidence": 2}, "min_confidence"),
        ({"types": ["nonsense"]}, "types[0]"),
        ({"types": "semantic"}, "types"),
        ({"source": "x"}, "source"),
        ({"query": 5}, "query"),
        ({"query": "x" * 10_241}, "query"),
        ({"metadata": {"a": [1]}}, "metadata[...]"),
        ({"time_range": {"start": "then"}}, "time_range.start"),
        ({"time_range": {"end": "-1"}}, "time_range.end"),
        ({"time_range": {"from": "2026-01-01"}}, "time_range.from"),
        ({"namespaces": ["default"]}, "namespaces"),
    ],
)
async def test_bad_input_to_a_search_names_field_and_rule(client: Client, body: dict[str, Any], field: str) -> None:
    refused(await client.post("/v1/memories/search", json=body), field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("offset=-1", "offset"),
        ("offset=99999999999999999999", "offset"),
        ("type=nonsense", "type"),
        ("source=x", "source"),
    ],
)
async def test_bad_query_parameters_name_field_and_rule(client: Client, query: str, field: str) -> None:
    refused(await client.get(f"/v1/memories?{query}&api_key=secret"), field)


async def test_a_list_is_paged_newest_first_and_filtered(client: Client, clock: SetClock) -> None:
    for n in range(5):
        await created(client, f"memory {n}", user_id="ada" if n % 2 else "bob", tags=["odd"] if n % 2 else [])
        clock.pass_(seconds=1)

    first = (await client.get("/v1/memories?limit=2")).json()
    last = (await client.get("/v1/memories?limit=2&offset=4")).json()

    assert set(first) == {"items", "total", "limit", "offset", "has_more"}
    assert [memory["content"] for memory in first["items"]] == ["memory 4", "memory 3"]
    assert (first["total"], first["limit"], first["offset"], first["has_more"]) == (5, 2, 0, True)
    assert [memory["content"] for memory in last["items"]] == ["memory 0"]
    assert last["has_more"] is False
    assert "embedding" not in first["items"][0]
    for query in ("user_id=ada", "tags=odd", "type=semantic&user_id=ada"):
        assert (await client.get(f"/v1/memories?{query}")).json()["total"] == 2
    assert (await client.get("/v1/memories?type=episodic&type=semantic")).json()["total"] == 5
    assert (await client.get("/v1/memories?offset=1000000")).json()["items"] == []


async def test_history_tells_both_of_a_superseded_pair(client: Client, services: Services, clock: SetClock) -> None:
    old, new = await created(client, "lives in Lisbon"), await created(client, "lives in Porto")
    clock.pass_(seconds=1)
    numbers = [ids.parse(memory["id"]) for memory in (old, new)]
    assert numbers[0] is not None
    assert numbers[1] is not None
    await services.revise.supersede(a_caller(), numbers[0], by=numbers[1])

    answer = (await client.get(f"/v1/memories/{new['id']}/history")).json()

    assert answer["id"] == new["id"]
    assert [(change["memory_id"], change["event"], change["content"]) for change in answer["history"]] == [
        (old["id"], "created", "lives in Lisbon"),
        (new["id"], "created", "lives in Porto"),
        (old["id"], "superseded", "lives in Lisbon"),
    ]
    assert answer["history"][2]["superseded_by"] == new["id"]
    assert answer["history"][2]["at"] == "2026-01-19T10:00:01Z"
    assert (await client.get(f"/v1/memories/{old['id']}")).json()["superseded_by"] == new["id"]


async def test_a_deleted_memory_has_a_history(client: Client) -> None:
    memory = await created(client)
    assert (await client.delete(f"/v1/memories/{memory['id']}")).status_code == 204

    answer = await client.get(f"/v1/memories/{memory['id']}/history")

    assert [change["event"] for change in answer.json()["history"]] == ["created", "deleted"]
    assert (await client.get(f"/v1/memories/{ids.spell(1)}/history")).status_code == 404


async def test_a_namespaces_weights_steer_its_searches(client: Client) -> None:
    off = dict.fromkeys((weight.name for weight in structs.fields(Retrieval)), 0.0)
    for namespace, weight in (("words", "text_weight"), ("meaning", "vector_weight")):
        config = {"custom_scoring": off | {weight: 1.0}}
        await client.post("/v1/namespaces", json={"name": namespace, "config": config})
        for content in ("the bank of the river was green", "he keeps his savings and his money in stocks"):
            await created(client, content, namespace=namespace)

    best = {}
    for namespace in ("words", "meaning"):
        body = {"query": "how much cash has he got at the bank?", "namespace": namespace}
        best[namespace] = (await client.post("/v1/memories/search", json=body)).json()["results"][0]["memory"][
            "content"
        ]

    assert "river" in best["words"]
    assert "savings" in best["meaning"]


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        (a_caller(scopes=frozenset()), 403),
        (a_caller(tenant="other"), 404),
        (a_caller(namespaces=frozenset({"else"})), 404),
    ],
    ids=["no scope", "other tenant", "other namespace"],
)
async def test_by_id_a_memory_is_closed_to_others(
    client: Client, services: Services, caller: Caller, status: int
) -> None:
    url = f"/v1/memories/{(await created(client, 'a canary'))['id']}"

    async with AsyncTestClient(native_app(services, caller)) as stranger:
        answers = [
            await stranger.get(url),
            await stranger.get(f"{url}?exclude=embedding"),
            await stranger.get(f"{url}/history"),
            await stranger.put(url, json={"content": "mine now"}),
            await stranger.delete(url),
        ]

    for answer in answers:
        assert answer.status_code == status
        assert "canary" not in answer.text
    assert (await client.get(url)).json()["content"] == "a canary"

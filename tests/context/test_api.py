from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from context.assemble import Assembler, ContextRequest
from context.receipt import Learning, Receipt
from memory import ids
from memory.caller import Caller
from memory.engines.base import Filter
from memory.extraction.learned import telling
from memory.model import NamespaceConfig
from memory.service.drafts import MemoryDraft
from memory.service.namespaces import NamespaceDraft
from tests.context.conftest import context_app
from tests.memory.extraction.lessons import an_exchange
from tests.support.services import START, Services, a_caller

Client = AsyncTestClient[Any]


async def remember(services: Services, caller: Caller, content: str, **fields: Any) -> int:
    record = await services.remember.one(caller, MemoryDraft(content=content, **fields), "default")
    return record.memory.id


async def ask(client: Client, **body: Any) -> dict[str, Any]:
    response = await client.post("/v1/context", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_the_answer_has_the_documents_shape(services: Services, caller: Caller, client: Client) -> None:
    id = await remember(services, caller, "User prefers dark mode and compact layouts")

    answer = await ask(client, query="What should I know about this user?", token_budget=2000)

    [memory] = answer["memories"]
    assert answer["content"] == "## Relevant Context\n\n- User prefers dark mode and compact layouts\n"
    assert memory.keys() == {"id", "content", "type", "score", "position", "token_count", "truncated"}
    assert memory["id"] == ids.spell(id)
    assert answer["token_budget"] == 2000
    assert answer["zone_stats"].keys() == {
        f"{zone}_{what}" for zone in ("critical", "middle", "recency") for what in ("used", "budget")
    }
    assert answer["zone_stats"]["middle_budget"] == 1300
    assert answer["query_analysis"] == {"intent": "exploratory", "context_type": "semantic", "temporal_scope": "all"}
    assert answer["query_time"].endswith("ms")
    assert float(answer["query_time"].removesuffix("ms")) > 0
    assert answer["truncated"] is False


async def test_reasons_come_with_the_scores_that_were_asked_for(
    services: Services, caller: Caller, client: Client
) -> None:
    await remember(services, caller, "User prefers dark mode")

    [memory] = (await ask(client, query="dark mode", include_scores=True))["memories"]

    assert memory["score"] == pytest.approx(min(sum(memory["reasons"].values()), 1), abs=0.001)


async def test_a_user_sees_what_is_theirs_and_what_is_shared(
    services: Services, caller: Caller, client: Client
) -> None:
    await remember(services, caller, "Ada has a dog.", user_id="ada")
    await remember(services, caller, "Bob has a dog.", user_id="bob")
    await remember(services, caller, "The office has a dog.")

    ada = await ask(client, query="Who has a dog?", user_id="ada")
    everybody = await ask(client, query="Who has a dog?")

    assert {memory["content"] for memory in ada["memories"]} == {"Ada has a dog.", "The office has a dog."}
    assert len(everybody["memories"]) == 3


async def test_the_namespaces_budget_applies_where_the_request_names_none(
    services: Services, caller: Caller, client: Client
) -> None:
    config = NamespaceConfig(token_budget=123)
    await services.namespaces.create(caller, NamespaceDraft(name="small", config=config))

    assert (await ask(client, query="dog", namespace="small"))["token_budget"] == 123
    assert (await ask(client, query="dog", namespace="small", token_budget=77))["token_budget"] == 77
    assert (await ask(client, query="dog"))["token_budget"] == 4000


async def test_the_header_goes_before_the_request_and_the_request_before_namespace_tenant_and_settings(
    services: Services, assembler: Assembler
) -> None:
    caller = a_caller(token_budget=900)
    small = NamespaceDraft(name="small", config=NamespaceConfig(token_budget=123))
    await services.namespaces.create(caller, small)

    async with AsyncTestClient(context_app(services, assembler, caller)) as client:

        async def budget(headers: dict[str, str], **body: Any) -> Any:
            response = await client.post("/v1/context", json={"query": "dog"} | body, headers=headers)
            return response.json()["token_budget"]

        for header in ("X-Remora-Token-Budget", "x-maia-token-budget"):
            assert await budget({header: "55"}, namespace="small", token_budget=77) == 55
            assert await budget({header: "0"}, namespace="small") == 0
        assert await budget({}, namespace="small", token_budget=77) == 77
        assert await budget({}, namespace="small") == 123
        assert await budget({}) == 900


@pytest.mark.parametrize("header", ["X-Remora-Token-Budget", "X-MAIA-Token-Budget"])
@pytest.mark.parametrize("value", ["-1", "1.5", "many", "", "1000001", "9" * 5000, "null", "1e3"])
async def test_a_bad_budget_in_a_header_is_told_by_the_headers_name(client: Client, header: str, value: str) -> None:
    response = await client.post("/v1/context", json={"query": "dog"}, headers={header: value})

    assert response.status_code == 400
    assert response.json()["error"]["details"] == {"field": header}
    assert header in response.json()["error"]["message"]


async def test_two_budgets_that_contradict_each_other_are_refused(client: Client) -> None:
    headers = {"X-Remora-Token-Budget": "5", "X-MAIA-Token-Budget": "6"}

    response = await client.post("/v1/context", json={"query": "dog"}, headers=headers)

    assert response.status_code == 400
    assert "contradicts" in response.json()["error"]["message"]


async def test_only_the_asked_for_kinds_go_in(services: Services, caller: Caller, client: Client) -> None:
    await remember(services, caller, "Has a dog named Rex.")
    await remember(services, caller, "We talked about the dog.", type="episodic")

    answer = await ask(client, query="dog", memory_types=["episodic"])

    assert [memory["type"] for memory in answer["memories"]] == ["episodic"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": 1}, "query"),
        ({"query": "x" * 10_241}, "query"),
        ({"query": "dog", "token_budget": -1}, "token_budget"),
        ({"query": "dog", "token_budget": "many"}, "token_budget"),
        ({"query": "dog", "min_score": 2}, "min_score"),
        ({"query": "dog", "memory_types": ["nonsense"]}, "memory_types"),
        ({"query": "dog", "user_id": "a/b"}, "user_id"),
        ({"query": "dog", "tokens": 5}, "tokens"),
        ({"query": "dog", "zone_allocation": {"critical": 0.5, "middle": 0.5, "recency": 0.5}}, "zone_allocation"),
        ({"query": "dog", "zone_allocation": {"critical": -1}}, "zone_allocation"),
    ],
)
async def test_a_bad_body_is_told_by_its_field(client: Client, body: dict[str, Any], field: str) -> None:
    response = await client.post("/v1/context", json=body)

    assert response.status_code == 400
    assert field in response.json()["error"]["message"]


async def test_an_unknown_namespace_is_not_found(client: Client) -> None:
    response = await client.post("/v1/context", json={"query": "dog", "namespace": "nowhere"})

    assert response.status_code == 404


async def test_a_key_without_the_scope_is_refused(services: Services, assembler: Assembler) -> None:
    reader = a_caller(scopes=frozenset({"read"}))
    async with AsyncTestClient(context_app(services, assembler, reader)) as client:
        response = await client.post("/v1/context", json={"query": "dog"})

    assert response.status_code == 403


async def stored_receipt(services: Services, caller: Caller, assembler: Assembler, request_id: str) -> Receipt:
    await remember(services, caller, "Has a dog named Rex.")
    receipt = Receipt(
        request_id=request_id,
        tenant=caller.tenant,
        at=START,
        outcome="skipped",
        namespace="default",
        learning=Learning(enqueued=True),
    )
    where = Filter(tenant=caller.tenant, namespaces=("default",))
    request = ContextRequest(where=where, query="What is my dog's name?", token_budget=500, form="block")
    receipt.record(await assembler.assemble(request))
    await services.engine.commit([receipt.document(ttl_seconds=60)])
    return receipt


async def test_a_receipt_tells_what_went_in_and_why_but_no_texts(
    services: Services, caller: Caller, assembler: Assembler, client: Client
) -> None:
    await stored_receipt(services, caller, assembler, "req_1")

    response = await client.get("/v1/receipts/req_1")

    shown = response.json()
    [memory] = shown["memories"]
    assert shown["outcome"] == "used"
    assert shown["created_at"] == "2026-01-19T10:00:00Z"
    assert shown["token_count"] <= shown["token_budget"] == 500
    assert shown["encoding"] == "llama2"
    assert shown["learning"] == {"enqueued": True, "reason": None, "refused": []}
    assert memory.keys() == {"id", "score", "reasons", "position", "tokens", "truncated"}
    assert "Rex" not in response.text


async def test_a_receipt_tells_what_might_not_be_learned(
    services: Services, caller: Caller, assembler: Assembler, client: Client
) -> None:
    receipt = await stored_receipt(services, caller, assembler, "req_1")
    exchange = an_exchange("I live in Lisbon.", request_id="req_1", tenant=caller.tenant)

    await services.engine.commit(telling(exchange, ["the namespace is full"], seconds=60))

    shown = (await client.get("/v1/receipts/req_1")).json()
    assert shown["learning"] == {"enqueued": True, "reason": None, "refused": ["the namespace is full"]}
    assert shown["request_id"] == receipt.request_id


@pytest.mark.parametrize(
    "other", [{"tenant": "other"}, {"namespaces": frozenset({"elsewhere"})}], ids=["tenant", "namespace"]
)
async def test_a_receipt_of_others_is_not_found(
    services: Services, caller: Caller, assembler: Assembler, other: dict[str, Any]
) -> None:
    await stored_receipt(services, caller, assembler, "req_1")

    async with AsyncTestClient(context_app(services, assembler, a_caller(**other))) as client:
        hidden = await client.get("/v1/receipts/req_1")
        missing = await client.get("/v1/receipts/req_2")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["error"]["code"] == missing.json()["error"]["code"] == "not_found"

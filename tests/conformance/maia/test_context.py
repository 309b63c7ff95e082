"""The document's Context Assembly."""

import re
import time
from typing import Any

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.conformance.maia.test_errors import is_error
from tests.conformance.maia.test_memories import create

REQUEST: dict[str, Any] = {
    "query": "What should I know about this user?",
    "namespace": "default",
    "token_budget": 2000,
    "system_prompt": "You are a helpful assistant.",
    "include_scores": True,
    "min_score": 0.3,
    "memory_types": ["semantic", "episodic"],
    "zone_allocation": {"critical": 0.15, "middle": 0.65, "recency": 0.20},
}
ANSWER: dict[str, Any] = {
    "content": "## Relevant Context\n\nUser prefers dark mode and compact layouts...\n\nYesterday we discussed …",
    "memories": [
        {
            "id": "mem_01HQ5K3...",
            "content": "User prefers dark mode and compact layouts",
            "type": "semantic",
            "score": 0.92,
            "position": "critical",
            "token_count": 45,
            "truncated": False,
        }
    ],
    "token_count": 135,
    "token_budget": 2000,
    "truncated": False,
    "zone_stats": {
        "critical_used": 45,
        "critical_budget": 300,
        "middle_used": 52,
        "middle_budget": 1300,
        "recency_used": 38,
        "recency_budget": 400,
    },
    "query_analysis": {"intent": "exploratory", "context_type": "semantic", "temporal_scope": "all"},
    "query_time": "45.2ms",
}
OURS = {"encoding"}
SCORED = OURS | {"reasons"}
"""What `include_scores` adds: what each score is made of."""

OLD = "2025-01-19T10:00:00Z"


def context(client: httpx.Client, **asked: Any) -> dict[str, Any]:
    answer = client.post("/v1/context", json={"query": "What should I know about this user?"} | asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def contents(answer: dict[str, Any]) -> list[str]:
    return [memory["content"] for memory in answer["memories"]]


@pytest.fixture
def remembering(client: httpx.Client) -> httpx.Client:
    create(client, content="User prefers dark mode and compact layouts")
    create(client, content="Yesterday we discussed migrating the monolith with the user", type="episodic")
    create(client, content="Currently debugging a race condition of the user", type="working")
    return client


def test_the_printed_request(remembering: httpx.Client) -> None:
    answer = remembering.post("/v1/context", json=REQUEST)

    assert answer.status_code == 200
    told = answer.json()
    same_shape(told, ANSWER, beyond=SCORED)
    assert told["content"].startswith("You are a helpful assistant.\n\n## Relevant Context\n\n")
    assert {memory["type"] for memory in told["memories"]} <= {"semantic", "episodic"}
    assert told["query_analysis"] == ANSWER["query_analysis"]
    assert (told["token_budget"], told["truncated"]) == (2000, False)
    budgets = {name: value for name, value in told["zone_stats"].items() if name.endswith("budget")}
    assert budgets == {name: value for name, value in ANSWER["zone_stats"].items() if name.endswith("budget")}


def test_only_the_query_is_needed(remembering: httpx.Client) -> None:
    told = context(remembering)

    same_shape(told, ANSWER, beyond=OURS)
    assert told["content"].startswith("## Relevant Context\n\n")
    assert (told["token_budget"], told["zone_stats"]["middle_budget"]) == (4000, 2600)
    assert all(content in told["content"] for content in contents(told))
    assert len(told["memories"]) == 3


def test_nothing_remembered_is_no_text(client: httpx.Client) -> None:
    told = context(client)

    assert (told["content"], told["memories"], told["token_count"]) == ("", [], 0)


def test_the_score_is_always_there_and_its_parts_where_asked(remembering: httpx.Client) -> None:
    plain, scored = context(remembering), context(remembering, include_scores=True)

    assert all(0 <= memory["score"] <= 1 and "reasons" not in memory for memory in plain["memories"])
    for memory in scored["memories"]:
        assert sum(memory["reasons"].values()) == pytest.approx(memory["score"], abs=1e-3)


def test_the_token_count_is_the_texts_and_within_the_budget(remembering: httpx.Client) -> None:
    for budget in (0, 10, 20, 40, 4000):
        told = context(remembering, token_budget=budget)
        assert told["token_count"] <= told["token_budget"] == budget
        assert sum(told["zone_stats"][f"{zone}_used"] for zone in ("critical", "middle", "recency")) <= budget
    assert told["truncated"] is False
    assert context(remembering, token_budget=20)["truncated"] is True


def test_min_score_leaves_out_what_scores_less(remembering: httpx.Client) -> None:
    scores = [memory["score"] for memory in context(remembering)["memories"]]

    assert context(remembering, min_score=1)["memories"] == []
    kept = context(remembering, min_score=max(scores) - 1e-3)["memories"]
    assert [memory["score"] for memory in kept] == [max(scores)]


@pytest.mark.parametrize("kind", ["semantic", "episodic", "working"])
def test_memory_types_filter(remembering: httpx.Client, kind: str) -> None:
    assert [memory["type"] for memory in context(remembering, memory_types=[kind])["memories"]] == [kind]


def test_a_namespaces_context_holds_its_own(remembering: httpx.Client) -> None:
    remembering.post("/v1/namespaces", json={"name": "other"})

    assert context(remembering, namespace="other")["memories"] == []
    is_error(remembering.post("/v1/context", json={"query": "x", "namespace": "unknown"}), 404, "not_found")


def test_zone_allocation_divides_the_budget(remembering: httpx.Client) -> None:
    stats = context(remembering, token_budget=1001, zone_allocation={"critical": 0.5, "middle": 0.25, "recency": 0.25})[
        "zone_stats"
    ]

    assert (stats["critical_budget"], stats["middle_budget"], stats["recency_budget"]) == (500, 250, 250)


def test_positions_follow_the_document(client: httpx.Client) -> None:
    create(client, content="zebra")
    create(client, content="zebra quagga okapi lives in the zoo", created_at=OLD, type="episodic")
    create(client, content="the working zebra", type="working", created_at=OLD)

    told = context(client, query="zebra")

    positions = {memory["content"]: (memory["position"], memory["score"]) for memory in told["memories"]}
    assert positions["the working zebra"][0] == "recency"
    for position, score in positions.values():
        assert position in {"critical", "middle", "recency"}
        assert position == "recency" or (position == "critical") is (score >= 0.7)
    assert [memory["position"] for memory in told["memories"]] == sorted(
        (memory["position"] for memory in told["memories"]), key=["critical", "middle", "recency"].index
    )


@pytest.mark.parametrize(
    ("query", "analysis"),
    [
        ("What should I know about this user?", ("exploratory", "semantic", "all")),
        ("How do I deploy the service?", ("procedural", "procedural", "all")),
        ("What did we talk about recently?", ("conversational", "episodic", "recent")),
        ("When did she move?", ("temporal", "semantic", "all")),
        ("What is my name?", ("factual", "semantic", "all")),
    ],
)
def test_a_query_is_analysed_in_the_documents_words(
    client: httpx.Client, query: str, analysis: tuple[str, str, str]
) -> None:
    told = context(client, query=query)["query_analysis"]

    assert (told["intent"], told["context_type"], told["temporal_scope"]) == analysis


def test_the_query_time_is_of_the_whole_request(remembering: httpx.Client) -> None:
    started = time.perf_counter()
    told = context(remembering)
    elapsed = 1000 * (time.perf_counter() - started)

    assert re.fullmatch(r"\d+\.\dms", told["query_time"])
    assert 0 < float(told["query_time"].removesuffix("ms")) <= elapsed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("query", None),
        ("query", 1),
        ("token_budget", -1),
        ("token_budget", 1.5),
        ("system_prompt", 1),
        ("include_scores", "yes"),
        ("min_score", 1.1),
        ("memory_types", ["nonsense"]),
        ("zone_allocation", {"critical": 0.5, "middle": 0.5, "recency": 0.5}),
        ("zone_allocation", {"critical": 1.5, "middle": -0.5, "recency": 0}),
        ("zone_allocation", {"nonsense": 1}),
        ("nonsense", 1),
    ],
)
def test_it_refuses(client: httpx.Client, field: str, value: object) -> None:
    answer = client.post("/v1/context", json={"query": "x", field: value})

    is_error(answer, 400, "bad_request")
    assert answer.json()["error"]["details"]["field"].startswith(field)


def test_it_needs_a_query(client: httpx.Client) -> None:
    is_error(client.post("/v1/context", json={}), 400, "bad_request")


@pytest.mark.parametrize("header", ["X-MAIA-Token-Budget", "X-Remora-Token-Budget"])
def test_a_budget_comes_from_the_header_then_the_request_then_the_namespace_then_the_tenant(
    client: httpx.Client, tenant: dict[str, Any], operator: Any, header: str
) -> None:
    def budget(asked: dict[str, Any], **headers: str) -> int:
        answer = client.post("/v1/context", json={"query": "x"} | asked, headers=headers)
        assert answer.status_code == 200, answer.text
        given: int = answer.json()["token_budget"]
        return given

    changed = operator.client.put(f"/admin/tenants/{tenant['id']}", json={"config": {"token_budget": 4}})
    assert changed.status_code == 200
    client.post("/v1/namespaces", json={"name": "a", "config": {"token_budget": 3}})
    assert budget({}) == 4
    assert budget({"namespace": "a"}) == 3
    assert budget({"namespace": "a", "token_budget": 2}) == 2
    assert budget({"namespace": "a", "token_budget": 2}, **{header: "1"}) == 1

"""The document's Search Memories: the example sent as printed, and every filter."""

import re
from typing import Any

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.conformance.maia.test_errors import is_error
from tests.conformance.maia.test_memories import CREATED, create

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
BEYOND = (set(CREATED) - {"embedding"}) | {"has_more"}
"""A search prints a part of its memories' keys; ours have all but the embedding."""

JANUARY, FEBRUARY = "2026-01-19T10:00:00Z", "2026-02-19T10:00:00Z"


def search(client: httpx.Client, **asked: Any) -> dict[str, Any]:
    answer = client.post("/v1/memories/search", json=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def contents(found: dict[str, Any]) -> list[str]:
    return [result["memory"]["content"] for result in found["results"]]


def test_search(client: httpx.Client) -> None:
    create(client, created_at=JANUARY)
    create(client, created_at=FEBRUARY)

    found = search(client, **SEARCH)

    same_shape(found, SEARCHED, beyond=BEYOND)
    assert (found["total"], found["limit"], found["offset"], found["has_more"]) == (1, 20, 0, False)
    assert 0 < found["results"][0]["score"] <= 1


def test_search_with_nothing_given_takes_the_documents_defaults(client: httpx.Client) -> None:
    create(client)

    found = search(client)

    same_shape(found, SEARCHED, beyond=BEYOND)
    assert (found["limit"], found["offset"]) == (100, 0)


def test_without_a_query_the_newest_come_first(client: httpx.Client) -> None:
    for content, at in (("old", "2026-01-01T00:00:00Z"), ("new", "2026-03-01T00:00:00Z"), ("middle", JANUARY)):
        create(client, content=content, created_at=at)

    assert contents(search(client)) == ["new", "middle", "old"]


def test_with_a_query_the_best_come_first(client: httpx.Client) -> None:
    create(client, content="The user lives in Lisbon")
    create(client, content="The user is allergic to peanuts")

    found = search(client, query="Which food is the user allergic to?")

    assert contents(found)[0] == "The user is allergic to peanuts"
    scores = [result["score"] for result in found["results"]]
    assert scores == sorted(scores, reverse=True)


def test_search_finds_by_words_and_by_meaning(client: httpx.Client) -> None:
    create(client, content="The invoice number is QX-4711")
    create(client, content="She adores kittens")

    assert contents(search(client, query="QX-4711"))[0] == "The invoice number is QX-4711"
    assert contents(search(client, query="loves cats"))[0] == "She adores kittens"


def test_the_total_of_a_query_is_what_its_filters_match(client: httpx.Client) -> None:
    for number in range(5):
        create(client, content=f"preference {number}", tags=["a"] if number < 3 else ["b"])

    found = search(client, query="preference 1", tags=["a"], limit=1)

    assert (found["total"], len(found["results"]), found["has_more"]) == (3, 1, True)


@pytest.mark.parametrize("query", [None, "memory"])
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "abc"),
        ({"types": ["semantic"]}, "a"),
        ({"types": ["semantic", "episodic"]}, "ab"),
        ({"types": ["structured", "procedural"]}, ""),
        ({"types": []}, "abc"),
        ({"tags": ["x"]}, "ab"),
        ({"tags": ["x", "y"]}, "b"),
        ({"tags": ["X"]}, ""),
        ({"tags": []}, "abc"),
        ({"source": "imported"}, "c"),
        ({"min_confidence": 0.5}, "bc"),
        ({"min_confidence": 0}, "abc"),
        ({"min_confidence": 1}, "c"),
        ({"time_range": {"start": JANUARY}}, "bc"),
        ({"time_range": {"end": JANUARY}}, "ab"),
        ({"time_range": {"start": "2026-01-19T11:00:00+01:00", "end": JANUARY}}, "b"),
        ({"time_range": {"start": FEBRUARY, "end": JANUARY}}, ""),
        ({"time_range": {}}, "abc"),
        ({"namespace": "other"}, ""),
        ({"namespace": "default", "types": ["working"], "tags": ["z"], "source": "imported"}, "c"),
    ],
)
def test_each_filter(client: httpx.Client, query: str | None, asked: dict[str, Any], found: str) -> None:
    client.post("/v1/namespaces", json={"name": "other"})
    times = {"a": "2026-01-01T00:00:00Z", "b": JANUARY, "c": FEBRUARY}
    for name, fields in {
        "a": {"type": "semantic", "tags": ["x"], "confidence": 0.2},
        "b": {"type": "episodic", "tags": ["x", "y"], "confidence": 0.5},
        "c": {"type": "working", "tags": ["z"], "source": "imported", "confidence": 1},
    }.items():
        create(client, content=f"memory {name}", created_at=times[name], **fields)

    answer = search(client, query=query, **asked)

    assert "".join(sorted(content[-1] for content in contents(answer))) == found
    assert answer["total"] == len(found)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("query", 1),
        ("types", ["nonsense"]),
        ("tags", "a"),
        ("source", "nonsense"),
        ("min_confidence", 1.1),
        ("time_range.start", "yesterday"),
        ("time_range.end", 5),
        ("limit", 0),
        ("limit", 1001),
        ("offset", -1),
        ("nonsense", 1),
    ],
)
def test_search_refuses(client: httpx.Client, field: str, value: object) -> None:
    outer, _, inner = field.partition(".")
    answer = client.post("/v1/memories/search", json={outer: {inner: value} if inner else value})

    is_error(answer, 400, "bad_request")
    assert re.match(rf"{field}\b", answer.json()["error"]["details"]["field"])


def test_search_in_an_unknown_namespace_is_not_found(client: httpx.Client) -> None:
    is_error(client.post("/v1/memories/search", json={"namespace": "unknown"}), 404, "not_found")

"""The document's Statistics."""

from typing import Any

import httpx

from tests.conformance.maia.shape import same_shape
from tests.conformance.maia.test_memories import create
from tests.support.upstream import wait_until

PRINTED: dict[str, Any] = {
    "storage": {
        "memory_count": 15000,
        "namespace_count": 12,
        "total_size_bytes": 15728640,
        "index_size_bytes": 5242880,
    },
    "server": {"uptime_seconds": 86400, "requests_total": 150000, "requests_per_second": 1.74},
    "performance": {
        "avg_write_latency_ms": 1.2,
        "avg_read_latency_ms": 0.5,
        "avg_search_latency_ms": 5.3,
        "avg_context_latency_ms": 45.2,
    },
}


def stats(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/v1/stats")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_stats_have_the_printed_shape(client: httpx.Client) -> None:
    same_shape(stats(client), PRINTED)


def test_storage_is_the_tenants_own(client: httpx.Client) -> None:
    create(client, content="é" * 50, metadata={})
    client.post("/v1/namespaces", json={"name": "a"})

    storage = stats(client)["storage"]

    assert (storage["memory_count"], storage["namespace_count"], storage["total_size_bytes"]) == (1, 2, 100)


def test_latencies_are_those_of_what_was_asked(client: httpx.Client) -> None:
    create(client)
    client.get("/v1/memories")
    client.post("/v1/memories/search", json={"query": "x"})
    client.post("/v1/context", json={"query": "x"})

    wait_until(lambda: all(value > 0 for value in stats(client)["performance"].values()), "all four latencies")

"""What requests leave in the statistics, over both engines."""

from typing import Any

import httpx

from tests.e2e.talking import tell
from tests.support.server import RemoraServer
from tests.support.upstream import wait_until


def test_each_kind_of_request_is_measured(remora: RemoraServer) -> None:
    created = httpx.post(f"{remora.url}/memories", json={"namespace": "default", "content": "It rains in Bergen."})
    remora.get(f"/v1/memories/{created.json()['id']}")
    httpx.post(f"{remora.url}/memories/search", json={"query": "rain"}).raise_for_status()
    stats: dict[str, Any] = {}

    def measured(*kinds: str) -> bool:
        stats.update(remora.get("/v1/stats"))
        return all(stats["performance"][f"avg_{kind}_latency_ms"] > 0 for kind in kinds)

    wait_until(lambda: measured("write", "read", "search"), "the figures")
    assert stats["performance"]["avg_context_latency_ms"] == 0
    tell(remora.url, "Where does it rain?", user="ann")  # for which memory is asked
    wait_until(lambda: measured("context"), "the figure of a proxied call")
    assert stats["server"]["requests_total"] >= 4
    assert stats["storage"]["memory_count"] >= 1

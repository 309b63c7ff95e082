"""What a real server writes into its log, at its most talkative, over whatever clients, upstreams and faults do."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.talking import user
from tests.support.operator import Operator
from tests.support.process import RemoraProcess
from tests.support.upstream import FakeUpstream, wait_until

CANARY = "canary"
OPERATOR_KEY = "canary-operator-key"
TEXT = "I live in canary-town, and my password is canary-secret."
QUERIED = {"api_key": "canary-query-key"}

WITHOUT_REQUEST = ("remora", "remora.tokens", "uvicorn.error")
"""Loggers that speak of the server and of no request."""


class Story(RemoraProcess):
    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self._log.read_text().rpartition("\n")[0].splitlines()]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "remora.db"


@pytest.fixture
def server(fake: FakeUpstream, database: Path) -> Iterator[Story]:
    with Story(
        STORE=f"sqlite:///{database}",
        ADMIN_KEY=OPERATOR_KEY,
        UPSTREAM_BASE_URL=fake.url,
        UPSTREAM_API_KEY="canary-upstream-key",
        EXTRACTION_MODEL="echo",  # which answers in no form that was asked for
        EXTRACTION_API_KEY="canary-extraction-key",
        LOG_FORMAT="json",
        LOG_LEVEL="debug",
        LOG_REQUESTS="true",
    ) as process:
        process.start()
        yield process


def chat(client: httpx.Client, model: str, **fields: Any) -> None:
    client.post("/v1/chat/completions", json={"model": model, "messages": user(TEXT), "user": "ana", **fields})


def use_the_proxy(client: httpx.Client, fake: FakeUpstream) -> None:
    for model in ("echo", "plain", "status-400", "status-500", "cut", "malformed", "gzip"):
        chat(client, model)
        chat(client, model, stream=True)
    client.post("/v1/chat/completions", content=b'{"messages": "canary-no-messages"}')
    client.post("/v1/chat/completions", content=b'{"messages": [{"role": "user", "content": "canary \\ud83d"}]}')
    client.post("/v1/chat/completions", headers={"X-Remora-Token-Budget": "canary"}, json={"messages": []})
    client.post("/v1/embeddings", json={"input": TEXT}, params=QUERIED)
    with client.stream(
        "POST", "/v1/chat/completions", json={"model": "slow-events", "messages": user(TEXT), "stream": True}
    ):
        pass


def use_the_api(client: httpx.Client) -> None:
    memory = {"namespace": "default", "content": TEXT, "tags": ["canary"], "metadata": {"canary": "canary"}}
    made = client.post("/v1/memories", json=memory)
    id = made.json()["id"]
    client.get(f"/v1/memories/{id}")
    client.put(f"/v1/memories/{id}", json={"content": f"{TEXT} canary"})
    for query in ("canary", 'canary" OR *', "canary AND NEAR(", "@canary:{x}", "canary: -"):
        assert client.post("/v1/memories/search", json={"query": query}).status_code == 200
        assert client.post("/v1/context", json={"query": query}).status_code == 200
    client.post("/v1/memories/batch", json={"namespace": "default", "memories": [{"content": ""}, {"content": TEXT}]})
    client.post("/v1/memories", content=b'{"content": "canary')
    client.post("/v1/memories", json={**memory, "content": "canary" * 10_000})
    client.post("/v1/memories", json={**memory, "type": "canary"})
    client.get("/v1/memories", params={"limit": "canary", **QUERIED})
    client.get(f"/v1/memories/{id}/history")
    client.delete(f"/v1/memories/{id}")


def spoil(database: Path) -> None:
    """Makes of a namespace's configuration one that can't be read, in words that the reader's exception repeats."""
    with closing(sqlite3.connect(database)) as connection, connection:
        rows = connection.execute("SELECT number, value FROM documents WHERE kind = 'namespace'").fetchall()
        for row, value in rows:
            spoilt = {**json.loads(value), "config": {"allowed_types": ["canary-in-an-exception"]}}
            connection.execute("UPDATE documents SET value = ? WHERE number = ?", (json.dumps(spoilt).encode(), row))
        assert rows


@pytest.mark.timeout(300)
def test_no_text_and_no_key_gets_into_the_log_and_every_line_names_its_request(
    server: Story, fake: FakeUpstream, database: Path
) -> None:
    with Operator(server.origin) as operator:
        operator.client.headers["X-API-Key"] = OPERATOR_KEY
        tenant = operator.tenant("acme")
        key = operator.key(tenant["id"])
        clients = [operator.client, operator.acting(key)]
        for client in clients:
            use_the_proxy(client, fake)
            use_the_api(client)
        for wrong in ("canary-wrong-key", "remora_canary-wrong-key"):
            operator.acting(wrong).get("/v1/memories")
            operator.acting(wrong).post("/v1/chat/completions", json={"messages": user(TEXT)})
        wait_until(lambda: "remora.findings" in loggers(server) or "remora.learner" in loggers(server), "learning", 60)
        spoil(database)
        assert operator.client.get("/v1/namespaces").status_code == 500
        chat(operator.client, "echo")
    lines = server.lines()
    assert [line for line in lines if "exception" in line]
    assert not [line for line in lines if CANARY in json.dumps(line) or key in json.dumps(line)]
    assert {line["logger"] for line in lines if "request_id" not in line} <= set(WITHOUT_REQUEST)


def loggers(server: Story) -> set[str]:
    return {line["logger"] for line in server.lines()}

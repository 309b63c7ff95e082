"""A tenant's life, from its making to its end: over HTTP and OpenAI's own client, against a real server."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from admin.erasure import JOB_KIND
from config.settings import Secret
from memory.caller import SYSTEM
from memory.engines.base import Job
from tests.e2e.talking import prompt, tell, user
from tests.support.operator import OPERATOR_KEY, asking
from tests.support.raw_store import traces
from tests.support.server import RemoraServer, outbox_emptied, settings_for
from tests.support.upstream import FakeUpstream, wait_until

ERASED_SECONDS = 60.0
"""Ten of which it waits for other processes."""

CANARY = "quetzalli"
SECRET = f"My sister's name is {CANARY.title()}."
QUESTION = "What is my sister's name?"


@pytest.fixture
def server(fake: FakeUpstream, store: dict[str, Any]) -> Iterator[RemoraServer]:
    settings = settings_for(
        fake.url, **store, admin_key=Secret(OPERATOR_KEY), upstream={"api_key": Secret("the-servers-own")}
    )
    with RemoraServer(settings) as server:
        yield server


@pytest.fixture
def operator(server: RemoraServer) -> Iterator[httpx.Client]:
    with asking(server.origin, OPERATOR_KEY) as client:
        yield client


def told(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def new_key(operator: httpx.Client, tenant: str, **draft: Any) -> str:
    key: str = told(operator.post(f"/admin/tenants/{tenant}/keys", json=draft))["key"]
    return key


def memories(server: RemoraServer, key: str) -> list[str]:
    with asking(server.origin, key) as client:
        return [memory["content"] for memory in told(client.get("/v1/memories", params={"limit": 1000}))["items"]]


def known(tenant: dict[str, Any], store: dict[str, Any]) -> set[str]:
    """Where the id of a tenant is still found."""
    places = traces(tenant["id"].removeprefix("tenant_"), **store)
    return {"jobs" if "job" in place else "audit" if "log" in place else place for place in places}


def erased(operator: httpx.Client, tenant: str) -> dict[str, Any]:
    """The job that deleted it, done."""
    begun = told(operator.delete(f"/admin/tenants/{tenant}"))

    def done() -> bool:
        status = told(operator.get(begun["status_url"]))
        assert status["status"] != "failed", status
        return bool(status["status"] == "done")

    wait_until(done, "the tenant's end", ERASED_SECONDS)
    job: dict[str, Any] = told(operator.get(begun["status_url"]))
    return job


def test_a_tenant_lives_and_leaves_nothing_behind(
    server: RemoraServer, operator: httpx.Client, fake: FakeUpstream, store: dict[str, Any]
) -> None:
    tenant = told(operator.post("/admin/tenants", json={"name": "acme-corp"}))
    key = new_key(operator, "acme-corp")

    tell(server.url, SECRET, key=key, user="ann")
    server.learned()
    assert any(CANARY.title() in content for content in memories(server, key))
    assert told(operator.get("/admin/tenants/acme-corp/usage"))["memory_count"] > 0

    tell(server.url, QUESTION, key=key, user="ann")
    assert CANARY.title() in prompt(fake)
    tell(server.url, QUESTION, key=new_key(operator, "default"), user="ann")
    assert CANARY.title() not in prompt(fake)
    assert not any(CANARY.lower() in content.lower() for content in memories(server, OPERATOR_KEY))

    told(operator.post("/admin/tenants/acme-corp/suspend", json={"reason": "Payment overdue"}))
    with pytest.raises(openai.PermissionDeniedError, match="Payment overdue"):
        tell(server.url, QUESTION, key=key, user="ann")
    told(operator.post("/admin/tenants/acme-corp/activate"))

    with OpenAI(base_url=server.url, api_key=key, max_retries=0) as client, asking(server.origin, key) as native:
        told(native.post("/v1/namespaces", json={"name": f"about {CANARY}", "config": {"token_budget": 100}}))
        memory = {
            "namespace": f"about {CANARY}",
            "content": SECRET,
            "tags": [CANARY],
            "metadata": {CANARY: CANARY},
            "user_id": CANARY,
            "run_id": CANARY,
        }
        changed = told(native.post("/v1/memories", json=memory))["id"]
        told(native.put(f"/v1/memories/{changed}", json={"content": f"{SECRET} She paints."}))
        assert native.delete(f"/v1/memories/{changed}").status_code == 204
        told(native.post("/v1/memories", json=memory))
        for number in range(3):  # which is still to be learned when the tenant is deleted
            client.chat.completions.create(
                model="echo",
                messages=user(f"{SECRET} I have {number} cats."),
                user=CANARY,
                extra_headers={"X-Remora-Namespace": f"about {CANARY}"},
            )
    assert traces(CANARY, **store)

    job = erased(operator, tenant["id"])
    assert (job["kind"], job["progress"], job["result"]) == ("erase-tenant", 1.0, {"tenant_id": tenant["id"]})
    assert operator.get("/admin/tenants/acme-corp").status_code == 404
    with pytest.raises(openai.AuthenticationError):
        tell(server.url, QUESTION, key=key, user="ann")
    assert traces(CANARY, **store) == []
    assert known(tenant, store) == {"audit", "jobs"}
    entries = told(operator.get("/admin/audit", params={"tenant": tenant["id"]}))["entries"]
    assert [entry["action"] for entry in entries][:2] == ["tenant.erased", "tenant.delete"]


def test_an_answer_that_outlives_its_tenant_brings_nothing_back(
    server: RemoraServer, operator: httpx.Client, fake: FakeUpstream, store: dict[str, Any]
) -> None:
    tenant = told(operator.post("/admin/tenants", json={"name": "acme-corp"}))
    key = new_key(operator, "acme-corp")
    with OpenAI(base_url=server.url, api_key=key, max_retries=0) as client:
        stream = client.chat.completions.create(model="slow-events", messages=user(SECRET), user="ann", stream=True)
        next(iter(stream))
        erased(operator, tenant["id"])
        fake.last.release()
        assert list(stream)
    server.run(outbox_emptied)
    wait_until(
        lambda: server.run(server.engine.jobs.backlog).waiting == 0, "none but the job for what is left, not due"
    )
    assert not [place for place in traces(CANARY, **store) if "memories" in place]

    parts = server.app.state.parts
    left = Job(id="", kind=JOB_KIND, tenant=SYSTEM, payload=tenant["id"].encode(), attempt=1, due_at=0)
    server.run(parts.meter.flush)
    server.run(lambda: parts.erasure.handle(left, nobody))
    assert traces(CANARY, **store) == []
    assert known(tenant, store) == {"audit", "jobs"}


async def nobody(share: float) -> None:
    """Follows the job."""

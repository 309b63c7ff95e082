"""The document's Admin API."""

import time
from typing import Any

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.conformance.maia.test_errors import is_error
from tests.conformance.maia.test_memories import create
from tests.support.operator import Operator

CREATE: dict[str, Any] = {
    "name": "acme-corp",
    "display_name": "Acme Corporation",
    "plan": "standard",
    "config": {"custom_setting": "value"},
    "quotas": {
        "max_memories": 100000,
        "max_storage_bytes": 1073741824,
        "requests_per_minute": 1000,
        "requests_per_day": 100000,
    },
}
CREATED: dict[str, Any] = {
    "id": "tenant_01HQ5K6...",
    "name": "acme-corp",
    "display_name": "Acme Corporation",
    "plan": "standard",
    "status": "active",
    "quotas": CREATE["quotas"],
    "usage": {"memory_count": 0, "storage_bytes": 0, "requests_today": 0},
    "created_at": "2026-01-19T10:00:00Z",
}
USAGE: dict[str, Any] = {
    "tenant_id": "tenant_01HQ5K6...",
    "memory_count": 5000,
    "storage_bytes": 52428800,
    "requests_today": 1500,
    "requests_this_minute": 25,
    "quota_memory_percent": 5.0,
    "quota_storage_percent": 4.9,
    "quota_rpm_percent": 2.5,
}
SUSPEND: dict[str, Any] = {"reason": "Payment overdue"}
OURS = {"config", "updated_at", "reason"}
PLANS = {
    "free": (10_000, 100 * 2**20, 100, 10_000),
    "standard": (100_000, 2**30, 1_000, 100_000),
    "premium": (1_000_000, 10 * 2**30, 10_000, 1_000_000),
}
JOB_SECONDS = 30


def quotas(*amounts: int) -> dict[str, int]:
    return dict(zip(CREATE["quotas"], amounts, strict=True))


def url(tenant: dict[str, Any], verb: str = "") -> str:
    return f"/admin/tenants/{tenant['id']}{verb}"


def test_create(operator: Operator, tenant: dict[str, Any]) -> None:
    name = f"acme-{tenant['name']}"
    made = operator.tenant(**CREATE | {"name": name})

    same_shape(made, CREATED, beyond=OURS)
    assert {key: made[key] for key in CREATE} == CREATE | {"name": name}
    assert (made["status"], made["usage"]) == ("active", CREATED["usage"])


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_brings_the_documents_quotas(operator: Operator, plan: str) -> None:
    assert operator.tenant(plan=plan)["quotas"] == quotas(*PLANS[plan])


def test_the_plan_is_standard_unless_said(operator: Operator, tenant: dict[str, Any]) -> None:
    answer = operator.client.post("/admin/tenants", json={"name": f"plain-{tenant['name']}"})

    assert (answer.status_code, answer.json()["plan"]) == (201, "standard")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("name", ""),
        ("name", "a/b"),
        ("plan", "gold"),
        ("quotas", {"max_memories": -1}),
        ("quotas", {"nonsense": 1}),
        ("config", []),
        ("config", {"token_budget": "x"}),
        ("nonsense", 1),
    ],
)
def test_create_refuses(operator: Operator, field: str, value: object) -> None:
    is_error(operator.client.post("/admin/tenants", json=CREATE | {field: value}), 400, "bad_request")


def test_create_refuses_a_taken_name(operator: Operator, tenant: dict[str, Any]) -> None:
    is_error(operator.client.post("/admin/tenants", json={"name": tenant["name"]}), 409, "conflict")


def test_list_filters_by_status_and_plan(operator: Operator) -> None:
    free, suspended = operator.tenant(plan="free"), operator.tenant(plan="free")
    operator.client.post(url(suspended, "/suspend"), json=SUSPEND)

    def listed(**query: str) -> list[str]:
        answer = operator.client.get("/admin/tenants", params={"limit": "1000"} | query)
        assert answer.status_code == 200, answer.text
        same_shape(
            answer.json(),
            {"tenants": [CREATED], "total": 1, "limit": 1000, "offset": 0, "has_more": False},
            beyond=OURS,
        )
        assert answer.json()["total"] == len(answer.json()["tenants"])
        return [tenant["id"] for tenant in answer.json()["tenants"]]

    both = {free["id"], suspended["id"]}
    assert both <= set(listed())
    assert both <= set(listed(plan="free"))
    assert both.isdisjoint(listed(plan="premium"))
    assert both.intersection(listed(status="suspended")) == {suspended["id"]}
    assert both.intersection(listed(status="active", plan="free")) == {free["id"]}
    is_error(operator.client.get("/admin/tenants?status=nonsense"), 400, "bad_request")
    is_error(operator.client.get("/admin/tenants?plan=nonsense"), 400, "bad_request")


@pytest.mark.parametrize("by", ["id", "name"])
def test_get(operator: Operator, tenant: dict[str, Any], by: str) -> None:
    answer = operator.client.get(f"/admin/tenants/{tenant[by]}")

    assert (answer.status_code, answer.json()) == (200, tenant)


def test_update_changes_what_is_given(operator: Operator) -> None:
    tenant = operator.tenant(config={"kept": 1, "gone": 2})

    answer = operator.client.put(url(tenant), json={"display_name": "New", "config": {"gone": None, "new": 3}})

    assert answer.status_code == 200
    changed = {"display_name": "New", "config": {"kept": 1, "new": 3}, "updated_at": answer.json()["updated_at"]}
    assert answer.json() == tenant | changed


def test_another_plan_brings_its_quotas_but_for_those_set_by_hand(operator: Operator) -> None:
    tenant = operator.tenant(plan="free", quotas={"max_memories": 7})

    after = operator.client.put(url(tenant), json={"plan": "standard"}).json()

    assert tenant["quotas"] == quotas(*PLANS["free"]) | {"max_memories": 7}
    assert after["quotas"] == quotas(*PLANS["standard"]) | {"max_memories": 7}


def test_usage(operator: Operator, tenant: dict[str, Any], client: httpx.Client) -> None:
    create(client, content="x" * 100, metadata={})
    operator.client.put(url(tenant), json={"quotas": {"max_memories": 3, "max_storage_bytes": 300}})

    usage = operator.client.get(url(tenant, "/usage"))

    assert usage.status_code == 200
    same_shape(usage.json(), USAGE)
    told = usage.json()
    assert (told["tenant_id"], told["memory_count"], told["storage_bytes"]) == (tenant["id"], 1, 100)
    assert (told["quota_memory_percent"], told["quota_storage_percent"]) == (33.3, 33.3)
    assert told["requests_today"] >= told["requests_this_minute"] >= 0
    assert operator.client.get(url(tenant)).json()["usage"]["memory_count"] == 1


def test_suspend_and_activate(operator: Operator, tenant: dict[str, Any], client: httpx.Client) -> None:
    assert client.get("/v1/memories").status_code == 200

    suspended = operator.client.post(url(tenant, "/suspend"), json=SUSPEND)
    refused = client.get("/v1/memories")
    activated = operator.client.post(url(tenant, "/activate"))

    assert (suspended.status_code, suspended.json()["status"]) == (200, "suspended")
    assert suspended.json()["reason"] == "Payment overdue"
    same_shape(suspended.json(), CREATED, beyond=OURS)
    is_error(refused, 403, "forbidden")
    assert "Payment overdue" in refused.json()["error"]["message"]
    assert (activated.status_code, activated.json()["status"]) == (200, "active")
    assert "reason" not in activated.json()
    assert client.get("/v1/memories").status_code == 200


def test_delete_leaves_nothing(operator: Operator, tenant: dict[str, Any], client: httpx.Client) -> None:
    create(client)

    started = operator.client.delete(url(tenant))
    refused = client.get("/v1/memories")

    assert started.status_code == 202
    assert refused.status_code in {401, 403}
    deadline = time.monotonic() + JOB_SECONDS
    while (job := operator.client.get(started.json()["status_url"]).json())["status"] != "done":
        assert job["status"] in {"waiting", "running"}, job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    is_error(operator.client.get(url(tenant)), 404, "not_found")
    assert client.get("/v1/memories").status_code == 401
    assert operator.client.post("/admin/tenants", json={"name": tenant["name"]}).status_code == 201


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("GET", "/usage"),
        ("POST", "/suspend"),
        ("POST", "/activate"),
        ("GET", "/keys"),
        ("POST", "/keys"),
    ],
)
def test_an_unknown_tenant_is_not_found(operator: Operator, method: str, verb: str) -> None:
    body: dict[str, Any] | None = {} if method in {"PUT", "POST"} and verb != "/activate" else None

    is_error(operator.client.request(method, f"/admin/tenants/tenant_none{verb}", json=body), 404, "not_found")


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_tenants_are_the_operators(client: httpx.Client, tenant: dict[str, Any], method: str) -> None:
    is_error(client.request(method, "/admin/tenants", json=CREATE if method == "POST" else None), 403, "forbidden")


def test_a_key_is_shown_once_and_acts_until_it_is_revoked(operator: Operator, tenant: dict[str, Any]) -> None:
    issued = operator.issued(tenant["id"], name="ci")
    client = operator.acting(issued["key"])

    listed = operator.client.get(url(tenant, "/keys")).json()
    assert client.get("/v1/memories").status_code == 200
    revoked = operator.client.delete(url(tenant, f"/keys/{issued['id']}"))

    assert issued["key"].startswith("remora_")
    assert [key["id"] for key in listed["keys"]] == [issued["id"]]
    assert issued["key"] not in str(listed)
    assert (revoked.status_code, revoked.content) == (204, b"")
    is_error(client.get("/v1/memories"), 401, "unauthorized")


def test_the_audit_log_tells_what_was_done(operator: Operator, tenant: dict[str, Any]) -> None:
    operator.client.post(url(tenant, "/suspend"), json=SUSPEND)

    page = operator.client.get("/admin/audit", params={"tenant": tenant["id"]}).json()

    assert [entry["action"] for entry in page["entries"]] == ["tenant.suspend", "tenant.create"]
    assert {entry["actor"] for entry in page["entries"]} == {"operator"}


def test_a_full_tenant_reads_and_searches_on(operator: Operator) -> None:
    tenant = operator.tenant(quotas={"max_memories": 1})
    client = operator.acting(operator.key(tenant["id"]))
    create(client)

    is_error(client.post("/v1/memories", json={"namespace": "default", "content": "x"}), 403, "quota_exceeded")
    assert client.get("/v1/memories").json()["total"] == 1
    assert client.post("/v1/memories/search", json={"query": "dark mode"}).json()["total"] == 1
    assert client.post("/v1/context", json={"query": "dark mode"}).status_code == 200

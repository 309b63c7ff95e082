from typing import Any

import pytest

from admin.api import documentation
from memory.engines.base import BOUNDLESS, Append, Take
from tests.admin.api.conftest import Admin
from tests.support.services import a_caller

AT = "2026-01-19T10:00:00Z"
PLAN_QUOTAS = {
    "max_memories": 100_000,
    "max_storage_bytes": 2**30,
    "requests_per_minute": 1_000,
    "requests_per_day": 100_000,
}


async def requests(admin: Admin, tenant: str, count: int) -> None:
    """As the limits of rates count them."""
    windows = [
        Take(tenant=tenant, name="requests", limit=BOUNDLESS, window_seconds=s, amount=count) for s in (60, 86400)
    ]
    await admin.engine.counters.take(windows)


async def test_a_tenant_is_made_as_the_document_has_it(admin: Admin) -> None:
    answer = await admin.ask("POST", "/tenants", documentation.NEW_TENANT)
    assert answer.status_code == 201
    made = answer.json()
    assert made.pop("id").startswith("tenant_")
    assert made == {
        **documentation.NEW_TENANT,
        "status": "active",
        "usage": {"memory_count": 0, "storage_bytes": 0, "requests_today": 0},
        "created_at": AT,
        "updated_at": AT,
    }


async def test_a_tenant_needs_a_name_only_and_has_its_plans_quotas(admin: Admin) -> None:
    made = await admin.tenant()
    assert (made["plan"], made["display_name"], made["config"], made["quotas"]) == ("standard", "", {}, PLAN_QUOTAS)


async def test_quotas_set_by_hand_outlive_a_change_of_plan_and_null_gives_them_back(admin: Admin) -> None:
    made = await admin.tenant(quotas={"max_memories": 7})
    assert made["quotas"] == PLAN_QUOTAS | {"max_memories": 7}
    changed = await admin.told("PUT", f"/tenants/{made['id']}", {"plan": "free"})
    assert changed["quotas"]["max_memories"] == 7
    assert changed["quotas"]["requests_per_minute"] == 100
    changed = await admin.told("PUT", f"/tenants/{made['id']}", {"quotas": {"max_memories": None}})
    assert changed["quotas"]["max_memories"] == 10_000


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "tenant_00000000000"}, "name"),
        ({"name": "acme", "plan": "gold"}, "plan"),
        ({"name": "acme", "colour": "blue"}, "colour"),
        ({"name": "acme", "quotas": {"max_memories": -1}}, "quotas.max_memories"),
        ({"name": "acme", "quotas": {"max_memory": 1}}, "quotas.max_memory"),
        ({"name": "acme", "config": {"token_budget": "many"}}, "config.token_budget"),
        ({"name": "acme", "config": []}, "config"),
    ],
)
async def test_a_bad_field_is_a_400_that_names_it(admin: Admin, body: dict[str, Any], field: str) -> None:
    answer = await admin.ask("POST", "/tenants", body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["details"]["field"]) == ("bad_request", field)
    assert field in error["message"]


@pytest.mark.parametrize("name", ["acme-corp", "default"])
async def test_a_name_is_taken_once(admin: Admin, name: str) -> None:
    await admin.tenant()
    answer = await admin.ask("POST", "/tenants", {"name": name})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


async def test_a_tenant_is_found_by_its_id_and_by_its_name(admin: Admin) -> None:
    made = await admin.tenant("a corp: 100% ümlaut")
    for id_or_name in (made["id"], "a%20corp%3A%20100%25%20%C3%BCmlaut"):
        assert await admin.told("GET", f"/tenants/{id_or_name}") == made


async def test_the_tenant_default_is_there_without_being_made(admin: Admin) -> None:
    found = await admin.told("GET", "/tenants/default")
    assert (found["id"], found["plan"], found["status"]) == ("tenant_00000000000", "premium", "active")
    assert set(found["quotas"].values()) == {0}
    assert await admin.told("GET", "/tenants/tenant_00000000000") == found


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"plan": "free"}),
        ("DELETE", "", None),
        ("GET", "/usage", None),
        ("POST", "/suspend", {"reason": "none"}),
        ("POST", "/activate", None),
        ("POST", "/keys", {}),
        ("GET", "/keys", None),
        ("DELETE", "/keys/key_00000000000", None),
    ],
)
@pytest.mark.parametrize("tenant", ["nobody", "tenant_0dkzvg8r2ch", "tenant_x"])
async def test_a_tenant_that_is_not_there_is_a_404(
    admin: Admin, method: str, path: str, body: object, tenant: str
) -> None:
    answer = await admin.ask(method, f"/tenants/{tenant}{path}", body)
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "code": "not_found",
        "message": "Tenant not found",
        "details": {"tenant": tenant},
    }


async def test_tenants_are_listed_by_pages(admin: Admin) -> None:
    made = [await admin.tenant(f"tenant {number}") for number in range(3)]
    page = await admin.told("GET", "/tenants?limit=2&offset=1")
    assert page == {"tenants": made[:2], "total": 4, "limit": 2, "offset": 1, "has_more": True}
    last = await admin.told("GET", "/tenants?offset=3")
    assert (last["tenants"], last["has_more"]) == (made[2:], False)
    assert (await admin.told("GET", "/tenants"))["tenants"][0]["name"] == "default"


async def test_tenants_are_listed_by_status_and_plan(admin: Admin) -> None:
    free, other = await admin.tenant("a", plan="free"), await admin.tenant("b")
    suspended = await admin.told("POST", f"/tenants/{other['id']}/suspend", {"reason": "Payment overdue"})

    async def names(query: str) -> list[str]:
        return [tenant["name"] for tenant in (await admin.told("GET", f"/tenants?{query}"))["tenants"]]

    assert suspended["name"] == "b"
    assert await names("status=suspended") == ["b"]
    assert await names("plan=free") == [free["name"]]
    assert await names("plan=free&status=suspended") == []
    assert await names("status=deleting") == []


@pytest.mark.parametrize(
    "query", ["status=asleep", "plan=gold", "limit=0", "limit=1001", "offset=-1", "offset=1000001"]
)
async def test_a_bad_parameter_of_the_list_is_a_400(admin: Admin, query: str) -> None:
    answer = await admin.ask("GET", f"/tenants?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_a_change_is_partial_and_answers_the_tenant(admin: Admin) -> None:
    made = await admin.tenant(display_name="Acme", config={"a": 1, "b": 2})
    admin.clock.pass_(seconds=60)
    changed = await admin.told("PUT", "/tenants/acme-corp", {"config": {"b": None, "token_budget": 8000}})
    assert changed == made | {"config": {"a": 1, "token_budget": 8000}, "updated_at": "2026-01-19T10:01:00Z"}
    assert await admin.told("GET", "/tenants/acme-corp") == changed


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"plan": None}, "plan"),
        ({"status": "active"}, "status"),
        ({"quotas": {"requests": 1}}, "quotas.requests"),
        ({"name": "other"}, "name"),
        ({"config": {"token_budget": 1_000_001}}, "config.token_budget"),
    ],
)
async def test_a_bad_change_is_a_400_that_names_the_field(admin: Admin, body: dict[str, Any], field: str) -> None:
    await admin.tenant()
    answer = await admin.ask("PUT", "/tenants/acme-corp", body)
    assert (answer.status_code, answer.json()["error"]["details"].get("field")) == (400, field), answer.text


async def test_usage_has_the_documents_percentages(admin: Admin) -> None:
    made = await admin.tenant(quotas={"max_memories": 3, "requests_per_minute": 1000})
    await requests(admin, made["id"], 25)
    answer = await admin.told("GET", "/tenants/acme-corp/usage")
    assert answer == {
        "tenant_id": made["id"],
        "memory_count": 0,
        "storage_bytes": 0,
        "requests_today": 25,
        "requests_this_minute": 25,
        "quota_memory_percent": 0.0,
        "quota_storage_percent": 0.0,
        "quota_rpm_percent": 2.5,
    }
    assert (await admin.told("GET", "/tenants/acme-corp"))["usage"]["requests_today"] == 25


async def test_without_a_quota_its_percentage_is_0(admin: Admin) -> None:
    await requests(admin, "default", 25)
    usage = await admin.told("GET", "/tenants/default/usage")
    assert (usage["requests_this_minute"], usage["quota_rpm_percent"]) == (25, 0.0)


async def test_a_suspended_tenant_tells_why_and_its_keys_are_refused_until_it_is_activated(admin: Admin) -> None:
    await admin.tenant()
    key = await admin.key("acme-corp", "admin")
    suspended = await admin.told("POST", "/tenants/acme-corp/suspend", documentation.SUSPENSION)
    assert (suspended["status"], suspended["reason"]) == ("suspended", "Payment overdue")
    refused = await admin.ask("GET", "/tenants/acme-corp", key=key)
    assert refused.status_code == 403
    assert "Payment overdue" in refused.json()["error"]["message"]
    activated = await admin.told("POST", "/tenants/acme-corp/activate")
    assert activated["status"] == "active"
    assert "reason" not in activated
    assert (await admin.ask("GET", "/tenants/acme-corp", key=key)).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), [("POST", "/suspend", {"reason": "x"}), ("DELETE", "", None)])
async def test_the_tenant_default_is_neither_suspended_nor_deleted(
    admin: Admin, method: str, path: str, body: object
) -> None:
    answer = await admin.ask(method, f"/tenants/default{path}", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


async def test_a_deletion_is_a_job_to_follow_after_which_the_tenant_is_gone(admin: Admin) -> None:
    made = await admin.tenant()
    key = await admin.key("acme-corp")
    answer = await admin.ask("DELETE", "/tenants/acme-corp")
    assert answer.status_code == 202
    begun = answer.json()
    id = begun["job_id"]
    assert begun == {"job_id": id, "status": "waiting", "status_url": f"/admin/jobs/{id}"}
    waiting = await admin.told("GET", f"/jobs/{id}")
    assert waiting == {
        "id": id,
        "kind": "erase-tenant",
        "status": "waiting",
        "progress": 0.0,
        "attempt": 0,
        "error": None,
        "result": None,
    }
    assert (await admin.told("GET", "/tenants/acme-corp"))["status"] == "deleting"
    assert (await admin.ask("GET", "/tenants/acme-corp", key=key)).status_code == 401
    await admin.worker.drain()
    done = await admin.told("GET", f"/jobs/{id}")
    assert done == waiting | {"status": "done", "progress": 1.0, "attempt": 1, "result": {"tenant_id": made["id"]}}
    assert (await admin.ask("GET", "/tenants/acme-corp")).status_code == 404
    assert (await admin.told("GET", "/tenants"))["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "", None),
        ("PUT", "", {"plan": "free"}),
        ("POST", "/suspend", {}),
        ("POST", "/activate", None),
        ("POST", "/keys", {}),
    ],
)
async def test_what_is_being_deleted_changes_no_more(admin: Admin, method: str, path: str, body: object) -> None:
    await admin.tenant()
    await admin.told("DELETE", "/tenants/acme-corp")
    answer = await admin.ask(method, f"/tenants/acme-corp{path}", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tenants", {"name": "other"}),
        ("GET", "/tenants", None),
        ("PUT", "/tenants/acme-corp", {"plan": "premium"}),
        ("DELETE", "/tenants/acme-corp", None),
        ("POST", "/tenants/acme-corp/suspend", {"reason": "x"}),
        ("POST", "/tenants/acme-corp/activate", None),
        ("GET", "/audit?tenant=acme-corp", None),
    ],
)
async def test_the_operators_alone(admin: Admin, method: str, path: str, body: object) -> None:
    await admin.tenant()
    key = await admin.key("acme-corp", "admin")
    answer = await admin.ask(method, path, body, key=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert "REMORA_ADMIN_KEY" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["", "/usage", "/keys"])
async def test_a_tenants_admin_looks_after_its_own_tenant_and_knows_of_no_other(admin: Admin, path: str) -> None:
    made, other = await admin.tenant(), await admin.tenant("other")
    key = await admin.key("acme-corp", "admin")
    for own in (made["id"], "acme-corp"):
        assert (await admin.ask("GET", f"/tenants/{own}{path}", key=key)).status_code == 200
    for foreign in (other["id"], "other", "default", "tenant_00000000000", "nobody"):
        answer = await admin.ask("GET", f"/tenants/{foreign}{path}", key=key)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Tenant not found")


@pytest.mark.parametrize("path", ["/tenants/acme-corp", "/tenants/acme-corp/keys", "/audit", "/jobs/none"])
async def test_a_key_without_the_scope_admin_looks_after_nothing(admin: Admin, path: str) -> None:
    await admin.tenant()
    answer = await admin.ask("GET", path, key=await admin.key("acme-corp"))
    assert (answer.status_code, answer.json()["error"]["details"]) == (403, {"scope": "admin"})


@pytest.mark.parametrize("key", ["", "wrong", "remora_wrong"])
async def test_without_a_right_key_nothing_is_answered(admin: Admin, key: str) -> None:
    answer = await admin.ask("GET", "/tenants", key=key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


async def test_a_body_that_does_not_say_it_is_json_is_a_415(admin: Admin) -> None:
    headers = {"X-API-Key": "the-operators-key", "content-type": "text/plain"}
    answer = await admin.client.post("/admin/tenants", content=b'{"name": "acme"}', headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


async def test_an_interrupted_deletion_is_begun_again(admin: Admin) -> None:
    """The process died after the tenant was marked, before there was a job."""
    made = await admin.tenant()
    log = [Append(tenant=made["id"], stream="audit", entry=b"canary")]
    await admin.engine.log.append(log)
    await admin.tenants.begin_deletion(a_caller(operator=True), made["id"])
    assert (await admin.ask("DELETE", "/tenants/acme-corp")).status_code == 202
    await admin.worker.drain()
    assert await admin.engine.log.read(made["id"], "audit") == []

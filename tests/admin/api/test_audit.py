from typing import Any

import pytest

from config.settings import Settings
from tests.admin.api.conftest import Admin


async def entries(admin: Admin, query: str = "", **asking: Any) -> list[Any]:
    found: list[Any] = (await admin.told("GET", f"/audit?{query}", **asking))["entries"]
    return found


async def actions(admin: Admin, query: str = "", **asking: Any) -> list[str]:
    return [entry["action"] for entry in await entries(admin, query, **asking)]


async def test_an_entry_says_who_did_what_to_what_and_when(admin: Admin) -> None:
    made = await admin.tenant()
    admin.clock.pass_(seconds=60)
    await admin.told("POST", "/tenants/acme-corp/suspend", {"reason": "Payment overdue"})
    newest, oldest = await entries(admin)
    assert newest["id"] > oldest["id"]
    assert {name: value for name, value in newest.items() if name != "id"} == {
        "at": "2026-01-19T10:01:00Z",
        "actor": "operator",
        "action": "tenant.suspend",
        "tenant": made["id"],
        "target": made["id"],
        "details": {"reason": "Payment overdue"},
    }


async def test_every_action_of_an_administrator_leaves_an_entry(admin: Admin) -> None:
    await admin.tenant()
    await admin.told("PUT", "/tenants/acme-corp", {"plan": "free"})
    issued = await admin.told("POST", "/tenants/acme-corp/keys", {})
    await admin.told("DELETE", f"/tenants/acme-corp/keys/{issued['id']}")
    await admin.told("POST", "/tenants/acme-corp/suspend", {"reason": "x"})
    await admin.told("POST", "/tenants/acme-corp/activate")
    await admin.told("DELETE", "/tenants/acme-corp")
    await admin.worker.drain()
    assert await actions(admin) == [
        "tenant.erased",
        "tenant.delete",
        "tenant.activate",
        "tenant.suspend",
        "key.revoke",
        "key.issue",
        "tenant.update",
        "tenant.create",
    ]


async def test_no_entry_holds_a_key(admin: Admin) -> None:
    key = await admin.key("default")
    assert key not in (await admin.ask("GET", "/audit")).text


async def test_a_page_ends_before_the_next_which_its_last_entry_names(admin: Admin) -> None:
    for number in range(5):
        await admin.tenant(f"tenant {number}")
    first = await admin.told("GET", "/audit?limit=2")
    second = await admin.told("GET", f"/audit?limit=2&before={first['entries'][-1]['id']}")
    last = await admin.told("GET", f"/audit?limit=2&before={second['entries'][-1]['id']}")
    assert (first["limit"], first["has_more"], second["has_more"], last["has_more"]) == (2, True, True, False)
    found = [entry for page in (first, second, last) for entry in page["entries"]]
    assert [entry["details"]["name"] for entry in found] == [f"tenant {number}" for number in range(4, -1, -1)]


async def test_entries_are_found_by_action_actor_and_tenant(admin: Admin) -> None:
    made, _ = await admin.tenant(), await admin.tenant("other")
    key = await admin.told("POST", "/tenants/acme-corp/keys", {"scopes": ["admin"]})
    await admin.told("POST", "/tenants/acme-corp/keys", {"scopes": ["admin"]}, key=key["key"])
    assert await actions(admin, "action=tenant.create") == ["tenant.create"] * 2
    assert await actions(admin, "action=key.issue&actor=operator") == ["key.issue"]
    assert await actions(admin, f"tenant=acme-corp&actor={key['id']}") == ["key.issue"]
    for id_or_name in (made["id"], "acme-corp"):
        assert await actions(admin, f"tenant={id_or_name}") == ["key.issue", "key.issue", "tenant.create"]
    assert await actions(admin, "tenant=default") == []


async def test_what_tenants_keys_do_pushes_nothing_out_of_the_operators_log(admin: Admin) -> None:
    await admin.tenant()
    key = await admin.told("POST", "/tenants/acme-corp/keys", {"scopes": ["admin"]})
    await admin.told("POST", "/tenants/acme-corp/keys", {"scopes": ["admin"]}, key=key["key"])
    assert await actions(admin, f"actor={key['id']}") == []


async def test_a_filter_finds_what_lies_behind_many_other_entries(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin.trail._BATCH", 2)
    await admin.tenant()
    for _ in range(5):
        await admin.key("default")
    page = await admin.told("GET", "/audit?action=tenant.create&limit=1")
    assert ([entry["action"] for entry in page["entries"]], page["has_more"]) == (["tenant.create"], False)


async def test_a_deleted_tenants_entries_stay_the_operators(admin: Admin) -> None:
    made = await admin.tenant()
    await admin.told("DELETE", "/tenants/acme-corp")
    await admin.worker.drain()
    assert await actions(admin, f"tenant={made['id']}") == ["tenant.erased", "tenant.delete", "tenant.create"]
    unknown = await admin.ask("GET", "/audit?tenant=acme-corp")
    assert unknown.status_code == 404


async def test_a_tenants_admin_reads_its_own_tenants_entries(admin: Admin) -> None:
    await admin.tenant()
    await admin.tenant("other")
    key = await admin.key("acme-corp", "admin")
    assert await actions(admin, key=key) == ["key.issue", "tenant.create"]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x"])
async def test_a_bad_limit_is_a_400(admin: Admin, query: str) -> None:
    assert (await admin.ask("GET", f"/audit?{query}")).status_code == 400


@pytest.mark.parametrize("cursor", ["x", "zz", "-1", "f" * 16, "f" * 40, "%F0%9F%90%9F", "0" * 23, "1 OR 1", "%00"])
async def test_a_cursor_that_is_none_is_an_answer_and_no_error_of_the_server(admin: Admin, cursor: str) -> None:
    await admin.tenant()
    assert (await admin.ask("GET", f"/audit?before={cursor}")).status_code in {200, 400}


class TestWithoutAnyKey:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings()

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/tenants", {"name": "acme"}),
            ("GET", "/tenants", None),
            ("GET", "/tenants/default", None),
            ("PUT", "/tenants/default", {"plan": "free"}),
            ("DELETE", "/tenants/default", None),
            ("GET", "/tenants/default/usage", None),
            ("POST", "/tenants/default/suspend", {"reason": "x"}),
            ("POST", "/tenants/default/activate", None),
            ("POST", "/tenants/default/keys", {}),
            ("GET", "/tenants/default/keys", None),
            ("DELETE", "/tenants/default/keys/key_00000000000", None),
            ("GET", "/jobs/job_1", None),
            ("GET", "/audit", None),
        ],
    )
    async def test_nothing_is_administrated_and_the_answer_says_what_to_set(
        self, admin: Admin, method: str, path: str, body: object
    ) -> None:
        answer = await admin.ask(method, path, body, key="")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert "REMORA_ADMIN_KEY" in answer.json()["error"]["message"]

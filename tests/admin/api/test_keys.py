from typing import Any

import pytest

from admin.api import documentation
from memory.caller import ALL_SCOPES
from tests.admin.api.conftest import Admin

AT = "2026-01-19T10:00:00Z"


async def test_a_key_is_told_once_with_all_that_is_known_of_it(admin: Admin) -> None:
    await admin.tenant()
    answer = await admin.ask("POST", "/tenants/acme-corp/keys", documentation.NEW_KEY)
    assert answer.status_code == 201
    issued = answer.json()
    secret = issued.pop("key")
    assert secret.startswith("remora_")
    assert issued.pop("id").startswith("key_")
    scopes = sorted(documentation.NEW_KEY["scopes"])
    assert issued == documentation.NEW_KEY | {"scopes": scopes, "created_at": AT, "last_used_at": None}
    listed = await admin.ask("GET", "/tenants/acme-corp/keys")
    assert secret not in listed.text
    assert listed.json()["total"] == 1


async def test_a_key_may_do_all_but_administrate_unless_told_otherwise(admin: Admin) -> None:
    await admin.tenant()
    issued = await admin.told("POST", "/tenants/acme-corp/keys", {})
    assert issued["scopes"] == sorted(ALL_SCOPES - {"admin"})
    assert (issued["name"], issued["namespaces"], issued["expires_at"]) == ("", None, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["fly"]}, "scopes[0]"),
        ({"scopes": []}, "scopes"),
        ({"namespaces": []}, "namespaces"),
        ({"namespaces": ["a/b"]}, "namespaces"),
        ({"namespaces": ["ns_0dkzvg8r2ch"]}, "namespaces"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2026-01-19T09:59:59Z"}, "expires_at"),
        ({"name": "x" * 129}, "name"),
        ({"name": "a\x1b[2Jb"}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"tenant": "other"}, "tenant"),
    ],
)
async def test_a_bad_field_is_a_400_that_names_it(admin: Admin, body: dict[str, Any], field: str) -> None:
    answer = await admin.ask("POST", "/tenants/default/keys", body)
    assert (answer.status_code, answer.json()["error"]["details"].get("field")) == (400, field), answer.text


async def test_keys_are_listed_by_pages_in_the_order_of_their_issue(admin: Admin) -> None:
    for name in ("a", "b", "c"):
        await admin.key("default", name=name)
        admin.clock.pass_(seconds=1)
    page = await admin.told("GET", "/tenants/default/keys?limit=2&offset=1")
    assert [key["name"] for key in page["keys"]] == ["b", "c"]
    assert (page["total"], page["limit"], page["offset"], page["has_more"]) == (3, 2, 1, False)
    assert (await admin.told("GET", "/tenants/default/keys?limit=2"))["has_more"] is True


async def test_a_key_tells_when_it_was_last_used(admin: Admin) -> None:
    await admin.tenant()
    key = await admin.key("acme-corp", "admin")
    admin.clock.pass_(seconds=3600)
    await admin.told("GET", "/tenants/acme-corp", key=key)
    await admin.supervisor.join()
    [listed] = (await admin.told("GET", "/tenants/acme-corp/keys"))["keys"]
    assert listed["last_used_at"] == "2026-01-19T11:00:00Z"


async def test_a_revoked_key_is_refused_at_once(admin: Admin) -> None:
    await admin.tenant()
    issued = await admin.told("POST", "/tenants/acme-corp/keys", {"scopes": ["admin"]})
    assert (await admin.ask("GET", "/tenants/acme-corp", key=issued["key"])).status_code == 200
    answer = await admin.ask("DELETE", f"/tenants/acme-corp/keys/{issued['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await admin.ask("GET", "/tenants/acme-corp", key=issued["key"])).status_code == 401
    again = await admin.ask("DELETE", f"/tenants/acme-corp/keys/{issued['id']}")
    assert (again.status_code, again.json()["error"]["message"]) == (404, "Key not found")


async def test_an_expired_key_is_refused(admin: Admin) -> None:
    key = await admin.key("default", "admin", expires_at="2026-01-19T10:01:00Z")
    assert (await admin.ask("GET", "/tenants/default", key=key)).status_code == 200
    admin.clock.pass_(seconds=60)
    assert (await admin.ask("GET", "/tenants/default", key=key)).status_code == 401


async def test_a_key_of_another_tenant_is_not_found(admin: Admin) -> None:
    await admin.tenant()
    foreign = await admin.told("POST", "/tenants/default/keys", {})
    answer = await admin.ask("DELETE", f"/tenants/acme-corp/keys/{foreign['id']}")
    assert answer.status_code == 404
    assert (await admin.told("GET", "/tenants/default/keys"))["total"] == 1


async def test_a_tenants_admin_issues_and_revokes_keys_of_no_more_rights_than_its_own(admin: Admin) -> None:
    await admin.tenant()
    key = await admin.key("acme-corp", "admin", "read")
    issued = await admin.told("POST", "/tenants/acme-corp/keys", {"namespaces": ["a"]}, key=key)
    assert (issued["scopes"], issued["namespaces"]) == (["read"], ["a"])
    for beyond in ({"scopes": ["write"]}, {"scopes": ["admin", "stats"]}):
        answer = await admin.ask("POST", "/tenants/acme-corp/keys", beyond, key=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    removed = await admin.ask("DELETE", f"/tenants/acme-corp/keys/{issued['id']}", key=key)
    assert removed.status_code == 204
    assert (await admin.ask("POST", "/tenants/default/keys", {}, key=key)).status_code == 404

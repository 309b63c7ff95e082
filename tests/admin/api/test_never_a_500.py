"""Whatever is sent, the answer is a success or an error that is the client's own."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admin.api.schemas import NewKey, NewTenant, Suspension, TenantChanges
from admin.plans import QuotaChanges
from tests.admin.api.conftest import Admin

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["free", "default", "read", "2030-01-19T10:00:00Z", 2**53, 2**64, "tenant_00000000000"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIFTY = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
QUOTAS = st.dictionaries(st.sampled_from(QuotaChanges.__struct_fields__), VALUES, max_size=2)
CONFIG = st.dictionaries(st.sampled_from(["token_budget", "x", ""]), VALUES, max_size=2)


def bodies(*models: Any) -> st.SearchStrategy[Any]:
    fields = {name: VALUES for model in models for name in model.__struct_fields__}
    fields |= {"name": VALUES | st.text(max_size=5), "quotas": VALUES | QUOTAS, "config": VALUES | CONFIG}
    return st.fixed_dictionaries({}, optional=fields) | VALUES


async def sent(admin: Admin, method: str, path: str, body: object) -> httpx.Response:
    headers = {"X-API-Key": "the-operators-key", "content-type": "application/json"}
    # httpx would refuse what json.dumps writes for a lone surrogate; a client in JavaScript sends it.
    answer = await admin.client.request(method, f"/admin{path}", content=json.dumps(body).encode(), headers=headers)
    assert answer.is_success or answer.status_code in {400, 403, 404, 409}, answer.text
    return answer


@FIFTY
@given(body=bodies(NewTenant))
async def test_a_tenants_making(admin: Admin, body: object) -> None:
    await sent(admin, "POST", "/tenants", body)


@FIFTY
@given(body=bodies(TenantChanges))
async def test_a_tenants_change(admin: Admin, body: object) -> None:
    await sent(admin, "PUT", "/tenants/default", body)
    assert (await admin.ask("GET", "/tenants/default")).status_code == 200


@FIFTY
@given(body=bodies(NewKey), reason=bodies(Suspension))
async def test_a_key_and_a_suspension(admin: Admin, body: object, reason: object) -> None:
    await sent(admin, "POST", "/tenants/default/keys", body)
    await sent(admin, "POST", "/tenants/default/suspend", reason)


@pytest.mark.parametrize("depth", [30, 100, 500, 900, 1000, 5000, 100_000])
async def test_a_deeply_nested_configuration(admin: Admin, depth: int) -> None:
    headers = {"X-API-Key": "the-operators-key", "content-type": "application/json"}
    nested = "[" * depth + "]" * depth
    for method, path, body in (
        ("POST", "/tenants", f'{{"name": "acme", "config": {{"a": {nested}}}}}'),
        ("PUT", "/tenants/default", f'{{"config": {{"a": {nested}}}}}'),
    ):
        answer = await admin.client.request(method, f"/admin{path}", content=body, headers=headers)
        assert answer.status_code in {200, 201, 400}, answer.text
    assert (await admin.ask("GET", "/tenants")).status_code == 200


@pytest.mark.parametrize("text", ["%00", "%ff", "%F0%9F%90%9F", "a%2Fb", "%20", "x" * 500, "*", "{id}"])
async def test_an_id_that_is_none(admin: Admin, text: str) -> None:
    for path in (f"/tenants/{text}", f"/tenants/{text}/keys", f"/jobs/{text}", f"/audit?actor={text}&action={text}"):
        assert (await admin.ask("GET", path)).status_code in {200, 400, 404}
    assert (await admin.ask("DELETE", f"/tenants/default/keys/{text}")).status_code in {404, 405}

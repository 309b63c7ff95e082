"""Tenants' keys against a real server: what each opens, and that none of it ever reaches an upstream."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from admin.key import KeyDraft
from admin.tenant import TenantDraft
from config.settings import Secret
from memory.caller import Caller
from tests.support.operator import OPERATOR_KEY
from tests.support.server import RemoraServer, settings_for
from tests.support.services import a_caller
from tests.support.upstream import FakeUpstream

UPSTREAM_KEY = "sk-of-the-server"
OWN = {"Authorization": "Bearer sk-of-the-client"}
MEMORY = {"namespace": "default", "type": "semantic", "content": "The vault opens at nine."}
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}


class Site:
    """A server, and its operator who needs no HTTP."""

    def __init__(self, server: RemoraServer) -> None:
        self.server = server
        self.origin = server.origin
        self.parts = server.app.state.parts
        self.operator: Caller = a_caller(operator=True)

    def key(self, tenant: str, **draft: Any) -> str:
        """A new key of a new tenant."""

        async def issue() -> str:
            made = await self.parts.tenants.create(self.operator, TenantDraft(name=tenant))
            _, secret = await self.parts.keys.issue(self.operator, made, KeyDraft(**draft))
            told: str = secret.reveal()
            return told

        return self.server.run(issue)

    def suspend(self, tenant: str, reason: str) -> None:
        self.server.run(lambda: self.parts.tenants.suspend(self.operator, tenant, reason))

    def chat(self, **sent: Any) -> httpx.Response:
        return httpx.post(f"{self.origin}/v1/chat/completions", json=CHAT, **sent)

    def memories(self, **sent: Any) -> httpx.Response:
        return httpx.get(f"{self.origin}/v1/memories", **sent)


@pytest.fixture
def site(fake: FakeUpstream, store: dict[str, Any]) -> Iterator[Site]:
    """With the operator's key, and no upstream key of its own."""
    with RemoraServer(settings_for(fake.url, **store, admin_key=Secret(OPERATOR_KEY))) as server:
        yield Site(server)


@pytest.fixture
def paying_site(fake: FakeUpstream, store: dict[str, Any]) -> Iterator[Site]:
    """With an upstream key too."""
    settings = settings_for(
        fake.url, **store, admin_key=Secret(OPERATOR_KEY), upstream={"api_key": Secret(UPSTREAM_KEY)}
    )
    with RemoraServer(settings) as server:
        yield Site(server)


def seen(fake: FakeUpstream) -> str:
    """All that the upstream learned of the last call but its body."""
    return f"{fake.last.path} {fake.last.headers}"


def test_under_the_servers_upstream_key_a_tenants_key_opens_the_proxy_by_each_method(
    paying_site: Site, fake: FakeUpstream
) -> None:
    key = paying_site.key("acme")

    for sent in (
        {"headers": {"X-API-Key": key}},
        {"headers": {"Authorization": f"Bearer {key}"}},
        {"params": {"api_key": key}},
    ):
        assert paying_site.chat(**sent).status_code == 200
        assert fake.last.header("authorization") == f"Bearer {UPSTREAM_KEY}"
        assert key not in seen(fake)


def test_without_an_upstream_key_a_tenants_key_comes_beside_the_clients_own(site: Site, fake: FakeUpstream) -> None:
    key = site.key("acme")

    for sent in ({"headers": OWN | {"X-API-Key": key}}, {"headers": OWN, "params": {"api_key": key, "x": "1"}}):
        assert site.chat(**sent).status_code == 200
        assert fake.last.header("authorization") == OWN["Authorization"]
        assert key not in seen(fake)


@pytest.mark.parametrize("header", ["Authorization", "api-key"])
def test_a_key_on_its_way_to_the_upstream_is_stopped_and_the_answer_explains(
    site: Site, fake: FakeUpstream, header: str
) -> None:
    key = site.key("acme")
    before = len(fake.requests)

    for beside, leaked in ((key, key), (OPERATOR_KEY, OPERATOR_KEY), (key, "remora_never-issued")):
        answer = site.chat(headers={"X-API-Key": beside, header: f"Bearer {leaked}"})
        assert answer.status_code == 401
        assert "X-API-Key" in answer.json()["error"]["message"]
    assert len(fake.requests) == before


def test_a_tenant_neither_sees_anothers_memories_nor_chooses_its_tenant(site: Site) -> None:
    mine, theirs = site.key("mine"), site.key("theirs")
    told = httpx.post(f"{site.origin}/v1/memories", json=MEMORY, headers={"X-API-Key": theirs})
    assert told.status_code == 201

    assert site.memories(headers={"X-API-Key": theirs}).json()["total"] == 1
    for tenant in ("theirs", "default"):
        asked = {"X-API-Key": mine, "X-MAIA-Tenant-ID": tenant, "X-Remora-Tenant": tenant}
        assert site.memories(headers=asked).json()["total"] == 0


def test_a_suspended_tenant_is_told_why_on_both_surfaces(site: Site) -> None:
    key = site.key("acme")
    headers = OWN | {"X-API-Key": key}
    assert site.memories(params={"api_key": key}).status_code == 200
    site.suspend("acme", "Payment overdue")

    for answer in (site.memories(params={"api_key": key}), site.chat(headers=headers)):
        assert answer.status_code == 403
        assert "Payment overdue" in answer.json()["error"]["message"]


def test_a_key_without_a_scope_is_refused_what_it_is_for(site: Site) -> None:
    headers = {"X-API-Key": site.key("acme", scopes=frozenset({"read"}))}

    assert site.memories(headers=headers).status_code == 200
    assert site.chat(headers=OWN | headers).status_code == 403
    assert httpx.post(f"{site.origin}/v1/memories", json=MEMORY, headers=headers).status_code == 403


def test_the_first_key_of_a_tenant_closes_a_server_that_asked_for_none(
    fake: FakeUpstream, store: dict[str, Any]
) -> None:
    with RemoraServer(settings_for(fake.url, **store)) as server:
        site = Site(server)
        assert site.memories().status_code == 200
        key = site.key("acme")

        assert site.memories().status_code == 401
        assert site.chat(headers=OWN).status_code == 401
        assert site.memories(headers={"X-API-Key": key}).status_code == 200

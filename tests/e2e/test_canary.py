"""Whatever one principal stores, nobody else is ever shown: every operation of the OpenAPI document, as every other
principal, with every trick."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from config.settings import Settings
from proxy.app import create_app
from tests.e2e import probes
from tests.e2e.canaries import ALL_SCOPES, COMMON, NAMESPACES, TOPIC, USER, Tenant, plant, tenant
from tests.e2e.probes import Probe
from tests.support.document import Operation, document_of
from tests.support.operator import Operator
from tests.support.server import RemoraServer
from tests.support.shared import operated_server
from tests.support.upstream import FakeUpstream, wait_until

ENDLESS = "listenToEvents"
OPERATIONS = [
    operation
    for operation in document_of(create_app(Settings(store="sqlite://"))).operations
    if operation.id != ENDLESS
]
READING = {"searchMemories", "assembleContext"}
"""Of what is no GET."""

Choice = Callable[[Operation, Probe], bool]


@dataclass(frozen=True)
class Principal:
    client: httpx.Client
    secrets: set[str]
    """What it may not see."""
    does: Choice
    """What it may try without that what it is allowed to do gets in the way."""
    admitted: bool = True


@dataclass(frozen=True)
class World:
    upstream: FakeUpstream
    victim: Tenant
    before: Any
    """The victim's state when all was planted."""
    principals: dict[str, Principal]


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def world(request: pytest.FixtureRequest, fake: FakeUpstream) -> Iterator[World]:
    with operated_server(request, fake) as server, Operator(server.origin) as operator:
        yield _world(server, operator, fake)


def _world(server: RemoraServer, operator: Operator, upstream: FakeUpstream) -> World:
    victim, suspended, other = tenant(operator, "*"), tenant(operator, "a|b"), tenant(operator, "{a}\"'")
    for each in (victim, suspended):
        plant(each, server)
    for namespace in NAMESPACES:
        other.client.post("/v1/memories", json={"namespace": namespace, "content": "Mine, about the vault"})
    operator.client.post(f"/admin/tenants/{suspended.id}/suspend", json={"reason": "Payment overdue"})
    everything = victim.secrets() | suspended.secrets()

    def key(**draft: Any) -> httpx.Client:
        issued = operator.issued(victim.id, **draft)
        victim.keys.append(issued["id"])
        return operator.acting(issued["key"])

    revoked = key(scopes=ALL_SCOPES)
    operator.client.delete(f"/admin/tenants/{victim.id}/keys/{victim.keys[-1]}")
    soon = datetime.now(UTC) + timedelta(seconds=1)
    expired = key(scopes=ALL_SCOPES, expires_at=soon.isoformat())
    narrow = key(namespaces=[COMMON], scopes=[scope for scope in ALL_SCOPES if scope != "admin"])
    blind = key(scopes=["write", "delete", "stats"])
    wait_until(lambda: expired.get("/v1/stats").status_code == 401, "the key expires")

    outside = victim.secrets(but=COMMON) | suspended.secrets()
    inside = victim.secrets(but="") | suspended.secrets(but="")
    principals = {
        "another tenant": Principal(other.client, everything, _anything),
        "a key restricted to another namespace": Principal(narrow, outside, _elsewhere(victim)),
        "a key that may not read": Principal(blind, inside, _reading),
        "the operator": Principal(operator.client, inside, _reading),
        "a suspended tenant": Principal(suspended.client, everything, _anything, admitted=False),
        "an expired key": Principal(expired, everything, _anything, admitted=False),
        "a revoked key": Principal(revoked, everything, _anything, admitted=False),
        "nobody": Principal(operator.acting(None), everything, _anything, admitted=False),
        "a guessed key": Principal(operator.acting("remora_" + "a" * 43), everything, _anything, admitted=False),
    }
    return World(upstream, victim, victim.state(), principals)


def _anything(_: Operation, __: Probe) -> bool:
    return True


def _reading(operation: Operation, _: Probe) -> bool:
    return operation.method == "GET" or operation.id in READING


def _elsewhere(victim: Tenant) -> Choice:
    own = {COMMON, victim.namespaces[COMMON], *victim.memories[COMMON]}

    def outside(operation: Operation, probe: Probe) -> bool:
        named = {unquote(part) for part in probe.path.split("/")} | {(probe.json or {}).get("namespace")}
        return _reading(operation, probe) or not (named & own or operation.id == "importMemories")

    return outside


WHO = [
    "another tenant",
    "a key restricted to another namespace",
    "a key that may not read",
    "the operator",
    "a suspended tenant",
    "an expired key",
    "a revoked key",
    "nobody",
    "a guessed key",
]


def send(client: httpx.Client, probe: Probe) -> httpx.Response:
    raw = [(name.encode(), value.encode()) for name, value in probe.headers.items()]
    return client.request(
        probe.method, probe.path, params=probe.query, json=probe.json, content=probe.content, headers=raw
    )


def holds_none(told: str, secrets: set[str], probe: Probe) -> None:
    leaked = [secret for secret in secrets if secret in told and not probe.holds(secret)]
    assert not leaked, (probe, leaked, told[:2000])


def shown(answer: httpx.Response) -> str:
    return f"{answer.headers.multi_items()}\n{answer.text}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
@pytest.mark.parametrize("who", WHO)
def test_no_operation_shows_what_is_anothers(world: World, who: str, operation: Operation) -> None:
    principal, headers = world.principals[who], cycle(probes.tricks(world.victim))
    tried = [probe for probe in probes.probes(operation, world.victim) if principal.does(operation, probe)]
    for plain in tried if principal.admitted else tried[:3]:
        probe = plain.beside(next(headers))
        answer = send(principal.client, probe)
        holds_none(shown(answer), principal.secrets, probe)
        assert answer.status_code < 500
        assert principal.admitted or operation.public or answer.status_code in {401, 403}, answer.text


@pytest.mark.parametrize("who", WHO)
def test_no_proxied_call_tells_the_upstream_what_is_anothers(world: World, who: str) -> None:
    principal, headers = world.principals[who], cycle(probes.tricks(world.victim))
    for plain in probes.chats(world.victim):
        count, probe = len(world.upstream.requests), plain.beside(next(headers))
        answer = send(principal.client, probe)
        holds_none(shown(answer), principal.secrets, probe)
        for request in world.upstream.requests[count:]:
            assert principal.admitted
            holds_none(f"{request.path} {request.headers} {request.body!r}", principal.secrets, probe)


def test_no_proxied_call_of_one_user_tells_the_upstream_what_is_anothers(world: World) -> None:
    victim = world.victim
    own = {text for texts in victim.texts.values() for text in texts[1:]}
    told = False
    for probe in probes.chats(victim):
        namespace = unquote(probe.headers.get("X-Remora-Namespace", "default"))
        if namespace in NAMESPACES and "X-MAIA-Namespace" not in probe.headers:
            assert send(victim.client, probe).status_code == 200
            holds_none(world.upstream.last.body.decode(), own, probe)
            told |= victim.texts[namespace][0] in world.upstream.last.body.decode()
    assert told, "what is shared is not injected either, so this shows nothing"


def test_the_victim_itself_finds_its_canaries(world: World) -> None:
    victim = world.victim
    for namespace, texts in victim.texts.items():
        asked = {"query": TOPIC, "namespace": namespace}
        found = victim.client.post("/v1/memories/search", json=asked).text
        assert all(text in found for text in texts), namespace


@pytest.mark.parametrize("who", ["another tenant", "a key restricted to another namespace"])
def test_the_feed_tells_nobody_what_is_anothers(world: World, who: str) -> None:
    principal, victim = world.principals[who], world.victim
    for headers in probes.tricks(victim):
        raw = [(name.encode(), value.encode()) for name, value in (headers | {"Last-Event-ID": "0"}).items()]
        with principal.client.stream("GET", "/v1/events", headers=raw) as answer:
            assert answer.status_code == 200
            secret = _passing(victim.client, "default")
            last = _passing(principal.client if who == "another tenant" else victim.client, COMMON)
            told = ""
            for line in answer.iter_lines():
                told += f"{line}\n"
                if last in line and "memory.deleted" in line:
                    break
        holds_none(told, principal.secrets | {secret}, Probe("GET", "/v1/events"))


@pytest.mark.parametrize("who", [who for who in WHO if who not in {"another tenant", "the operator"}][1:])
def test_the_feed_is_closed_to_who_may_not_read(world: World, who: str) -> None:
    with world.principals[who].client.stream("GET", "/v1/events") as answer:
        assert answer.status_code in {401, 403}


def test_nothing_of_the_victims_was_changed(world: World) -> None:
    assert world.victim.state() == world.before


def _passing(client: httpx.Client, namespace: str) -> str:
    """A memory that comes and goes; its id."""
    id: str = client.post("/v1/memories", json={"namespace": namespace, "content": "passing", "user_id": USER}).json()[
        "id"
    ]
    assert client.delete(f"/v1/memories/{id}").status_code == 204
    return id

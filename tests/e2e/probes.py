"""Requests that try to reach what is another's, for every operation of the OpenAPI document.

An operation with a parameter or a body that is not known here fails the test: it has to be taught how to attack it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Self
from urllib.parse import quote

from tests.e2e.canaries import NAMESPACES, TOPIC, USER, Tenant
from tests.support.document import Operation

INJECTIONS = [
    f"{TOPIC}?",
    "canary*",
    "*",
    '" OR "1"="1',
    "') OR 1=1 --",
    "@tenant:{*}",
    "-nothing",
    "=>[KNN 10 @vector $v]",
]
NOT_NAMED = ["canary", "a|b|*", "default|*", "*}|@tenant:{*", "a\\|b", "a*", "default,a", "DEFAULT", "a\u0000", "../a"]
"""Namespaces that nobody has."""

TRICKS = ["X-MAIA-Tenant-ID", "X-MAIA-Tenant", "X-Remora-Tenant", "X-Tenant-ID", "X-Original-URL", "X-Rewrite-URL"]


@dataclass(frozen=True)
class Probe:
    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    content: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def beside(self, headers: dict[str, str]) -> Self:
        """With these headers too."""
        return replace(self, headers=headers | self.headers)

    def holds(self, secret: str) -> bool:
        """Whether its sender knew it all along."""
        return secret in repr(self)


def probes(operation: Operation, victim: Tenant) -> Iterator[Probe]:
    """Each value of each parameter in turn, the others at rest; then each body."""
    values = {parameter["name"]: _values(parameter["name"], operation, victim) for parameter in operation.parameters}
    places = {parameter["name"]: parameter["in"] for parameter in operation.parameters}
    rest = {name: values[name][0] for name, place in places.items() if place == "path"}
    bodies = _bodies(operation, victim)
    for body in bodies:
        yield _probe(operation, rest, places, body)
    for name, candidates in values.items():
        for value in candidates:
            yield _probe(operation, rest | {name: value}, places, bodies[0])


def tricks(victim: Tenant) -> list[dict[str, str]]:
    """Headers that some server or other would act by."""
    named = [dict.fromkeys(TRICKS, value) for value in (victim.id, quote(victim.name), "default", "*")]
    users = {"X-Remora-User": USER, "X-MAIA-User": USER, "X-Forwarded-User": USER, "X-Forwarded-For": "127.0.0.1"}
    return [{}, *(headers | users for headers in named)]


def _probe(operation: Operation, values: dict[str, str], places: dict[str, str], body: Any) -> Probe:
    given = {place: {name: v for name, v in values.items() if places[name] == place} for place in places.values()}
    path = operation.path
    for name, value in given.get("path", {}).items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    text = body if isinstance(body, str) else None
    headers = given.get("header", {}) | ({} if text is None else {"Content-Type": "application/x-ndjson"})
    return Probe(operation.method, path, given.get("query", {}), None if text else body, text, headers)


def _values(name: str, operation: Operation, victim: Tenant) -> list[str]:
    memories = [ids[0] for ids in victim.memories.values()]
    namespaces = [*NAMESPACES, *NOT_NAMED, *victim.namespaces.values()]
    namespaces += [f"{victim.id}{between}default" for between in ("/", ":", "::", "|")]
    alike: dict[tuple[str, ...], list[str]] = {
        ("id",): [*memories, *victim.receipts[:1], *victim.namespaces.values(), "*", "mem_*"],
        ("request_id",): [*victim.receipts, "*", "req_*"],
        ("key_id",): [*victim.keys, "*"],
        ("after", "before"): ["0", *memories[:1], "*"],
        ("id_or_name", "tenant"): [victim.id, victim.name, "*", "system"],
        ("name_or_id", "namespace", "parent"): namespaces,
        ("tags", "user_id", "agent_id", "run_id", "app", "org_id"): [USER, "vault", "*", "", f"u:{USER}", "canary*"],
        ("actor", "action"): ["operator", "memory.delete", "*"],
        ("limit", "offset", "X-Remora-Token-Budget", "X-MAIA-Token-Budget"): ["1000", "1"],
        ("type", "source", "status", "plan", "exclude", "include"): [],
        ("force",): ["true"],
    }
    known = {each: values for names, values in alike.items() for each in names}
    assert name in known, f"{operation.id} has a parameter that this test does not know: {name}"
    return known[name]


def _bodies(operation: Operation, victim: Tenant) -> list[Any]:
    ids = list(victim.namespaces.values())
    namespaces = [*NAMESPACES, *NOT_NAMED, *ids]
    fields = [{name: value} for name in ("user_id", "run_id", "app") for value in (USER, "*", "canary*")]
    tags = [{"tags": [tag]} for tag in ("vault", "*", "a|vault")]
    lines: list[dict[str, str]] = [{"namespace": id} for id in ids]
    lines.append({"tenant": victim.id})
    stolen = {"id": next(iter(victim.memories.values()))[0], "content": "x"}
    known: dict[str, list[Any]] = {
        "searchMemories": [
            *({"query": text} for text in INJECTIONS),
            *({"query": TOPIC, "namespace": name} for name in namespaces),
            *({"metadata": {"note": "*"}}, *fields, *tags, {}),
        ],
        "assembleContext": [
            *({"query": text} for text in INJECTIONS),
            *({"query": TOPIC, "namespace": name} for name in namespaces),
            *({"query": TOPIC, "user_id": user} for user in (USER, "*", "a|ann", f"u:{USER}")),
        ],
        "createMemory": [{"content": "x", "namespace": id} for id in ids],
        "createMemories": [{"memories": [{"content": "x"}], "namespace": id} for id in ids],
        "updateMemory": [{"confidence": 0.1}],
        "importMemories": ["\n".join(json.dumps(stolen | line) for line in lines)],
        "createNamespace": [{"name": "new", role: id} for role in ("parent", "template") for id in ids],
        "updateNamespace": [{"parent": id, "config": {"token_budget": 1}} for id in ids],
        "createTenant": [{"name": victim.name}, {"name": "new-tenant"}],
        "updateTenant": [{"config": {"note": "x"}}],
        "suspendTenant": [{"reason": "x"}],
        "createKey": [{"name": "mine", "scopes": ["read", "admin"]}],
    }
    assert operation.request is None or operation.id in known, f"{operation.id} takes a body unknown to this test"
    return known.get(operation.id, [None])


def chats(victim: Tenant) -> Iterator[Probe]:
    """Proxied calls that ask for what the victim told."""
    users = [{}, *({"X-Remora-User": user} for user in ("bob", "an*", "a|ann", "u:ann", "c:ann", "ANN"))]
    names = [*NAMESPACES, *NOT_NAMED, *victim.namespaces.values()]
    by_name = [{header: quote(name)} for header in ("X-Remora-Namespace", "X-MAIA-Namespace") for name in names]
    for headers in chain(users, by_name):
        for stream in (False, True):
            asked = {"model": "echo", "messages": [{"role": "user", "content": f"{TOPIC}?"}], "stream": stream}
            yield Probe("POST", "/v1/chat/completions", {}, asked, None, headers | {"X-Remora-Skip-Extract": "true"})

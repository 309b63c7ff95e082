"""A world with secrets in it: tenants and namespaces of hostile names, and canaries in every one of them."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from tests.support.operator import Operator
from tests.support.server import RemoraServer

NAMESPACES = [
    "default",
    "default ",
    "Default",
    "*",
    "a|b",
    "a",
    "ab",
    "{a}",
    "\"'`",
    "..a",
    "🐟 é",
    "@x:{y}",
    "%2e",
    "-",
]
COMMON = "a"
"""The namespace to which some keys are restricted; in it there is no secret for them."""

USER = "ann"
TOPIC = "The vault at the lighthouse opens with the word"


_COUNTED = {"accessed_at", "access_count", "search_count"}


def canary() -> str:
    return f"canary{uuid.uuid4().hex}"


@dataclass
class Tenant:
    id: str
    name: str
    key: str
    client: httpx.Client
    namespaces: dict[str, str] = field(default_factory=dict)
    """Ids by name."""
    memories: dict[str, list[str]] = field(default_factory=dict)
    """Ids by namespace."""
    texts: dict[str, list[str]] = field(default_factory=dict)
    """Canaries by namespace."""
    receipts: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """Ids."""
    words: list[str] = field(default_factory=list)
    """Canaries that stand in no memory: in names, in configurations."""

    def secrets(self, *, but: str | None = None) -> set[str]:
        """Whatever may not reach anyone else; with `but`, anyone who may see this namespace and the tenant itself."""
        found = {text for name, texts in self.texts.items() if name != but for text in texts}
        found |= {id for name, ids in self.memories.items() if name != but for id in ids}
        found |= {id for name, id in self.namespaces.items() if name != but}
        if but is None:
            found |= {*self.receipts, *self.keys, *self.words, self.id}
        return found

    def state(self) -> Any:
        """What nobody else may have changed."""
        exported = [
            {key: value for key, value in json.loads(line).items() if key not in _COUNTED}
            for line in self.client.get("/v1/memories/export").text.splitlines()[1:]
        ]
        configured = [
            {key: namespace[key] for key in ("id", "name", "config", "stats")}
            for namespace in self.client.get("/v1/namespaces?limit=1000").json()["namespaces"]
        ]
        return exported, configured


ALL_SCOPES = ["read", "write", "delete", "admin", "context", "inference", "stats"]


def tenant(operator: Operator, name: str | None = None) -> Tenant:
    """One of hostile namespaces, with nothing in them."""
    word = canary()
    made = operator.tenant(name, display_name=word, config={"note": word})
    issued = operator.issued(made["id"], name=word, scopes=ALL_SCOPES)
    found = Tenant(made["id"], made["name"], issued["key"], operator.acting(issued["key"]))
    found.keys.append(issued["id"])
    found.words.append(word)
    for namespace in NAMESPACES:
        body = {"config": {"token_budget": 500}}
        if namespace == "default":
            answer = found.client.put("/v1/namespaces/default", json=body)
        else:
            answer = found.client.post("/v1/namespaces", json=body | {"name": namespace})
        assert answer.is_success, answer.text
        found.namespaces[namespace] = answer.json()["id"]
    return found


def plant(tenant: Tenant, server: RemoraServer) -> None:
    """Canaries in every field of a memory, in every namespace, shared and a user's own, told over REST and learned."""
    for namespace in tenant.namespaces:
        texts, ids = tenant.texts.setdefault(namespace, []), tenant.memories.setdefault(namespace, [])
        for user in (None, USER):
            word = canary()
            body = {
                "namespace": namespace,
                "content": f"{TOPIC} {word}",
                "metadata": {"note": word, word: 1},
                "tags": [word, "vault"],
                "categories": [word],
                "run_id": word,
                "agent_id": word,
                "app": word,
                "role": word,
                "user_id": user,
            }
            answer = tenant.client.post("/v1/memories", json=body)
            assert answer.status_code == 201, answer.text
            texts.append(word)
            ids.append(answer.json()["id"])
        tenant.client.put(f"/v1/memories/{ids[0]}", json={"content": f"{TOPIC} {texts[0]}, says the keeper"})
        word = canary()
        told = [{"role": "user", "content": f"My sister's name is {word}. {TOPIC} {word}."}]
        answer = tenant.client.post(
            "/v1/chat/completions",
            json={"model": "echo", "messages": told, "user": USER},
            headers={"X-Remora-Namespace": quote(namespace)},
        )
        assert answer.status_code == 200, answer.text
        texts.append(word)
        tenant.receipts.append(answer.headers["X-Remora-Request-ID"])
    server.learned()

"""What an operator does over the API: tenants and their keys."""

import uuid
from contextlib import ExitStack
from typing import Any, Self

import httpx

OPERATOR_KEY = "the-operators-key"
TIMEOUT = 60.0


def asking(origin: str, key: str | None = None, **headers: str) -> httpx.Client:
    """A client with this key."""
    keys = {} if key is None else {"X-API-Key": key}
    # Reading certificates, of which none is needed here, takes longer than most tests.
    return httpx.Client(base_url=origin, headers=keys | headers, timeout=TIMEOUT, verify=False)


class Operator:
    """A context manager: leaving it closes the clients that it gave out."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._clients = ExitStack()
        self.client = self.acting(OPERATOR_KEY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._clients.close()

    def acting(self, key: str | None, **headers: str) -> httpx.Client:
        """A client with this key."""
        return self._clients.enter_context(asking(self._origin, key, **headers))

    def tenant(self, name: str | None = None, **draft: Any) -> dict[str, Any]:
        """A new tenant, by default of a plan that no test exhausts."""
        body = {"name": name or f"tenant-{uuid.uuid4().hex}", "plan": "premium"} | draft
        return self._told(self.client.post("/admin/tenants", json=body))

    def key(self, tenant: str, **draft: Any) -> str:
        """A new key of this tenant (its id or name)."""
        key: str = self.issued(tenant, **draft)["key"]
        return key

    def issued(self, tenant: str, **draft: Any) -> dict[str, Any]:
        """The whole answer to the making of a key."""
        return self._told(self.client.post(f"/admin/tenants/{tenant}/keys", json={"name": "test"} | draft))

    def _told(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

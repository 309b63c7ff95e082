"""Who asks. Every handler, service and query takes a Caller; only authentication makes one."""

import hashlib
from typing import Literal

from msgspec import Struct

from memory.errors import Forbidden, NotFound

Scope = Literal["read", "write", "delete", "admin", "context", "inference", "stats"]
ALL_SCOPES: frozenset[Scope] = frozenset(("read", "write", "delete", "admin", "context", "inference", "stats"))

DEFAULT_TENANT = "default"
"""Where the operator acts, and everybody where no key is asked for. Any other tenant goes by its id, `tenant_…`."""

SYSTEM = "system"
"""Not a tenant: where engines keep what belongs to none (the tenants themselves, their keys, the operator's audit)."""

DEFAULT_NAMESPACE = "default"


class Caller(Struct, frozen=True, kw_only=True):
    """An authenticated principal, acting inside one tenant."""

    tenant: str
    credential: str
    """A stable fingerprint of the key used; what is learned from calls without a user belongs to it."""
    scopes: frozenset[Scope]
    namespaces: frozenset[str] | None = None
    """The namespaces it is restricted to; None is all of the tenant's."""
    operator: bool = False
    user: str | None = None
    """The end user on whose behalf a proxied call is made."""
    key: str | None = None
    """The id of its key, `key_…`; None for the operator and where no key is asked for."""
    expires_at: int | None = None
    """When its key ends, in Unix milliseconds."""
    token_budget: int | None = None
    """The tenant's own default."""

    @property
    def name(self) -> str:
        """Who it is, for the audit log."""
        return self.key or ("operator" if self.operator else "anyone")

    def require(self, scope: Scope) -> None:
        """Raises Forbidden unless the key has `scope`."""
        if scope not in self.scopes:
            raise Forbidden(f"this key lacks the scope '{scope}'", scope=scope)

    def require_operator(self) -> None:
        """Raises Forbidden for anyone else."""
        if not self.operator:
            raise Forbidden("only the operator may do this: set REMORA_ADMIN_KEY, and come with that key")

    def sees(self, namespace: str) -> bool:
        return self.namespaces is None or namespace in self.namespaces

    def enter(self, namespace: str) -> str:
        """`namespace`, if the key may use it; else NotFound, as if it did not exist."""
        if not self.sees(namespace):
            raise NotFound("Namespace not found", namespace=namespace)
        return namespace

    def owners(self) -> tuple[str, ...]:
        """The owners whose memories a proxied call may use: the user's (or, without one, the credential's) and the
        namespace's shared ones."""
        return (self.owner(), SHARED)

    def owner(self) -> str:
        """To whom belongs what a proxied call teaches."""
        return owner_of(self.user, self.credential)


SHARED = ""
"""The owner of memories written without a user over REST."""


def user_owner(user: str) -> str:
    return f"u:{user}"


def owner_of(user: str | None, credential: str | None) -> str:
    """A memory's owner: its user, else the credential that taught it, else nobody (shared)."""
    if user is not None:
        return user_owner(user)
    return SHARED if credential is None else f"c:{credential}"


def fingerprint(key: str) -> str:
    """A credential's fingerprint: 32 hex digits of SHA-256, from which the key can't be found."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]

"""The record of a key, and what a key may be given."""

import hashlib
import re
from typing import Annotated

from msgspec import Meta, Struct

from memory import ids
from memory.caller import ALL_SCOPES, Caller, Scope
from memory.errors import Forbidden, Invalid
from memory.model import MAX_NAME, Name
from memory.service.checks import check_name

PREFIX = "remora_"
"""What every key begins with, and nothing that is meant for an upstream."""

DEFAULT_SCOPES = ALL_SCOPES - {"admin"}

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Key(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is kept of a key."""

    id: int
    tenant: str
    """As engines know it."""
    name: str = ""
    digest: str
    """SHA-256, hexadecimal."""
    scopes: frozenset[Scope]
    namespaces: frozenset[str] | None = None
    """The names of those it is restricted to; None is all."""
    expires_at: int | None = None
    created_at: int
    last_used_at: int | None = None
    """To the minute; told by `Keys.page` only."""

    @property
    def spelled(self) -> str:
        return ids.spell(self.id, "key")

    @property
    def credential(self) -> str:
        """The same as `memory.caller.fingerprint` of the key."""
        return self.digest[:32]

    def expired(self, now: int) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class KeyDraft(Struct, frozen=True, kw_only=True):
    """A key to be issued."""

    name: Annotated[str, Meta(max_length=MAX_NAME)] = ""
    scopes: frozenset[Scope] | None = None
    """None: DEFAULT_SCOPES, as far as the issuer has them."""
    namespaces: frozenset[Name] | None = None
    """Names, which need not be in use yet; None: all."""
    expires_at: int | None = None
    """None: when the issuer's own key ends."""


def sha256(secret: str) -> str:
    """Of a key, hexadecimal. No salt, no stretching: a key is random, and too long to be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def drafted(draft: KeyDraft, issuer: Caller, *, tenant: str, id: int, digest: str, now: int) -> Key:
    """Raises Forbidden where `issuer` would give what it has not itself, Invalid for no scope or namespace at all, for
    a restricted key that is to look after its tenant, for a time that is past, and for control characters in the name,
    which might speak to someone's terminal."""
    if _CONTROLS.search(draft.name):
        raise Invalid("name: must be without control characters", field="name")
    scopes, namespaces = _scopes(issuer, draft), _namespaces(draft)
    if namespaces is not None and "admin" in scopes:
        # It would see the other keys, with the names of all their namespaces, and could end them.
        raise Invalid("namespaces: a key with the scope 'admin' is for its whole tenant", field="namespaces")
    return Key(
        id=id,
        tenant=tenant,
        name=draft.name,
        digest=digest,
        scopes=scopes,
        namespaces=namespaces,
        expires_at=_expiry(draft, issuer, now=now),
        created_at=now,
    )


def _scopes(issuer: Caller, draft: KeyDraft) -> frozenset[Scope]:
    own = ALL_SCOPES if issuer.operator else issuer.scopes
    scopes = DEFAULT_SCOPES & own if draft.scopes is None else draft.scopes
    if not scopes:
        raise Invalid("scopes: must name at least one", field="scopes")
    if beyond := sorted(scopes - own):
        raise Forbidden(f"this key lacks the scope '{beyond[0]}', so it can't give it", scope=beyond[0])
    return scopes


def _namespaces(draft: KeyDraft) -> frozenset[str] | None:
    if draft.namespaces is None:
        return None
    if not draft.namespaces:
        raise Invalid("namespaces: must name at least one, or be left out", field="namespaces")
    for name in sorted(draft.namespaces):
        check_name(name, "namespaces")
        if ids.parse(name, "ns") is not None:
            raise Invalid("namespaces: takes names, not ids", field="namespaces")
    return draft.namespaces


def _expiry(draft: KeyDraft, issuer: Caller, *, now: int) -> int | None:
    if draft.expires_at is None:
        return issuer.expires_at
    if draft.expires_at <= now:
        raise Invalid("expires_at: must be in the future", field="expires_at")
    if issuer.expires_at is not None and draft.expires_at > issuer.expires_at:
        raise Forbidden("this key ends before that, so it can't give it", field="expires_at")
    return draft.expires_at

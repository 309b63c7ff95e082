"""Scopes: the sets of memories by tenant, namespace and owner that both legs of a search start from.

A scope is a number hashed from its names, which takes any string and keeps the indexes small. Each memory is in four.
Two scopes may by a chance of 2⁻⁶³ share a number: they only pre-select, and the whole filter is applied to what they
give.
"""

import hashlib
from typing import Literal, NamedTuple

from memory.caller import user_owner
from memory.engines.base import Filter

Column = Literal["in_tenant", "in_namespace", "of_owner", "of_owner_in_namespace"]

_MOST = 256
"""A filter naming more pairs of namespace and owner than this starts from its namespaces."""


class Scope(NamedTuple):
    column: Column
    number: int


class Scopes(NamedTuple):
    """The numbers of the four scopes one memory is in."""

    in_tenant: int
    in_namespace: int
    of_owner: int
    of_owner_in_namespace: int

    @property
    def words(self) -> str:
        """As the full-text index has them."""
        return " ".join(word(number) for number in self)


def scopes_of(tenant: str, namespace: str, owner: str) -> Scopes:
    return Scopes(
        _number(tenant),
        _number(tenant, namespace=namespace),
        _number(tenant, owner=owner),
        _number(tenant, namespace=namespace, owner=owner),
    )


def scopes_for(where: Filter) -> list[Scope]:
    """Disjoint scopes which together hold everything that `where` allows; none where it allows nothing."""
    tenant = where.tenant
    namespaces = None if where.namespaces is None else dict.fromkeys(where.namespaces)
    owners = _owners(where)
    if namespaces is None and owners is None:
        return [Scope("in_tenant", _number(tenant))]
    if namespaces is None:
        return [Scope("of_owner", _number(tenant, owner=owner)) for owner in owners or ()]
    if owners is None or len(namespaces) * len(owners) > _MOST:
        return [Scope("in_namespace", _number(tenant, namespace=namespace)) for namespace in namespaces]
    return [
        Scope("of_owner_in_namespace", _number(tenant, namespace=namespace, owner=owner))
        for namespace in namespaces
        for owner in owners
    ]


def word(number: int) -> str:
    """A scope as a word that no stemmer changes."""
    return f"s{number}"


def _owners(where: Filter) -> list[str] | None:
    owners = None if where.owners is None else list(dict.fromkeys(where.owners))
    if where.user_id is None:
        return owners
    user = user_owner(where.user_id)
    return [user] if owners is None or user in owners else []


def _number(tenant: str, *, namespace: str | None = None, owner: str | None = None) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for name in (tenant, namespace, owner):
        encoded = b"" if name is None else b"=" + name.encode()
        digest.update(b"%d:%b" % (len(encoded), encoded))
    return int.from_bytes(digest.digest()) >> 1

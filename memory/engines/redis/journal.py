"""Journals: what was written last in a scope (what one owner has in one namespace), for engines that hold scopes.

memories.lua adds to a scope's journal in the same step as it writes. An entry bears the stamp of its write, which is
drawn at random: so a version, which is the last stamp, never repeats, whatever was erased, lost or restored between.
A journal is cut to its newest entries, and its hash ends with its namespace. So that a scope without a journal has a
version too, the hash has an epoch, which is as random as a stamp and drawn by who first holds one of its scopes: while
the epoch is the same, no journal of the hash has been taken away.
"""

import secrets

from msgspec import Struct

from memory.engines.redis.keys import Keys, label
from memory.engines.redis.wire import Argument

EPOCH = "epoch"
"""The field beside those of the scopes."""

_STAMP, _ENTRY = 8, 24


class Version(Struct, frozen=True):
    epoch: bytes
    journal: bytes

    @property
    def stamp(self) -> bytes:
        return self.journal[-_ENTRY : _STAMP - _ENTRY]

    def same(self, other: "Version") -> bool:
        """Nothing was written between the two."""
        return self.epoch == other.epoch and self.stamp == other.stamp

    def since(self, earlier: "Version") -> set[int] | None:
        """The ids of what was written since; None where the journal does not reach back so far."""
        if self.epoch != earlier.epoch:
            return None
        entries = [self.journal[at : at + _ENTRY] for at in range(0, len(self.journal), _ENTRY)]
        changed: set[int] = set()
        for entry in reversed(entries):
            if entry[:_STAMP] == earlier.stamp:
                return changed
            changed.add(int(entry[_STAMP:]))
        return None


def field(tenant: str, namespace: str, owner: str) -> str:
    """Under which a scope's journal is in the hash of its namespace: the fourth of `query.labels_of`."""
    return label("all", "home", tenant, namespace, owner)


def journaled(keys: Keys, tenant: str) -> tuple[Argument, Argument]:
    """What a write takes to keep the journals (memories.lua)."""
    return keys.journals_of(tenant), stamp()


def stamp() -> bytes:
    return secrets.token_bytes(_STAMP)

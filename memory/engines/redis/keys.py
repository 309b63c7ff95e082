"""The names of keys, and the labels by which the index finds memories: no string of a caller's is syntax in either.

A key is `prefix:what:{tenant}:part:part`: the braces make the tenant the hash tag, so that all of a tenant's keys live
on one shard. A part is itself where that is safe to read, else a digest, so that parts hold no colon, brace or space;
only the last one may be any string.
"""

import hashlib
import re
from functools import lru_cache

_READABLE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_LABEL_BYTES = 12
"""Of a hundred million labels two are alike with a probability of 1e-13; to hit a given one takes 2^96 tries."""


def part(value: str) -> str:
    """`value` as part of a key: two values never give the same."""
    if _READABLE.fullmatch(value):
        return value
    return "~" + hashlib.blake2b(_bytes(value), digest_size=16).hexdigest()


@lru_cache(maxsize=20_000)
def label(*values: str) -> str:
    """A digest for a TAG field: 24 hex digits, which no query syntax knows."""
    joined = "".join(f"{len(value)}:{value}" for value in values)
    return hashlib.blake2b(_bytes(joined), digest_size=_LABEL_BYTES).hexdigest()


class Keys:
    def __init__(self, prefix: str) -> None:
        self.meta = f"{prefix}:meta"
        self.lock = f"{prefix}:lock"
        """Of who brings the store forward."""
        self.ping = f"{prefix}:ping"
        self.memories = f"{prefix}:memory:"
        """What every memory's key begins with, and nothing else."""
        self.jobs = f"{prefix}:{{jobs}}:"
        """What every key of the queue begins with; the queue is one for all tenants."""
        self._prefix = prefix

    def index(self, generation: int) -> str:
        return f"{self._prefix}:index:{generation}"

    def memory(self, tenant: str, id: int) -> str:
        return f"{self.memories_of(tenant)}{member(id)}"

    def memories_of(self, tenant: str) -> str:
        return f"{self.memories}{{{part(tenant)}}}:"

    def access(self, tenant: str) -> str:
        return self._of("access", tenant)

    def usage(self, tenant: str) -> str:
        return self._of("usage", tenant)

    def journals_of(self, tenant: str) -> str:
        """With the `usage_scope` of a namespace at its end, the key of its journals."""
        return self._of("journal", tenant, "")

    def journal(self, tenant: str, namespace: str) -> str:
        return self.journals_of(tenant) + usage_scope(namespace)

    def session(self, tenant: str, namespace: str, owner: str, run_id: str) -> str:
        return self._of("session", tenant, label(namespace, owner, run_id))

    def documents_of(self, tenant: str, kind: str) -> str:
        """With a document's plain key at its end, the key it is stored under."""
        return self._of("document", tenant, part(kind), "")

    def document(self, tenant: str, kind: str, key: str) -> str:
        return self.documents_of(tenant, kind) + key

    def documents(self, tenant: str, kind: str, index: tuple[str, str] | None = None) -> str:
        return self._of("documents", tenant, part(kind), *map(part, index or ()))

    def unique(self, tenant: str, kind: str, name: str, value: str) -> str:
        return self._of("unique", tenant, part(kind), part(name), part(value))

    def counters(self, tenant: str) -> str:
        return self._of("counters", tenant)

    def window(self, tenant: str, name: str, seconds: int) -> str:
        return self._of("window", tenant, str(seconds), name)

    def logs_of(self, tenant: str) -> str:
        """With a stream's plain name at its end, its key."""
        return self._of("log", tenant, "")

    def log(self, tenant: str, stream: str) -> str:
        return self.logs_of(tenant) + stream

    def logs(self, tenant: str) -> str:
        """The names of the tenant's streams."""
        return self._of("logs", tenant)

    def all_of(self, tenant: str) -> str:
        """For SCAN: what `beginnings` begin, and perhaps keys of others."""
        return f"{literal(self._prefix)}:*:{{{part(tenant)}}}*"

    def beginnings(self, tenant: str) -> tuple[str, ...]:
        """How each key of the tenant's begins, and no other key, but for those that go with its memories and jobs."""
        whats = ("journal", "document", "documents", "unique", "counters", "window", "log", "logs")
        return tuple(self._of(what, tenant) for what in whats)

    def job(self, id: str) -> str:
        return f"{self.jobs}job:{id}"

    def order(self, kind: str, tenant: str, order: str) -> str:
        return f"{self.jobs}order:{label(kind, tenant, order)}"

    def dedupe(self, kind: str, tenant: str, dedupe: str) -> str:
        return f"{self.jobs}dedupe:{label(kind, tenant, dedupe)}"

    def _of(self, what: str, tenant: str, *parts: str) -> str:
        return ":".join((self._prefix, what, f"{{{part(tenant)}}}", *parts))


def literal(text: str) -> str:
    """As SCAN's patterns spell it."""
    return re.sub(r"([*?\[\\])", r"\\\1", text)


def member(id: int) -> str:
    """An id at the end of a key and in sets: members sort as their ids do."""
    return f"{id:016d}"


def usage_scope(namespace: str | None) -> str:
    """What begins the fields of a namespace, or of the whole tenant, in the tenant's hash of usage."""
    return "" if namespace is None else label("usage", namespace)


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")

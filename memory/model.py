"""What a memory is. Times are Unix milliseconds UTC; ids are the integers of `memory.ids`."""

import hashlib
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from memory.caller import owner_of

MemoryType = Literal["semantic", "episodic", "working", "structured", "procedural"]
Source = Literal["user", "extracted", "inferred", "imported"]
State = Literal["active", "paused", "archived", "deleted"]

MAX_CONTENT_BYTES = 10_240
MAX_NAME = 128

# `\Z` keeps a trailing newline out, which `$` would let in.
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, pattern=r"^(?!\.{1,2}\Z)[^/\x00-\x1f\x7f-\x9f]+\Z")]
"""A namespace, user, agent, session …: 1-128 characters, no `/`, control characters, `.` or `..`."""


class Link(Struct, frozen=True):
    """A directed relation to another memory."""

    target: int
    kind: str


class Memory(Struct, kw_only=True):
    """One remembered thing; serves every surface. Its embedding is stored beside it."""

    id: int
    version: int = 1
    """Counts changes; what compare-and-set compares."""
    tenant: str
    namespace: str
    content: str
    content_hash: str = ""
    type: MemoryType = "semantic"

    user_id: str | None = None
    agent_id: str | None = None
    run_id: str | None = None
    """The session."""
    app: str | None = None
    org_id: str | None = None
    credential: str | None = None
    """Set on what a call without a user taught: the fingerprint of its key."""

    seq: int | None = None
    """Order within the session, counted from 1."""
    role: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    source: Source = "user"
    confidence: float = 1.0
    importance: float = 0.5
    state: State = "active"
    slot: str | None = None
    """The single-valued attribute this fact fills (`residence`, `name` …): a newer fact of its owner in the same slot
    supersedes it."""

    source_ids: list[int] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    superseded_by: int | None = None

    created_at: int
    updated_at: int
    accessed_at: int
    derived_at: int | None = None
    event_at: int | None = None
    """When what it tells happened, where that is known and differs from `created_at`."""
    access_count: int = 0
    search_count: int = 0

    token_count: int = 0
    fields: dict[str, list[str]] = field(default_factory=dict)
    """What was read out of the content: `emails`, `phones`, `urls`, `people` …"""

    @property
    def owner(self) -> str:
        """To whom it belongs: see `memory.caller.owner_of`."""
        return owner_of(self.user_id, self.credential)

    @property
    def size(self) -> int:
        """What a quota of storage counts: the UTF-8 bytes of the content and, as JSON, of the metadata."""
        return len(self.content.encode()) + (len(msgspec.json.encode(self.metadata)) if self.metadata else 0)

    @property
    def happened_at(self) -> int:
        return self.created_at if self.event_at is None else self.event_at

    @property
    def current(self) -> bool:
        """Active and not superseded: what a search may return."""
        return self.state == "active" and self.superseded_by is None


class Hit(Struct, frozen=True, kw_only=True, gc=False):
    """What retrieval ranks: the few fields of a memory it needs, and what each search leg said of it."""

    id: int
    content: str
    type: MemoryType
    owner: str
    namespace: str
    run_id: str | None
    seq: int | None
    role: str | None
    confidence: float
    created_at: int
    happened_at: int
    accessed_at: int
    access_count: int
    content_hash: str
    token_count: int = 0
    dense: float | None = None
    """Cosine similarity to the query, in -1..1; None where the vector leg did not return it."""
    text: float | None = None
    """BM25 score over the best of its query, in 0..1; None where the text leg did not return it."""


def hit_of(memory: Memory, *, dense: float | None = None, text: float | None = None) -> Hit:
    return Hit(
        id=memory.id,
        content=memory.content,
        type=memory.type,
        owner=memory.owner,
        namespace=memory.namespace,
        run_id=memory.run_id,
        seq=memory.seq,
        role=memory.role,
        confidence=memory.confidence,
        created_at=memory.created_at,
        happened_at=memory.happened_at,
        accessed_at=memory.accessed_at,
        access_count=memory.access_count,
        content_hash=memory.content_hash,
        token_count=memory.token_count,
        dense=dense,
        text=text,
    )


class NamespaceConfig(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A namespace's configuration as set; None is "not set", and a parent's or the server's value applies."""

    token_budget: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    max_memories: Annotated[int, Meta(ge=0)] | None = None
    retention_days: Annotated[int, Meta(ge=0)] | None = None
    allowed_types: list[MemoryType] | None = None
    inherit_from_parent: bool | None = None
    custom_scoring: dict[str, Annotated[float, Meta(ge=0, le=10)]] | None = None


class Namespace(Struct, kw_only=True):
    id: int
    tenant: str
    name: str
    parent: str | None = None
    template: str | None = None
    config: NamespaceConfig = field(default_factory=NamespaceConfig)
    created_at: int
    updated_at: int


def content_hash(content: str) -> str:
    """Tells equal texts: 32 hex digits of SHA-256 over the text with case and white space folded."""
    folded = " ".join(content.split()).casefold()
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()[:32]

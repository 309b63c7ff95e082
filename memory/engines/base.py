"""The ports an engine implements, and what they promise; the contract suite (`tests/contract`) holds both to it.

For all ports:

- Any string is a legal tenant, namespace, owner, key or value: engines encode, callers need not.
- What a tenant wrote is invisible to every other tenant: each method takes the tenant, or a Filter which carries it.
- An engine that can't be reached, or is too slow, raises StoreUnavailable and nothing else of its own.
- A cancelled call stops as soon as it can; a cancelled write either took place whole or not at all.
- Times are Unix milliseconds, given by the caller (`now`): an engine reads no clock except for leases and expiry.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from enum import Enum
from types import TracebackType
from typing import Literal, Protocol, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from memory.hits import Hits
from memory.model import Memory, MemoryType, Source, State

Vector = NDArray[np.float32]
"""A unit-length embedding."""


class EmbeddingSpec(Struct, frozen=True, kw_only=True):
    """Which embedder a store's vectors come from; vectors of two embedders don't compare."""

    name: str
    dimension: int


# --------------------------------------------------------------------------------------------------------- memories


class Filter(Struct, frozen=True, kw_only=True):
    """Which memories a query may see. Every field narrows; None does not."""

    tenant: str
    namespaces: tuple[str, ...] | None = None
    """Any of these; the empty tuple matches nothing."""
    owners: tuple[str, ...] | None = None
    """Any of these (`memory.caller.owner_of`); the empty tuple matches nothing."""
    current: bool = True
    """Leave out what is superseded or not `active`. False: every state unless `states` says otherwise."""
    states: tuple[State, ...] | None = None
    types: tuple[MemoryType, ...] | None = None
    tags: tuple[str, ...] = ()
    """All of these."""
    categories: tuple[str, ...] = ()
    """Any of these."""
    source: Source | None = None
    min_confidence: float | None = None
    user_id: str | None = None
    agent_id: str | None = None
    run_id: str | None = None
    app: str | None = None
    org_id: str | None = None
    slot: str | None = None
    content_hash: str | None = None
    metadata: Mapping[str, str | int | float | bool] = {}
    """Top-level entries that must equal; numbers compare as their shortest decimal (`1` and `1.0` are one); neither
    a string nor a truth value ever equals a number."""
    created_from: int | None = None
    """Inclusive, as is `created_to`."""
    created_to: int | None = None
    happened_from: int | None = None
    happened_to: int | None = None


SortKey = Literal["created_at", "updated_at", "accessed_at", "happened_at", "importance", "confidence"]


class Page(Struct, frozen=True, kw_only=True):
    memories: list[Memory]
    total: int
    """How many match the filter, whatever `offset` and `limit`."""


class Append(Struct, frozen=True, kw_only=True):
    """An entry for a log stream (see Log)."""

    tenant: str
    stream: str
    entry: bytes
    max_length: int | None = None
    """The stream keeps about this many of its newest entries; None keeps all."""


class Record(Struct, frozen=True, kw_only=True):
    """A memory with its embedding, as it is written."""

    memory: Memory
    vector: Vector
    log: Sequence[Append] = ()
    """Appended in the transaction that inserts it, or not at all."""


class SearchQuery(Struct, frozen=True, kw_only=True):
    """Both legs of a hybrid search; a leg whose input is None (or blank) does not run."""

    text: str | None = None
    """Free text, of any content: the engine takes words from it (`memory.engines.words`) and no syntax. A memory
    matches when it shares at least one stemmed word; the commonest may be left out where there are rarer ones."""
    vector: Vector | None = None
    limit: int = 50
    """How many each leg returns at most."""
    whole: int = 0
    """Where no more than so many match, an engine that has them at hand may return them all, with what the legs say of
    them. Ignored without `vector`."""
    facts: int = 0
    """A third leg: up to this many memories of any type but `episodic`, the nearest to `vector` (the newest where there
    is none), so that a small memory can be had whole. Its hits carry `dense` where there is a vector."""


class Neighbourhood(Struct, frozen=True, kw_only=True):
    """The turns of one session around `seq`."""

    namespace: str
    owner: str
    run_id: str
    seq: int


class Usage(Struct, frozen=True, kw_only=True):
    """What is stored, in every state but `deleted`: superseded memories count."""

    memories: int = 0
    tokens: int = 0
    bytes: int = 0
    """The sum of `Memory.size`."""


class Limit(Struct, frozen=True, kw_only=True):
    """How much a namespace, or a whole tenant, may hold, counted as `usage` counts."""

    namespace: str | None = None
    """None: the tenant."""
    memories: int | None = None
    bytes: int | None = None


class Written(Enum):
    """What became of one write."""

    DONE = "done"
    CLASH = "clash"
    """Nothing changed: its id is taken or, for a replacement, the version is another or there is none."""
    FULL = "full"
    """Nothing changed: it would have raised a figure above a limit."""


class Memories(Protocol):
    async def insert(self, records: Sequence[Record], *, limits: Sequence[Limit] = ()) -> list[Written]:
        """Insert each record, in their order, with its log, whose id (in its tenant) is free and for which `limits`
        leave room; all are of one tenant.

        A limit holds exactly, whoever else inserts at the same time: room is taken in the transaction itself."""
        ...

    async def get(self, tenant: str, ids: Sequence[int]) -> list[Memory | None]:
        """In the order of `ids`, which may repeat; None where there is none. Any state, superseded or not."""
        ...

    async def vectors(self, tenant: str, ids: Sequence[int]) -> list[Vector | None]:
        """The embeddings, in the order of `ids`."""
        ...

    async def replace(
        self,
        memory: Memory,
        *,
        expected: int,
        vector: Vector | None = None,
        log: Sequence[Append] = (),
        limits: Sequence[Limit] = (),
    ) -> Written:
        """Store `memory` over the one of its id if that one's version is `expected`. `vector` None keeps the embedding.
        `log` goes with it or not at all. Tenant, namespace and id of a memory never change. A limit that is passed
        already hinders only what makes the figure still larger."""
        ...

    async def delete(self, tenant: str, ids: Sequence[int], log: Sequence[Append] = ()) -> list[bool]:
        """Erase them: True where there was one. `log` is appended in the same transaction if one was."""
        ...

    async def touch(self, tenant: str, ids: Sequence[int], *, now: int, accesses: int = 1, searches: int = 0) -> None:
        """Add to `access_count` and `search_count`, and set `accessed_at` to `now` if `accesses`. Does not change
        the version; missing ids are passed over."""
        ...

    async def search(self, where: Filter, query: SearchQuery, *, since: float | None = None) -> Hits:
        """Both legs in one round trip, merged by id: no order is promised. `dense` is the exact cosine of every hit
        that the vector leg returned, `text` the BM25 score divided by the best one of this query.

        No round trip where the engine holds what it needs as it was at some moment since `since` (`time.monotonic`):
        the beginning of the call that it is part of."""
        ...

    async def neighbours(
        self, where: Filter, around: Sequence[Neighbourhood], *, radius: int = 1, since: float | None = None
    ) -> Hits:
        """The memories matching `where` whose session is that of a neighbourhood and whose `seq` lies within `radius`
        of its, itself included; each once. One round trip, however many; `since` as in `search`."""
        ...

    async def usage(self, tenant: str, namespace: str | None = None) -> Usage:
        """Exact, from counters kept with each write, not from a scan."""
        ...

    async def usages(self, tenant: str, namespaces: Sequence[str]) -> dict[str, Usage]:
        """The usage of each namespace, in one round trip."""
        ...

    async def erase(self, tenant: str, namespace: str | None = None) -> int:
        """Erase a whole namespace's memories, or the tenant's: how many. Works in batches; others are not blocked.
        Cancelled between two batches, it can be run again."""
        ...

    def scan(self, where: Filter, *, after: int | None = None) -> AsyncIterator[list[Memory]]:
        """All that match, by rising id from the one after `after`, in batches which cost no more the further in they
        are. What is there all the while comes exactly once, whatever is written meanwhile."""
        ...

    async def list(
        self, where: Filter, *, sort: SortKey = "created_at", descending: bool = True, offset: int = 0, limit: int = 100
    ) -> Page:
        """Sorted by `sort`, ties by id in the same direction. An offset past the end gives an empty page."""
        ...


# -------------------------------------------------------------------------------------------------------- documents


class Document(Struct, frozen=True, kw_only=True):
    """A record that is not a memory: a namespace, a key, a receipt …"""

    key: str
    value: bytes
    version: int


class PutDocument(Struct, frozen=True, kw_only=True):
    """An unconditional write of a document."""

    kind: str
    tenant: str
    key: str
    value: bytes
    indexes: Mapping[str, str] = {}
    """Names and values under which `list` finds it, e.g. `{"parent": "team-a"}`."""
    order: float = 0.0
    """`list` returns documents by rising `order`, ties by key."""
    ttl_seconds: int | None = None


class DeleteDocument(Struct, frozen=True, kw_only=True):
    """Erases a document, if there is one, with its indexes and unique values."""

    kind: str
    tenant: str
    key: str


class Documents(Protocol):
    """Documents live in (kind, tenant, key). An expired one does not exist."""

    async def get(self, kind: str, tenant: str, key: str) -> Document | None: ...

    async def create(
        self, document: PutDocument, *, unique: Mapping[str, str] | None = None, log: Sequence[Append] = ()
    ) -> bool:
        """Store it if its key is free and each `unique` (name, value) is too, within its kind and tenant, and append
        `log` in the same transaction; else False and nothing is stored. The unique values are freed when the document
        is deleted or expires."""
        ...

    async def replace(self, document: PutDocument, *, expected: int, log: Sequence[Append] = ()) -> bool:
        """Compare-and-set by version (which rises by one), appending `log` in the same transaction; its unique values
        stay. False, and nothing is appended, if the version is another or there is no such document."""
        ...

    async def find(self, kind: str, tenant: str, name: str, value: str) -> Document | None:
        """By a unique (name, value) given to `create`."""
        ...

    async def delete(self, kind: str, tenant: str, key: str) -> bool: ...

    async def list(
        self, kind: str, tenant: str, *, index: tuple[str, str] | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[list[Document], int]:
        """A page, and how many there are in all; of one (name, value) of `indexes`, or all of the kind."""
        ...


# --------------------------------------------------------------------------------------------------------- counters


class Taken(Struct, frozen=True, kw_only=True):
    """What a window answers to a Take."""

    allowed: bool
    remaining: int
    reset_at: int
    """When the window ends, in Unix milliseconds."""


class AddCounter(Struct, frozen=True, kw_only=True):
    tenant: str
    name: str
    amount: int = 1


class Take(Struct, frozen=True, kw_only=True):
    """What is wanted of a fixed window of the engine's clock. A window is apart from the plain counter of its name."""

    tenant: str
    name: str
    limit: int
    window_seconds: int
    amount: int = 1
    """0 only looks."""


BOUNDLESS = 2**53 - 1
"""The limit of a window that only counts: what is taken is BOUNDLESS - remaining."""


class Counters(Protocol):
    """Whole numbers by (tenant, name), exact across processes; a missing one is 0."""

    async def take(self, wanted: Sequence[Take]) -> list[Taken]:
        """From all of these windows or from none, in one round trip: nothing is taken where one of them would pass its
        limit. `allowed` says it of each one by itself; `remaining` is what is left then.

        Cheap also where a commit to the disk is not: what was taken outlives the process, but not a power failure."""
        ...

    async def add(self, tenant: str, amounts: Mapping[str, int]) -> dict[str, int]:
        """Add to several at once; their new values. A counter never goes below 0."""
        ...

    async def values(self, tenant: str, names: Sequence[str]) -> dict[str, int]: ...

    async def reset(self, tenant: str, names: Sequence[str]) -> None: ...


# ------------------------------------------------------------------------------------------------------------- jobs


class Enqueue(Struct, frozen=True, kw_only=True):
    """A job to be done at least once."""

    kind: str
    tenant: str
    payload: bytes
    dedupe: str | None = None
    """While a job of this kind, tenant and dedupe key waits or runs, and for ten minutes after it is done, no other is
    enqueued; burying it frees the key."""
    order: str | None = None
    """Jobs of one kind, tenant and order key run one at a time, in the order of their enqueueing; a job that waits for
    its retry holds up those behind it."""
    delay_seconds: float = 0.0


class Job(Struct, frozen=True, kw_only=True):
    id: str
    kind: str
    tenant: str
    payload: bytes
    attempt: int
    """1 at the first lease; every lease, also after a crash, counts one."""
    due_at: int
    """When it was to be done first: at its enqueueing, or its delay after that."""


class JobStatus(Struct, frozen=True, kw_only=True):
    id: str
    kind: str
    state: Literal["waiting", "running", "done", "dead"]
    attempt: int
    progress: float = 0.0
    """0..1."""
    result: bytes | None = None
    error: str | None = None
    """Why the last attempt failed."""


class Backlog(Struct, frozen=True, kw_only=True):
    waiting: int
    """Due and not done yet: what runs or waits for a retry is among it, what was never due so far is not."""
    dead: int
    oldest_ms: int
    """For how long the oldest of them has been due; 0 if there is none."""


class Jobs(Protocol):
    """A durable queue, at least once. A lease lasts LEASE_SECONDS unless renewed; then another may take the job."""

    async def enqueue(self, job: Enqueue) -> str | None:
        """The job's id; None if its dedupe key kept it out. On return it survives a crash of this process."""
        ...

    async def lease(self, worker: str, *, limit: int = 1, wait_seconds: float = 0.0) -> list[Job]:
        """Up to `limit` jobs, oldest first, expired leases among them; waits up to `wait_seconds` for one."""
        ...

    async def renew(self, worker: str, job: Job) -> bool:
        """Begin the lease anew; False if the job is no longer this worker's."""
        ...

    async def done(self, worker: str, job: Job, *, result: bytes | None = None) -> bool:
        """Erase the job and its payload; its status stays for an hour. False if it is no longer this worker's."""
        ...

    async def retry(self, worker: str, job: Job, *, delay_seconds: float, error: str) -> bool:
        """Give it back, to be leased again after the delay."""
        ...

    async def bury(self, worker: str, job: Job, *, error: str) -> bool:
        """Give up on it: kept with its payload among the dead for seven days."""
        ...

    async def progress(self, worker: str, job: Job, share: float) -> bool: ...

    async def status(self, tenant: str, id: str) -> JobStatus | None:
        """None for an unknown job and for another tenant's."""
        ...

    async def backlog(self) -> Backlog: ...


LEASE_SECONDS = 30.0


# -------------------------------------------------------------------------------------------------------------- log


class Entry(Struct, frozen=True, kw_only=True):
    id: str
    """Rises within its stream; ids of one stream compare as strings."""
    at: int
    """When it was appended, by the engine's clock."""
    entry: bytes


class Log(Protocol):
    """Append-only streams, by (tenant, stream)."""

    async def append(self, entries: Sequence[Append]) -> None: ...

    async def read(
        self, tenant: str, stream: str, *, after: str | None = None, limit: int = 100, newest_first: bool = False
    ) -> list[Entry]:
        """Entries after the id `after` (before it, when newest first), in the order asked for. What is no id of an
        entry is no error, whatever it finds."""
        ...

    async def erase(self, tenant: str, streams: Sequence[str] | None = None) -> None:
        """These streams, or all of the tenant's."""
        ...


# ----------------------------------------------------------------------------------------------------------- engine

Write = PutDocument | DeleteDocument | AddCounter | Enqueue | Append


class Engine(Protocol):
    """All five ports over one store. An async context manager: entering connects and prepares the schema (creating it
    if absent, raising Misconfigured where it was made for another embedder), leaving disconnects.

    A Redis that is down when entered does not raise: each call does, until it is back.
    """

    @property
    def memories(self) -> Memories: ...

    @property
    def documents(self) -> Documents: ...

    @property
    def counters(self) -> Counters: ...

    @property
    def jobs(self) -> Jobs: ...

    @property
    def log(self) -> Log: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def commit(self, writes: Sequence[Write]) -> None:
        """All of them, in one round trip: together or not at all. A kept-out duplicate job does not stop the rest."""
        ...

    async def ping(self) -> None:
        """Raises StoreUnavailable unless the engine can read and write now."""
        ...

    async def erase(self, tenant: str, progress: Callable[[float], Awaitable[None]]) -> None:
        """Erase all that any port holds of a tenant: memories, documents, counters and windows, jobs and their
        statuses, logs. In batches, so that others are not blocked; interrupted, it can be run again. `progress` is told
        the share that is done, rising to 1."""
        ...

    async def reindex(
        self, embed: Callable[[Sequence[str]], Awaitable[list[Vector]]], progress: Callable[[int, int], None]
    ) -> int:
        """Embed every content anew and make the store this engine's embedder's: how many. Needs the engine to have been
        made with `reindexing=True`, which enters a store of another embedder without raising. `progress` is told
        (done, total). Interrupted, it can be run again."""
        ...

    async def advice(self) -> list[str]:
        """What in the store's own settings endangers the promise to lose nothing (persistence, eviction), a sentence
        each."""
        ...

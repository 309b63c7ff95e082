"""The native API's requests and answers, as the MAIA document has them.

Fields of ours beyond it appear in an answer only where they say something.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from memory.api.errors import ErrorDetail
from memory.model import MemoryType, Name, NamespaceConfig, Source
from memory.service.drafts import MemoryFields, Share, Tags

Time = Annotated[str, Meta(max_length=64, extra_json_schema={"format": "date-time"})]
Limit = Annotated[int, Meta(ge=1, le=1000)]
MAX_OFFSET = 1_000_000
"""Redis's search pages no further."""
Offset = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
Scalar = str | int | float | bool

MAX_BATCH = 100


class Request(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A misspelt field is an error, not lost."""


class BatchItem(MemoryFields, kw_only=True, frozen=True, forbid_unknown_fields=True):
    type: Literal["semantic", "episodic", "working"] = "semantic"
    created_at: Time | None = None
    """For imports; default: now."""
    event_at: Time | None = None


class NewMemory(BatchItem, kw_only=True, frozen=True, forbid_unknown_fields=True):
    namespace: str


class NewMemories(Request, kw_only=True, frozen=True):
    namespace: str
    memories: Annotated[list[Any], Meta(min_length=1, max_length=MAX_BATCH)]
    """Each as a BatchItem; read one by one, so that a bad one does not stop the rest."""


class MemoryChanges(Request, kw_only=True, frozen=True):
    content: str | UnsetType = UNSET
    """Embedded anew."""
    metadata: dict[str, Any] | UnsetType = UNSET
    """Merged at the top level; null removes an entry."""
    tags: Tags | UnsetType = UNSET
    """Replaced."""
    confidence: Share | UnsetType = UNSET


class TimeRange(Request, kw_only=True, frozen=True):
    start: Time | None = None
    end: Time | None = None


class SearchRequest(Request, kw_only=True, frozen=True):
    query: Annotated[str, Meta(max_length=10_240)] | None = None
    """Best first by meaning and words; without it newest first."""
    namespace: str | None = None
    """Name or id."""
    types: list[MemoryType] | None = None
    """Any of these."""
    tags: Tags | None = None
    """All of these."""
    source: Source | None = None
    min_confidence: Share | None = None
    time_range: TimeRange | None = None
    """Of `created_at`, both ends inclusive."""
    user_id: str | None = None
    agent_id: str | None = None
    run_id: str | None = None
    app: str | None = None
    org_id: str | None = None
    metadata: dict[str, Scalar] | None = None
    """Top-level entries that must equal."""
    limit: Limit = 100
    offset: Offset = 0


class MemoryView(Struct, kw_only=True, frozen=True):
    id: str
    namespace: str
    content: str
    type: MemoryType
    embedding: list[float] | UnsetType = UNSET
    metadata: dict[str, Any]
    tags: list[str]
    confidence: float
    source: Source
    created_at: str
    updated_at: str
    accessed_at: str
    access_count: int
    user_id: str | UnsetType = UNSET
    agent_id: str | UnsetType = UNSET
    run_id: str | UnsetType = UNSET
    app: str | UnsetType = UNSET
    org_id: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    role: str | UnsetType = UNSET
    categories: list[str] | UnsetType = UNSET
    importance: float | UnsetType = UNSET
    state: str | UnsetType = UNSET
    event_at: str | UnsetType = UNSET
    """When what it tells happened, where that differs from `created_at`."""
    source_ids: list[str] | UnsetType = UNSET
    """From which memories it was drawn."""
    superseded_by: str | UnsetType = UNSET
    """The newer memory that took its place."""


class MemoryList(Struct, kw_only=True, frozen=True):
    items: list[MemoryView]
    total: int
    limit: int
    offset: int
    has_more: bool


class Failed(Struct, kw_only=True, frozen=True):
    index: int
    error: ErrorDetail


class BatchAnswer(Struct, kw_only=True, frozen=True):
    memories: list[MemoryView]
    created_count: int
    failed_count: int
    failed: list[Failed]


class SearchResult(Struct, kw_only=True, frozen=True):
    memory: MemoryView
    score: float
    """0 to 1; 1 where nothing was ranked."""


class SearchAnswer(Struct, kw_only=True, frozen=True):
    results: list[SearchResult]
    total: int
    limit: int
    offset: int
    has_more: bool


class ChangeView(Struct, kw_only=True, frozen=True):
    memory_id: str
    event: Literal["created", "updated", "superseded", "deleted"]
    at: str
    version: int
    content: str
    previous_content: str | UnsetType = UNSET
    superseded_by: str | UnsetType = UNSET


class HistoryAnswer(Struct, kw_only=True, frozen=True):
    id: str
    history: list[ChangeView]


class NewNamespace(Request, kw_only=True, frozen=True):
    name: Name
    parent: str | None = None
    """Name or id of an existing one, as is `template`."""
    template: str | None = None
    """Its configuration is copied; `config` goes over it."""
    config: NamespaceConfig = field(default_factory=NamespaceConfig)


class NamespaceChanges(Request, kw_only=True, frozen=True):
    parent: str | UnsetType | None = UNSET
    config: dict[str, Any] = field(default_factory=dict)
    """Fields of the configuration; null unsets one."""


class NamespaceStats(Struct, kw_only=True, frozen=True):
    memory_count: int
    total_tokens: int


class NamespaceView(Struct, kw_only=True, frozen=True):
    id: str
    name: str
    parent: str | UnsetType = UNSET
    template: str | UnsetType = UNSET
    config: NamespaceConfig
    """As set."""
    effective_config: NamespaceConfig | UnsetType = UNSET
    """With what is inherited, where anything can be."""
    stats: NamespaceStats
    created_at: str
    updated_at: str


class NamespaceList(Struct, kw_only=True, frozen=True):
    namespaces: list[NamespaceView]
    total: int
    limit: int
    offset: int
    has_more: bool


class NamespaceMemories(Struct, kw_only=True, frozen=True):
    memories: list[MemoryView]
    total: int
    limit: int
    offset: int
    has_more: bool


class Health(Struct, kw_only=True, frozen=True):
    status: Literal["ok"] = "ok"


class ReadinessView(Struct, kw_only=True, frozen=True):
    status: Literal["ready", "not_ready"]
    checks: dict[str, str]

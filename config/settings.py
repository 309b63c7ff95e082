"""Every setting of Remora, and the one pure function that loads them.

A value comes from a `REMORA_*` environment variable, else from `remora.toml`, else from the default here. The
variable is the path in the file, upper-cased and joined by underscores: `[upstream] base_url` is
`REMORA_UPSTREAM_BASE_URL`. A section's main choice carries the section's own name: `[embedder] kind` is
`REMORA_EMBEDDER`. An empty value is as good as none.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct
from msgspec import inspect as kinds

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0)]
Weight = Annotated[float, Meta(ge=0, le=10)]
Share = Annotated[float, Meta(ge=0, le=1)]
HttpUrl = Annotated[
    str, Meta(pattern=r"^https?://[^\s/@]+(/|\Z)", description="an http:// or https:// URL without credentials")
]
StoreUrl = Annotated[
    str, Meta(pattern=r"^(sqlite://|rediss?://)", description="a URL that starts with sqlite://, redis:// or rediss://")
]
Addresses = Annotated[
    str,
    Meta(pattern=r"^[0-9a-fA-F.:/, ]*\Z", description="IP addresses or networks, separated by commas"),
]
Prefix = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z", description="1 to 64 of the letters a-z and A-Z, digits, `_` and `-`")
]

_SENDABLE = re.compile(r"[\x21-\x7e]+")

ENVIRONMENT_PREFIX = "REMORA_"

Position = Literal["system", "first_user", "before_last"]
"""Where memory is put into a request: see `proxy.injection`."""


class Secret:
    """A string that never prints; `reveal()` is the only way to its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Upstream(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The OpenAI-compatible server that answers the calls."""

    base_url: HttpUrl = "https://api.openai.com/v1"
    api_key: Secret | None = None
    """Sent upstream; without it the client's own `Authorization` is passed through."""
    connect_timeout: Seconds = 5.0
    first_byte_timeout: Seconds = 600.0
    idle_timeout: Seconds = 120.0
    max_connections: Positive = 1000
    pass_through: Literal["stateless", "all"] = "stateless"
    """What may pass under the server's own upstream key: `all` adds stored things (files, batches, threads),
    which every user of this server then shares."""


class Embedder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: Literal["bundled", "openai", "fastembed"] = "bundled"
    base_url: HttpUrl | None = None
    """For `openai`; default: the upstream's."""
    model: str | None = None
    """For `openai` and `fastembed`; default: `text-embedding-3-small`, `BAAI/bge-small-en-v1.5`."""
    api_key: Secret | None = None
    """For `openai`; default: the upstream's, unless `base_url` names another endpoint."""
    timeout: Seconds = 10.0


class Extraction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mode: Literal["auto", "rules", "llm", "off"] = "auto"
    """`auto`: by LLM if a model is set, else by rules. `off`: episodes are kept, no facts are drawn from them."""
    model: str | None = None
    base_url: HttpUrl | None = None
    api_key: Secret | None = None
    timeout: Seconds = 60.0


class Context(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    token_budget: NotNegative = 4000
    position: Position = "system"
    deadline_ms: Positive = 250
    """Retrieval that takes longer is given up and the call goes on without memory."""


class Retrieval(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much each signal counts; a namespace's `custom_scoring` overrides them one by one."""

    vector_weight: Weight = 0.35
    text_weight: Weight = 0.3
    words_weight: Weight = 0.35
    session_weight: Weight = 0.4
    neighbour_weight: Weight = 0.5
    answer_weight: Weight = 0.4
    speaker_weight: Weight = 0.3
    question_weight: Weight = 0.4
    """What a turn that asks, instead of telling, loses."""
    time_weight: Weight = 0.5
    dated_weight: Weight = 0.2
    """Of what names a time itself, where the query asks when."""
    exact_weight: Weight = 1.0
    """From 1 on, a memory that says just what the query says comes first."""
    kind_weight: Weight = 0.2
    recency_weight: Weight = 0.05
    frequency_weight: Weight = 0.02
    confidence_weight: Weight = 0.05
    diversity: Share = 0.0
    """What a memory loses that says again what a better one says: by maximal marginal relevance. 0: nothing."""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    body_mb: Positive = 25
    """Largest request body, in megabytes of 1,000,000 bytes; a larger one is a 413."""
    concurrency: Positive = 1000
    """Proxied calls under way at once in one process; a further one is a 503 with `retry-after`."""
    native_concurrency: Positive = 500
    """The same of requests to Remora's own API, but for the operator's and those that listen to events."""
    tenant_share: Share = 0.8
    """Of the places above, for one tenant's calls, but for those of the tenant `default`; a further one is a 429."""
    bodies_mb: Positive = 500
    """Megabytes of request bodies held at once in one process; what would exceed that is a 503."""
    requests_per_minute: NotNegative = 0
    """Of one key or, where no key is asked for, of one address; a further one is a 429. 0: no such limit. A tenant's
    quotas hold beside it."""
    failed_keys_per_minute: Positive = 60
    """Of one address, in each process; after as many wrong keys the next one, and the operator's, is answered 429 until
    the minute is over. Tenants' keys are too long to be guessed and go on working."""

    @property
    def body_bytes(self) -> int:
        return self.body_mb * 1_000_000


class Stream(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ping_seconds: Seconds = 15.0
    """A stream silent for so long carries a comment line, so that nothing between closes it."""
    drain_seconds: Seconds = 30.0
    """How long a stopping server lets streams under way finish."""


class Receipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ttl_seconds: Positive = 7 * 24 * 3600


class Worker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    inside: bool = True
    """`serve` runs a learning worker of its own; turn off where `remora work` runs beside it."""
    concurrency: Positive = 4


class Events(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The live feed, `GET /v1/events`."""

    listeners: Positive = 100
    """Of one tenant, in one process at once; a further one is a 503."""


class Metrics(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    public: bool = False
    """`GET /metrics` asks for no key. They hold no names, keys or texts."""


class Tracing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OpenTelemetry traces; needs the extra `otel`."""

    endpoint: HttpUrl | None = None
    """Where to send them, by OTLP over HTTP (`http://localhost:4318/v1/traces`); without it none are made."""
    sample: Share = 1.0
    """The share of calls traced, where the caller's own trace does not decide."""


class Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"
    requests: bool = False
    """A line for every request: who by key id, what, status and duration."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: Port = 8080
    workers: Positive = 1
    store: StoreUrl = "sqlite:///remora.db"
    """`sqlite:///PATH` (relative; `sqlite:////PATH` absolute), `sqlite://` (in memory), `redis://…`, `rediss://…`."""
    store_prefix: Prefix = "remora"
    """What every Redis key and index name starts with: two memories in one Redis take two prefixes."""
    store_held_mb: NotNegative = 64
    """How much of the memories of users who have few is held in each process, in megabytes of 1,000,000 bytes, so that
    a search among them does not ask the store; those used last. 0 holds none."""
    store_wait_ms: Positive = 250
    """How long an answer waits for its receipt and its lesson to be stored. After that it goes out, and they are tried
    again beside it, out of the process's memory: what a kill of the process in between would lose."""
    trusted_proxies: Addresses = ""
    """Whose `X-Forwarded-For` is believed: reverse proxies in front of this server."""
    admin_key: Secret | None = None
    """The operator's key; without it, and without keys of tenants, nothing asks for authentication."""
    insecure: bool = False
    """Listen beyond loopback although there is no key."""
    upstream: Upstream = Upstream()
    embedder: Embedder = Embedder()
    extraction: Extraction = Extraction()
    context: Context = Context()
    retrieval: Retrieval = Retrieval()
    limits: Limits = Limits()
    stream: Stream = Stream()
    receipt: Receipt = Receipt()
    worker: Worker = Worker()
    events: Events = Events()
    metrics: Metrics = Metrics()
    tracing: Tracing = Tracing()
    log: Log = Log()

    def __repr__(self) -> str:
        return without_credentials(super().__repr__())


class SettingsError(Exception):
    """One or more settings are bad; `problems` has a line for each, naming the setting and the rule."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Setting(Struct, frozen=True):
    """One leaf of `Settings`."""

    path: tuple[str, ...]
    variable: str
    type: Any
    default: Any


def catalogue() -> Iterator[Setting]:
    """Every setting there is, in the order of the structs."""
    for field in msgspec.structs.fields(Settings):
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            for leaf in msgspec.structs.fields(field.type):
                own = (field.name,) if leaf.name in ("kind", "mode") else (field.name, leaf.name)
                yield Setting((field.name, leaf.name), _variable(own), leaf.type, leaf.default)
        else:
            yield Setting((field.name,), _variable((field.name,)), field.type, field.default)


def load(environ: Mapping[str, str], file: Path | None = None) -> Settings:
    """Settings from `environ` over `file` (TOML) over the defaults.

    Raises SettingsError with every bad, unknown or unreadable value at once; no message prints a value of a secret.
    """
    problems: list[str] = []
    tree = _read(file, problems) if file is not None else {}
    known = {setting.variable: setting for setting in catalogue()}
    given: dict[tuple[str, ...], Any] = {}
    for setting in known.values():
        if (value := _pop(tree, setting.path)) not in (None, ""):
            given[setting.path] = _convert(value, setting, ".".join(setting.path), problems, strict=True)
        if (text := environ.get(setting.variable)) is not None and (text := text.strip()):
            given[setting.path] = _convert(text, setting, setting.variable, problems, strict=False)
    problems += [f"{path}: no such setting" for path in _leaves(tree)]
    for name in environ:
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known and not name.startswith("REMORA_TEST_"):
            problems.append(f"{name}: no such setting")
    if problems:
        raise SettingsError(problems)
    return _assemble(given)


def without_credentials(text: str) -> str:
    """`text` with the user and password of every URL in it replaced by `***`."""
    return re.sub(r"(?<=://)[^/\s'\"]*@", "***@", text)


def _assemble(given: Mapping[tuple[str, ...], Any]) -> Settings:
    top = {path[0]: value for path, value in given.items() if len(path) == 1}
    for section in {path[0] for path in given if len(path) == 2}:
        values = {path[1]: value for path, value in given.items() if len(path) == 2 and path[0] == section}
        top[section] = msgspec.structs.replace(getattr(Settings(), section), **values)
    return Settings(**top)


def _convert(value: Any, setting: Setting, name: str, problems: list[str], *, strict: bool) -> Any:
    kind = _without_none(setting.type)
    try:
        return msgspec.convert(value, kind, strict=strict, dec_hook=_secret)
    except msgspec.ValidationError:
        problems.append(f"{name}: expected {_expected(kinds.type_info(kind))}")
        return setting.default


def _without_none(kind: Any) -> Any:
    """msgspec would read None out of the text "null", be it a key."""
    choices = get_args(kind)
    return next(choice for choice in choices if choice is not NoneType) if NoneType in choices else kind


def _secret(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str) and _SENDABLE.fullmatch(value):
        return Secret(value)
    raise msgspec.ValidationError


def _expected(kind: kinds.Type) -> str:
    match kind:
        case kinds.Metadata(extra_json_schema={"description": str(description)}):
            return description
        case kinds.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values))
        case kinds.BoolType():
            return "true or false"
        case kinds.CustomType(cls=cls) if cls is Secret:
            return "a key of visible ASCII characters, such as a header can carry"
        case kinds.IntType() | kinds.FloatType():
            word = "a whole number" if isinstance(kind, kinds.IntType) else "a number"
            bounds = {"of at least": kind.ge, "above": kind.gt, "up to": kind.le}
            return " ".join([word, *(f"{text} {bound:g}" for text, bound in bounds.items() if bound is not None)])
        case _:
            return "text"


def _read(file: Path, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{file}: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{file}: {error}")
    return {}


def _pop(tree: dict[str, Any], path: tuple[str, ...]) -> Any:
    *sections, leaf = path
    for section in sections:
        node = tree.get(section)
        if not isinstance(node, dict):
            return None
        tree = node
    return tree.pop(leaf, None)


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def _variable(path: tuple[str, ...]) -> str:
    return ENVIRONMENT_PREFIX + "_".join(path).upper()

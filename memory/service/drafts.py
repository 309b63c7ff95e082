"""What callers may say of a memory: to write one, and to change one."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from memory.errors import Invalid
from memory.model import MAX_CONTENT_BYTES, MAX_NAME, Link, MemoryType, Name, Source, State
from memory.service.checks import broken_rule, nested_within

Tag = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Tags = Annotated[list[Tag], Meta(max_length=100)]
Share = Annotated[float, Meta(ge=0, le=1)]

MAX_METADATA_BYTES = 65_536
"""As MessagePack."""
MAX_METADATA_DEPTH = 32


class MemoryFields(Struct, kw_only=True, frozen=True):
    """What every surface may set on a new memory."""

    content: str
    """At most 10,240 bytes of UTF-8, and not blank."""
    type: MemoryType = "semantic"
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: Tags = field(default_factory=list)
    categories: Tags = field(default_factory=list)
    confidence: Share = 1.0
    importance: Share = 0.5
    source: Source = "user"
    user_id: Name | None = None
    agent_id: Name | None = None
    run_id: Name | None = None
    """The session."""
    app: Name | None = None
    org_id: Name | None = None
    role: Name | None = None


class MemoryDraft(MemoryFields, kw_only=True, frozen=True):
    """A memory to be written."""

    credential: str | None = None
    """What a call without a user taught belongs to its key's fingerprint."""
    slot: str | None = None
    source_ids: list[int] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    created_at: int | None = None
    """For imports: also stands for `updated_at` and `accessed_at`. None: now."""
    derived_at: int | None = None
    event_at: int | None = None
    in_session: bool = True
    """Takes the next `seq` of its session, if it names one. A fact drawn from a turn does not: it would stand between
    the turns."""


class MemoryPatch(Struct, kw_only=True, frozen=True):
    """Changes to a memory; what is UNSET stays."""

    content: str | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    """Merged into what is there, at the top level; None removes the entry."""
    tags: Tags | UnsetType = UNSET
    categories: Tags | UnsetType = UNSET
    confidence: Share | UnsetType = UNSET
    importance: Share | UnsetType = UNSET
    state: State | UnsetType = UNSET
    event_at: int | UnsetType = UNSET
    add_source_ids: list[int] | UnsetType = UNSET


def check_draft(draft: MemoryDraft) -> None:
    """Raises Invalid, naming the field, unless the draft keeps every rule."""
    _check_types(draft)
    _check_content(draft.content)
    _check_metadata(draft.metadata)


def check_patch(patch: MemoryPatch) -> None:
    """As `check_draft`."""
    _check_types(patch)
    if patch.content is not UNSET:
        _check_content(patch.content)
    if patch.metadata is not UNSET:
        _check_metadata(patch.metadata)


def _check_types(given: Struct) -> None:
    # A Struct made in Python is not validated; one read from JSON is.
    try:
        msgspec.json.decode(msgspec.json.encode(given), type=type(given))
    except msgspec.ValidationError as error:
        raise broken_rule(error) from error
    except UnicodeEncodeError as error:
        raise Invalid("text must be Unicode without lone surrogates") from error


def _check_content(content: str) -> None:
    if not content.strip():
        raise Invalid("content must not be blank", field="content")
    if (size := len(content.encode())) > MAX_CONTENT_BYTES:
        raise Invalid(
            f"content must be at most {MAX_CONTENT_BYTES:,} bytes of UTF-8, and is {size:,}",
            field="content",
            limit=MAX_CONTENT_BYTES,
            size=size,
        )


def _check_metadata(metadata: Mapping[str, Any]) -> None:
    if not nested_within(metadata, MAX_METADATA_DEPTH):
        raise Invalid(f"metadata must not be nested more than {MAX_METADATA_DEPTH} deep", field="metadata")
    try:
        size = len(msgspec.msgpack.encode(metadata))
    except OverflowError:
        raise Invalid("metadata: a whole number must fit into 64 bits", field="metadata") from None
    if size > MAX_METADATA_BYTES:
        raise Invalid(
            f"metadata must be at most {MAX_METADATA_BYTES:,} bytes, and is {size:,}",
            field="metadata",
            limit=MAX_METADATA_BYTES,
            size=size,
        )


def merge(metadata: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`metadata` with `changes` over it, at the top level; None removes an entry."""
    merged = {**metadata, **changes}
    return {key: value for key, value in merged.items() if value is not None or key not in changes}

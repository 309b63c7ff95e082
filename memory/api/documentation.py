"""What the OpenAPI document says beyond the types: examples, the MAIA document's where it prints one, and errors."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.enums import RequestEncodingType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import Body, BodyKwarg
from msgspec import Struct

from memory.api.errors import ErrorBody

NEW_MEMORY: dict[str, Any] = {
    "namespace": "default",
    "content": "User prefers dark mode and compact layouts",
    "type": "semantic",
    "metadata": {"source": "user-settings", "confidence": 0.95},
    "tags": ["preferences", "ui"],
    "confidence": 0.9,
    "source": "user",
}
NEW_MEMORIES: dict[str, Any] = {
    "namespace": "default",
    "memories": [
        {"content": "I'm allergic to peanuts", "type": "episodic", "run_id": "s1", "created_at": "2026-01-19T10:00:00Z"}
    ],
}
MEMORY_CHANGES: dict[str, Any] = {
    "content": "User prefers dark mode, compact layouts, and monospace fonts",
    "metadata": {"updated_by": "user-profile-sync"},
    "tags": ["preferences", "ui", "fonts"],
    "confidence": 0.95,
}
SEARCH: dict[str, Any] = {
    "query": "user preferences display settings",
    "namespace": "default",
    "types": ["semantic", "episodic"],
    "tags": ["preferences"],
    "source": "user",
    "min_confidence": 0.5,
    "time_range": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-31T23:59:59Z"},
    "limit": 20,
    "offset": 0,
}
NEW_NAMESPACE: dict[str, Any] = {
    "name": "project-alpha",
    "parent": "team-a",
    "template": "team-a",
    "config": {
        "token_budget": 8000,
        "max_memories": 50000,
        "retention_days": 90,
        "allowed_types": ["semantic", "episodic", "working"],
        "inherit_from_parent": True,
        "custom_scoring": {"vector_weight": 0.4, "text_weight": 0.3},
    },
}
NAMESPACE_CHANGES: dict[str, Any] = {"config": {"token_budget": 10000, "retention_days": 180}}

MEMORY: dict[str, Any] = {
    "id": "mem_0dkzvg8r2ch",
    **NEW_MEMORY,
    "created_at": "2026-01-19T10:00:00Z",
    "updated_at": "2026-01-19T10:00:00Z",
    "accessed_at": "2026-01-19T10:00:00Z",
    "access_count": 0,
}
EMBEDDED_MEMORY: dict[str, Any] = MEMORY | {"embedding": [0.123, -0.456]}
_PAGE: dict[str, Any] = {"total": 1, "limit": 100, "offset": 0, "has_more": False}
MEMORY_PAGE: dict[str, Any] = {"items": [MEMORY], **_PAGE}
NAMESPACE_MEMORIES: dict[str, Any] = {"memories": [MEMORY], **_PAGE}
BATCH: dict[str, Any] = {"memories": [MEMORY], "created_count": 1, "failed_count": 0, "failed": []}
FOUND: dict[str, Any] = {"results": [{"memory": MEMORY, "score": 0.87}], **_PAGE, "limit": 20}
HISTORY: dict[str, Any] = {
    "id": MEMORY["id"],
    "history": [
        {
            "memory_id": MEMORY["id"],
            "event": "created",
            "at": MEMORY["created_at"],
            "version": 1,
            "content": MEMORY["content"],
        }
    ],
}
NAMESPACE: dict[str, Any] = {
    "id": "ns_0dkzvg8r2cj",
    **NEW_NAMESPACE,
    "effective_config": NEW_NAMESPACE["config"],
    "stats": {"memory_count": 0, "total_tokens": 0},
    "created_at": "2026-01-19T10:00:00Z",
    "updated_at": "2026-01-19T10:00:00Z",
}
HEALTH = {"status": "ok"}
READY: dict[str, Any] = {"status": "ready", "checks": {"storage": "ok", "embedder": "ok", "tokenizer": "ok"}}
NOT_READY: dict[str, Any] = {
    "status": "not_ready",
    "checks": READY["checks"] | {"storage": "does not answer"},
}
NAMESPACES: dict[str, Any] = {"namespaces": [NAMESPACE], **_PAGE}

_HEADER_LINE = '{"format":"remora-memories","version":1}'
_MEMORY_LINE = (
    '{"content":"User prefers dark mode","tags":["ui"],"id":"mem_0dkzvg8r2ch","namespace":"default",'
    '"created_at":"2026-01-19T10:00:00Z","updated_at":"2026-01-19T10:00:00Z","accessed_at":"2026-01-19T10:00:00Z"}'
)
LINES = f"{_HEADER_LINE}\n{_MEMORY_LINE}\n"
IMPORTED: dict[str, Any] = {
    "imported": 1,
    "skipped": 0,
    "failed": 1,
    "failures": [
        {"line": 3, "error": {"code": "bad_request", "message": "content: is missing", "details": {"field": "content"}}}
    ],
    "last_line": 3,
}

_ERROR = ("code", "message", "details")
_ERRORS: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: ("bad_request", "content: is missing", {"field": "content"}),
    401: ("unauthorized", "invalid API key", {}),
    403: ("forbidden", "this key lacks the scope 'write'", {"scope": "write"}),
    404: ("not_found", "Memory not found", {"memory_id": "mem_invalid"}),
    409: ("conflict", "Namespace already exists", {"namespace": "project-alpha"}),
    413: ("payload_too_large", "Request Entity Too Large", {}),
    415: ("unsupported_media_type", "The body must be JSON, with 'Content-Type: application/json'", {}),
    429: ("rate_limited", "Rate limit exceeded", {"limit": 100, "reset_at": "2026-01-19T10:00:00Z"}),
    500: ("internal_error", "Internal server error", {}),
    503: ("unavailable", "the store does not answer", {}),
}


def json_body(example: dict[str, Any]) -> BodyKwarg:
    """Marks a handler's `data`, with an example of it."""
    marker = Body(media_type=RequestEncodingType.JSON, examples=[_example(example)])
    assert isinstance(marker, BodyKwarg)
    return marker


@dataclass
class LinesBody(Operation):
    """Documents the body of a route that reads JSON lines by itself."""

    def __post_init__(self) -> None:
        media_type = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING), example=LINES)
        self.request_body = RequestBody(content={"application/x-ndjson": media_type}, required=True)


def answer(status: int, model: type[Struct], example: dict[str, Any]) -> dict[int, ResponseSpec]:
    """A route's success, with an example of it."""
    return {status: _spec(status, model, example)}


def errors(*statuses: int) -> dict[int, ResponseSpec]:
    """A route's error answers: those given, and the ones that every route may give."""
    return {
        status: _spec(status, ErrorBody, {"error": dict(zip(_ERROR, _ERRORS[status], strict=True))})
        for status in sorted({*statuses, 400, 401, 403, 429, 500, 503})
    }


def _spec(status: int, model: type[Struct], example: dict[str, Any]) -> ResponseSpec:
    phrase = HTTPStatus(status).phrase
    return ResponseSpec(model, generate_examples=False, description=phrase, examples=[_example(example)])


def _example(value: dict[str, Any]) -> Example:
    """Litestar would leave out what is null."""
    return Example(value=msgspec.Raw(msgspec.json.encode(value)))


BODY_ERRORS = (413, 415)
"""What a route that takes a body may answer too."""

"""What the OpenAPI document says beyond the types: examples, from the MAIA document, and errors."""

from http import HTTPStatus
from typing import Any

from litestar.enums import RequestEncodingType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, BodyKwarg

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


def json_body(example: dict[str, Any]) -> BodyKwarg:
    """Marks a handler's `data`, with an example of it."""
    marker = Body(media_type=RequestEncodingType.JSON, examples=[Example(value=example)])
    assert isinstance(marker, BodyKwarg)
    return marker


def errors(*statuses: int) -> dict[int, ResponseSpec]:
    """A route's error answers: those given, and the ones that every route may give."""
    return {
        status: ResponseSpec(ErrorBody, description=HTTPStatus(status).phrase, generate_examples=False)
        for status in sorted({*statuses, 400, 401, 403, 500, 503})
    }


BODY_ERRORS = (413, 415)
"""What a route that takes a body may answer too."""

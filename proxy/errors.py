"""Errors that the proxy answers with, in one shape that OpenAI's clients and this server's own both read:
`{"error": {"code", "message", "type", "param", "details"}}`."""

from typing import Any

import msgspec
from msgspec import Struct

from memory.api.errors import details_of, headers_of
from memory.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    QuotaExceeded,
    RateLimited,
    RemoraError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)


class UpstreamFailed(RemoraError):
    """The upstream could not be reached, hung up, or sent what is no HTTP."""


class UpstreamTimeout(UpstreamFailed):
    """The upstream took too long to accept, to answer or to go on."""


class Unsupported(RemoraError):
    """A way of talking that the proxy does not speak."""


class _Shape(Struct, frozen=True):
    status: int
    code: str
    type: str


_SHAPES: tuple[tuple[type[RemoraError], _Shape], ...] = (
    (Invalid, _Shape(400, "bad_request", "invalid_request_error")),
    (Unauthenticated, _Shape(401, "unauthorized", "authentication_error")),
    (Forbidden, _Shape(403, "forbidden", "permission_error")),
    (NotFound, _Shape(404, "not_found", "invalid_request_error")),
    (Conflict, _Shape(409, "conflict", "invalid_request_error")),
    (TooLarge, _Shape(413, "payload_too_large", "invalid_request_error")),
    (QuotaExceeded, _Shape(429, "quota_exceeded", "insufficient_quota")),
    (RateLimited, _Shape(429, "rate_limited", "rate_limit_error")),
    (Unsupported, _Shape(501, "not_implemented", "invalid_request_error")),
    (UpstreamTimeout, _Shape(504, "upstream_timeout", "timeout")),
    (UpstreamFailed, _Shape(502, "upstream_error", "api_connection_error")),
    (Overloaded, _Shape(503, "overloaded", "server_error")),
    (Unavailable, _Shape(503, "unavailable", "server_error")),
)
_INTERNAL = _Shape(500, "internal_error", "server_error")


def error_answer(error: RemoraError) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body that tell of `error`."""
    shape, body = _shape_of(error), error_body(error)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(name.lower().encode(), value.encode()) for name, value in headers_of(error).items()]
    return shape.status, headers, body


def error_event(error: RemoraError) -> bytes:
    """The server-sent event that ends a stream which `error` broke off; OpenAI's clients raise on it."""
    return b"data: " + error_body(error) + b"\n\n"


def error_body(error: RemoraError) -> bytes:
    shape = _shape_of(error)
    details = {name: value for name, value in details_of(error).items() if value is not None}
    fields: dict[str, Any] = {
        "code": shape.code,
        "message": error.message,
        "type": shape.type,
        "param": details.get("field"),
        "details": details,
    }
    return msgspec.json.encode({"error": fields})


def internal_error() -> RemoraError:
    """What a client is told of a fault of ours: the log has the rest."""
    return RemoraError("internal error")


def _shape_of(error: RemoraError) -> _Shape:
    return next((shape for kind, shape in _SHAPES if isinstance(error, kind)), _INTERNAL)

"""From what went wrong to the REST answer: `{"error": {"code", "message", "details"}}`."""

import logging
import math
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from memory.api.times import iso
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

log = logging.getLogger("remora.api")


class ErrorDetail(Struct, frozen=True):
    code: str
    message: str
    details: dict[str, Any]


class ErrorBody(Struct, frozen=True):
    error: ErrorDetail


_DOMAIN: tuple[tuple[type[RemoraError], int, str], ...] = (
    (Invalid, 400, "bad_request"),
    (Unauthenticated, 401, "unauthorized"),
    (Forbidden, 403, "forbidden"),
    (QuotaExceeded, 403, "quota_exceeded"),
    (NotFound, 404, "not_found"),
    (Conflict, 409, "conflict"),
    (TooLarge, 413, "payload_too_large"),
    (RateLimited, 429, "rate_limited"),
    (Overloaded, 503, "overloaded"),
    (Unavailable, 503, "unavailable"),
)
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "unavailable",
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}


def detail(error: RemoraError) -> ErrorDetail:
    """The inner part of the answer, as batches give it for each item too."""
    return ErrorDetail(code=_place(error)[1], message=error.message, details=details_of(error))


def details_of(error: RemoraError) -> dict[str, Any]:
    """What is told to programs, with times as they are spelled on the wire."""
    told = dict(error.details)
    if isinstance(error, RateLimited):
        told["reset_at"] = iso(error.reset_at)
    return told


def rate_headers(*, limit: int, remaining: int, reset_at: int) -> dict[str, str]:
    """What answers say of a window; `reset_at` in Unix milliseconds, on the wire it is seconds."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(math.ceil(reset_at / 1000)),
    }


def headers_of(error: RemoraError) -> Mapping[str, str]:
    """The headers that go with the answer to an error, on every surface."""
    if isinstance(error, RateLimited):
        seconds = max(1, math.ceil(error.reset_at / 1000 - time.time()))
        return {
            **rate_headers(limit=error.limit, remaining=0, reset_at=error.reset_at),
            "Retry-After": str(seconds),
        }
    return _HEADERS.get(_place(error)[0], {})


def rest_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The exception handler for all REST routes; what was not foreseen is logged, and shows nothing of itself."""
    headers: Mapping[str, str] = {}
    if isinstance(error, RemoraError):
        status, told, headers = _place(error)[0], detail(error), headers_of(error)
    elif isinstance(error, HTTPException):
        status, told = error.status_code, _of_framework(request, error)
        headers = {**_HEADERS.get(status, {}), **(error.headers or {})}
    else:
        status, told = 500, ErrorDetail("internal_error", "Internal server error", {})
    if status == 500:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return Response(
        msgspec.json.encode(ErrorBody(told), enc_hook=str),
        status_code=status,
        headers=headers,
        media_type=MediaType.JSON,
    )


def _place(error: RemoraError) -> tuple[int, str]:
    for kind, status, code in _DOMAIN:
        if isinstance(error, kind):
            return status, code
    return 500, "internal_error"


def _of_framework(request: Request[Any, Any, Any], error: HTTPException) -> ErrorDetail:
    code = _CODES.get(error.status_code, "bad_request" if error.status_code < 500 else "internal_error")
    match error.extra:
        case [{"key": "data"}, *_]:
            return ErrorDetail(code, "the body is missing", {})
        case [{"message": str(rule), "key": str(key)}, *_]:
            told = rule.replace("`", "'").replace("Expected", "must be", 1)
            return ErrorDetail(code, f"{key}: {told}", {"field": key})
        case _:
            # Litestar's own words may hold the URL, and so a key.
            return ErrorDetail(code, _message(request, error.status_code), {})


def _message(request: Request[Any, Any, Any], status: int) -> str:
    match status:
        case 404:
            return f"There is no {request.url.path}"
        case 405:
            return f"{request.url.path} does not take {request.method}"
        case 415:
            return "The body must be JSON, with 'Content-Type: application/json'"
        case _:
            return HTTPStatus(status).phrase

"""`GET /v1/memories/export` and `POST /v1/memories/import`."""

import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, InternalServerException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream
from msgspec import UNSET, Struct, UnsetType

from memory import ids
from memory.api import documentation
from memory.api.documentation import BODY_ERRORS, LinesBody, answer, errors
from memory.api.errors import ErrorBody, ErrorDetail, detail
from memory.api.leave import Authority, Leave
from memory.api.lines import (
    LONGEST,
    header_line,
    is_header,
    memory_line,
    memory_of,
    read_header,
    read_line,
    split_lines,
    vector_of,
)
from memory.caller import DEFAULT_NAMESPACE, Caller
from memory.engines.base import EmbeddingSpec
from memory.errors import Invalid, RemoraError, TooLarge
from memory.service.checks import check_name
from memory.service.clock import system_clock
from memory.service.export import Batch, Export
from memory.service.imports import Arrival, Imports
from memory.service.namespaces import Namespaces

MEDIA_TYPE = "application/x-ndjson"
_TAKEN = frozenset((MEDIA_TYPE, "application/jsonl", "application/json", "application/octet-stream"))
"""None that a web page may send unasked."""

MAX_FAILURES = 100
_WRITTEN_AT_ONCE = 200
_SENT_AT_ONCE = 100

log = logging.getLogger("remora.api")


class FailedLine(Struct, frozen=True, kw_only=True):
    line: int
    """Counted from 1."""
    id: str | UnsetType = UNSET
    error: ErrorDetail


class ImportAnswer(Struct, frozen=True, kw_only=True):
    imported: int
    skipped: int
    """Of those that were there already."""
    failed: int
    failures: list[FailedLine]
    """The first 100."""
    last_line: int
    """The number of the last line read."""


class TransferController(Controller):
    path = "/v1/memories"
    tags = ("Memories",)

    @get(
        "/export",
        operation_id="exportMemories",
        responses={
            200: ResponseSpec(
                str,
                description="A line of JSON for each memory, after one that describes the format",
                media_type=MEDIA_TYPE,
                examples=[Example(value=documentation.LINES)],
                generate_examples=False,
            )
        }
        | errors(404),
    )
    async def export(
        self,
        *,
        request: Request[Any, Any, Any],
        caller: NamedDependency[Caller],
        authenticator: NamedDependency[Authority],
        namespaces: NamedDependency[Namespaces],
        export: NamedDependency[Export],
        namespace: FromQuery[str | None] = None,
        user_id: FromQuery[str | None] = None,
        after: Annotated[
            str | None, QueryParameter(description="Go on after this id, that of the last line had, without a header.")
        ] = None,
        limit: Annotated[int | None, QueryParameter(ge=1, description="How many at most; default: all.")] = None,
        include: Annotated[
            Literal["embedding"] | None, QueryParameter(description="With the embedding of each.")
        ] = None,
    ) -> Stream:
        """All memories that the key may see, whole, superseded, paused and archived ones too, as JSON lines by rising
        id. Broken off, it goes on after the last id had. What is written meanwhile comes too, but for imports. Where an
        export can't go on, or its key has ended, its last line is an `error`."""
        caller.require("read")
        home = None if namespace is None else (await namespaces.resolve(caller, namespace)).name
        start = None if after is None else ids.parse(after)
        if after is not None and start is None:
            raise Invalid("after: must be the id of a memory", field="after")
        batches = export.batches(caller, namespace=home, user_id=user_id, after=start, vectors=include is not None)
        first: Batch = await anext(batches, [])  # so that what is wrong from the beginning is an error, not a line
        header = b""
        if after is None:
            header = header_line(export.embedding if include else None, namespace=home, user_id=user_id)
        leave = Leave(request, authenticator, "read")
        return Stream(_lines(header, first, batches, limit, leave.confirm), media_type=MEDIA_TYPE)

    @post(
        "/import",
        operation_id="importMemories",
        status_code=200,
        request_max_body_size=None,
        operation_class=LinesBody,
        responses=answer(200, ImportAnswer, documentation.IMPORTED) | errors(*BODY_ERRORS),
    )
    async def import_(
        self,
        *,
        request: Request[Any, Any, Any],
        caller: NamedDependency[Caller],
        authenticator: NamedDependency[Authority],
        imports: NamedDependency[Imports],
        namespace: Annotated[str, QueryParameter(description="Of the lines that name none.")] = DEFAULT_NAMESPACE,
        user_id: Annotated[
            str | None, QueryParameter(description="Whose the memories are of the lines that name nobody.")
        ] = None,
    ) -> ImportAnswer:
        """Bring in the lines of an export, or lines with a `content` and whatever else is known. The body may be of any
        size but not compressed, a line has at most 1,000,000 bytes. Ids, times, states, links and places in sessions
        are kept, missing namespaces are made. A memory that is there already is skipped, even where its content was
        changed since, so that an import can be repeated, also one that broke off; lines without an `id` that say the
        same are one memory. Bad lines don't stop the rest."""
        caller.require("write")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _TAKEN:
            raise HTTPException(status_code=415)
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            rule = {"key": "Content-Encoding", "message": "must not be given: send the lines uncompressed"}
            raise HTTPException(status_code=415, extra=[rule])
        incoming = _Incoming(
            caller,
            Leave(request, authenticator, "write"),
            imports,
            namespace=check_name(namespace, "namespace"),
            user_id=None if user_id is None else check_name(user_id, "user_id"),
        )
        try:
            async for number, line in split_lines(_chunks(request)):
                await incoming.take(number, line)
            await incoming.flush()
        except RemoraError as error:
            # It ends here, but what was done stays done, and is told.
            error.details = {**error.details, **incoming.counts()}
            raise
        return incoming.answer()


class _Incoming:
    """The lines of one import, written in batches."""

    def __init__(self, caller: Caller, leave: Leave, imports: Imports, *, namespace: str, user_id: str | None) -> None:
        self._caller = caller
        self._leave = leave
        self._imports = imports
        self._namespace = namespace
        self._user_id = user_id
        self._given: EmbeddingSpec | None = None
        self._waiting: list[tuple[int, Arrival]] = []
        self._imported = self._skipped = self._failed = self._last = 0
        self._failures: list[FailedLine] = []

    async def take(self, number: int, line: bytes | None) -> None:
        """Raises Invalid for a format that is not known; what is wrong with one line is noted."""
        self._last = number
        if line is None:
            self._fail(number, TooLarge(f"the line has more than {LONGEST:,} bytes", limit=LONGEST))
        elif is_header(line):
            self._given = read_header(line)
        else:
            try:
                self._waiting.append((number, self._read(line)))
            except Invalid as error:
                self._fail(number, error)
        if len(self._waiting) >= _WRITTEN_AT_ONCE:
            await self.flush()

    async def flush(self) -> None:
        """Raises Unauthenticated or Forbidden where the key has ended meanwhile."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        await self._leave.confirm()
        outcomes = await self._imports.write(self._caller, [arrival for _, arrival in waiting])
        for (number, arrival), outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, RemoraError):
                self._fail(number, outcome, ids.spell(arrival.memory.id))
            elif outcome == "imported":
                self._imported += 1
            else:
                self._skipped += 1

    def counts(self) -> dict[str, int]:
        return {
            "imported": self._imported,
            "skipped": self._skipped,
            "failed": self._failed,
            "last_line": self._last,
        }

    def answer(self) -> ImportAnswer:
        return ImportAnswer(**self.counts(), failures=sorted(self._failures, key=lambda one: one.line))

    def _read(self, text: bytes) -> Arrival:
        line = read_line(text)
        memory = memory_of(
            line,
            tenant=self._caller.tenant,
            namespace=self._namespace,
            user_id=self._user_id,
            now=system_clock(),
        )
        vector = vector_of(line, self._given, self._imports.embedding)
        return Arrival(memory=memory, vector=vector, next_in_session=line.id is None)

    def _fail(self, number: int, error: RemoraError, id: str | UnsetType = UNSET) -> None:
        self._failed += 1
        if len(self._failures) < MAX_FAILURES:
            self._failures.append(FailedLine(line=number, id=id, error=detail(error)))


async def _lines(
    header: bytes, first: Batch, rest: AsyncIterator[Batch], limit: int | None, confirm: Callable[[], Awaitable[None]]
) -> AsyncIterator[bytes]:
    """The body of an export; `confirm` raises where it may not go on."""
    yield header
    left = sys.maxsize if limit is None else limit
    try:
        batch = first
        while batch and left > 0:
            for start in range(0, min(len(batch), left), _SENT_AT_ONCE):
                await confirm()
                part = batch[start : min(start + _SENT_AT_ONCE, left)]
                yield b"".join(memory_line(memory, vector) for memory, vector in part)
            left -= len(batch)
            batch = await anext(rest, []) if left > 0 else []
    except RemoraError as error:
        yield msgspec.json.encode(ErrorBody(detail(error)), enc_hook=str) + b"\n"
    except Exception:
        log.exception("an export failed for a fault of ours")
        yield msgspec.json.encode(ErrorBody(ErrorDetail("internal_error", "Internal server error", {}))) + b"\n"


async def _chunks(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except InternalServerException as error:
        raise Invalid("the body ended before its end") from error

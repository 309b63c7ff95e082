"""The receipt of one proxied call: what memory did for it, and why. It holds no texts."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from msgspec import Raw, Struct, field, structs

from context.analysis import QueryAnalysis
from context.assemble import Assembled
from context.entry import Entry, Position
from memory.caller import Caller
from memory.engines.base import Append, Documents, PutDocument
from memory.errors import NotFound
from memory.extraction.learned import refusals
from memory.service import events

KIND = "receipt"
"""The kind of its document."""

Outcome = Literal["used", "empty", "skipped", "degraded"]

_encode = msgspec.json.Encoder().encode

_PARTS = 10_000


class InjectedMemory(Struct, frozen=True, array_like=True, gc=False):
    """As short as it goes: a prompt may hold a hundred."""

    id: int
    score: float
    position: Position
    tokens: int
    truncated: bool
    shares: list[int]
    """What each of the receipt's `signals` added to the score, in ten-thousandths."""


def _injected(memories: Sequence[Entry]) -> list[InjectedMemory]:
    scores = np.array([one.ranked.score for one in memories])
    shares = np.array([one.ranked.shares for one in memories])
    rounded = (np.rint(_PARTS * scores) / _PARTS).tolist()
    parts = np.rint(_PARTS * shares).astype(np.int64).tolist()
    return [
        InjectedMemory(one.ranked.hit.id, score, one.position, one.token_count, one.truncated, added)
        for one, score, added in zip(memories, rounded, parts, strict=True)
    ]


_decode_injected = msgspec.json.Decoder(list[InjectedMemory]).decode


class Learning(Struct, frozen=True, kw_only=True):
    """Whether the exchange went to be learned from."""

    enqueued: bool
    reason: str | None = None
    """Why not."""
    refused: list[str] = field(default_factory=list)
    """Why memories that it taught were not stored, one entry each; known once it was learned from."""


class Receipt(Struct, kw_only=True):
    request_id: str
    tenant: str
    at: int
    """Unix milliseconds UTC."""
    outcome: Outcome
    reason: str | None = None
    """Why memory was skipped or degraded."""
    namespace: str
    query_analysis: QueryAnalysis | None = None
    signals: tuple[str, ...] = ()
    """What was looked at in ranking."""
    used: int = 0
    """How many memories went in."""
    memories: Raw = Raw(b"[]")
    """They, as `injected` reads them: a receipt lasts as long as its stream, and so they take a fifth of the room."""
    token_count: int = 0
    token_budget: int = 0
    encoding: str | None = None
    """In which the tokens were counted."""
    timings: dict[str, float] = field(default_factory=dict)
    """Milliseconds by step."""
    learning: Learning | None = None

    def record(self, assembled: Assembled) -> None:
        """Take over what was assembled for the call."""
        self.outcome = "degraded" if assembled.degraded else "used" if assembled.memories else "empty"
        self.reason = assembled.degraded
        self.query_analysis = assembled.analysis
        if memories := assembled.memories:
            self.signals = memories[0].ranked.signals  # one ranking's, so the same for all
            self.used, self.memories = len(memories), Raw(_encode(_injected(memories)))
        self.token_count = assembled.token_count
        self.token_budget = assembled.token_budget
        self.encoding = assembled.encoding
        self.timings = {**self.timings, **assembled.timings}

    def injected(self) -> list[InjectedMemory]:
        """What went in, by zone, best first within each."""
        return _decode_injected(self.memories)

    def reasons(self, memory: InjectedMemory) -> dict[str, float]:
        """What added to the score of one of its memories, by signal."""
        return {signal: share / _PARTS for signal, share in zip(self.signals, memory.shares, strict=True) if share}

    def event(self) -> Append:
        """As the live feed tells of it."""
        return events.append(
            self.tenant,
            events.Event(
                kind="receipt",
                at=self.at,
                namespace=self.namespace,
                id=self.request_id,
                outcome=self.outcome,
                memories=self.used,
                tokens=self.token_count,
            ),
        )

    def document(self, *, ttl_seconds: int) -> PutDocument:
        """As it is stored."""
        return PutDocument(
            kind=KIND,
            tenant=self.tenant,
            key=self.request_id,
            value=_encode(self),
            order=float(self.at),
            ttl_seconds=ttl_seconds,
        )


_decode = msgspec.json.Decoder(Receipt).decode


class Receipts:
    """Where receipts are found again, until they expire."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def of(self, caller: Caller, request_id: str) -> Receipt:
        """Raises NotFound, also for another tenant's and one of a namespace that the caller may not see."""
        caller.require("read")
        document, refused = await asyncio.gather(
            self._documents.get(KIND, caller.tenant, request_id),
            refusals(self._documents, caller.tenant, request_id),
        )
        receipt = None if document is None else _decode(document.value)
        if receipt is None or not caller.sees(receipt.namespace):
            raise NotFound("Receipt not found", request_id=request_id)
        if refused and receipt.learning is not None:
            receipt.learning = structs.replace(receipt.learning, refused=refused)
        return receipt

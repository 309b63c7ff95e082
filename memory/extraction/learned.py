"""What became of an exchange that was learned from; and what of it a quota, or a rule of its namespace, forbade."""

import msgspec
from msgspec import Struct, field

from memory.engines.base import AddCounter, Documents, PutDocument, Write
from memory.extraction.exchange import Exchange

REFUSED_COUNTER = "learning.refused"
"""Counts, per tenant, the memories that were to be learned and might not be stored."""

_KIND = "refused"


class Learned(Struct, kw_only=True):
    """What a job did; its result."""

    episodes: list[int] = field(default_factory=list)
    facts: list[int] = field(default_factory=list)
    """Stored or confirmed."""
    stored: list[int] = field(default_factory=list)
    """Of both, those that are new."""
    superseded: int = 0
    refused: list[str] = field(default_factory=list)
    """Why a memory could not be stored, one entry each."""


def telling(exchange: Exchange, reasons: list[str], *, seconds: int) -> list[Write]:
    """Counts the refusals, and keeps their reasons for the receipt of the call, for `seconds`."""
    document = PutDocument(
        kind=_KIND,
        tenant=exchange.tenant,
        key=exchange.request_id,
        value=msgspec.json.encode(reasons),
        ttl_seconds=seconds,
    )
    return [AddCounter(tenant=exchange.tenant, name=REFUSED_COUNTER, amount=len(reasons)), document]


async def refusals(documents: Documents, tenant: str, request_id: str) -> list[str]:
    """Why memories of this call's exchange were not stored, one entry each; none where all is well, or not done yet."""
    document = await documents.get(_KIND, tenant, request_id)
    return [] if document is None else msgspec.json.decode(document.value, type=list[str])

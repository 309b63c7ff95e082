"""What is read and written on behalf of an exchange: only what is its owner's, in its namespace."""

from collections.abc import Sequence
from typing import Literal

from memory.engines.base import Filter
from memory.extraction.exchange import Exchange
from memory.service.drafts import MemoryDraft


def own(exchange: Exchange) -> Filter:
    """The current memories of the exchange's owner in its namespace."""
    return Filter(tenant=exchange.tenant, namespaces=(exchange.namespace,), owners=(exchange.owner,))


def draft(
    exchange: Exchange,
    content: str,
    *,
    kind: Literal["episodic", "semantic"],
    in_session: bool = False,
    categories: Sequence[str] = (),
    confidence: float = 1.0,
    slot: str | None = None,
    source_ids: Sequence[int] = (),
    derived_at: int | None = None,
) -> MemoryDraft:
    """A memory that the exchange teaches."""
    return MemoryDraft(
        content=content,
        type=kind,
        user_id=exchange.user_id,
        credential=exchange.credential if exchange.user_id is None else None,
        agent_id=exchange.agent_id,
        app=exchange.app,
        run_id=exchange.run_id,
        metadata={"round": exchange.identity, "request_id": exchange.request_id},
        source="extracted",
        in_session=in_session,
        categories=list(categories),
        confidence=confidence,
        slot=slot,
        source_ids=list(source_ids),
        created_at=exchange.at,
        derived_at=derived_at,
    )

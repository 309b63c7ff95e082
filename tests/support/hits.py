"""Hits to rank and to render."""

from typing import Any

from memory.model import Hit, content_hash
from memory.retrieval.ranked import Ranked
from tests.support.services import START


def a_hit(id: int, content: str = "something", **given: Any) -> Hit:
    fields: dict[str, Any] = {
        "type": "semantic",
        "owner": "u:ada",
        "namespace": "default",
        "run_id": None,
        "seq": None,
        "role": None,
        "confidence": 1.0,
        "created_at": START,
        "happened_at": START,
        "accessed_at": START,
        "access_count": 0,
        "content_hash": content_hash(content),
    }
    return Hit(id=id, content=content, **fields | given)


def a_turn(seq: int, content: str = "something", run_id: str = "session", **given: Any) -> Hit:
    return a_hit(given.pop("id", seq), content, type="episodic", run_id=run_id, seq=seq, **given)


def ranked(hit: Hit, score: float) -> Ranked:
    return Ranked(hit, score)

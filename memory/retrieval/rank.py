"""From the hits of a query to a ranked list whose every score explains itself."""

from collections.abc import Iterable, Sequence

from config.settings import Retrieval
from memory.model import Hit
from memory.retrieval import signals
from memory.retrieval.ranked import Ranked, Steer
from memory.retrieval.words import telling

_WITNESSES = 3
"""How many of the best hits are read for `signals.certainty`."""


def rank(
    hits: Sequence[Hit], query: str, weights: Retrieval, *, now: int, steer: Steer, min_score: float = 0.0
) -> list[Ranked]:
    """Best first, ties by id (the newer first), equal texts once, nothing below `min_score`.

    A hit's own evidence is vector and text by their weights; its session, its neighbours and the time that the query
    names add to that. What speaker, kind, recency, frequency and confidence say raises it in proportion, so that none
    of them makes an irrelevant memory relevant. The best hit's score is the certainty that memory has anything to say
    to the query; the others stand to it as their sums do.
    """
    evidence = own_evidence(hits, weights)
    parts = _contributions(hits, query, weights, evidence, now=now, steer=steer)
    raw = [sum(column) for column in zip(*parts.values(), strict=True)]
    best = max(raw, default=0.0)
    if best <= 0:
        scale = 0.0
    else:
        witnesses = sorted(range(len(hits)), key=lambda at: (-evidence[at], -hits[at].id))[:_WITNESSES]
        scale = signals.certainty(hits, telling(query), witnesses) / best
    order = sorted(range(len(hits)), key=lambda at: (-raw[at], -hits[at].id))
    ranked = []
    for at in _distinct(hits, order):
        score = min(max(raw[at] * scale, 0.0), 1.0)
        if score < min_score:
            break
        reasons = {name: part[at] * scale for name, part in parts.items() if part[at]}
        ranked.append(Ranked(hits[at], score, reasons))
    return ranked


def own_evidence(hits: Sequence[Hit], weights: Retrieval) -> list[float]:
    """What vector and text say of each hit by itself, in 0..1."""
    total = weights.vector_weight + weights.text_weight
    if total == 0:
        return [0.0] * len(hits)
    share = weights.vector_weight / total
    return [
        share * near + (1 - share) * worded
        for near, worded in zip(signals.vector(hits), signals.text(hits), strict=True)
    ]


def _contributions(
    hits: Sequence[Hit], query: str, weights: Retrieval, evidence: Sequence[float], *, now: int, steer: Steer
) -> dict[str, list[float]]:
    """What each signal adds to each hit, before scaling."""
    total = (weights.vector_weight + weights.text_weight) or 1.0
    parts = {
        "vector": _times(weights.vector_weight / total, signals.vector(hits)),
        "text": _times(weights.text_weight / total, signals.text(hits)),
        "session": _times(weights.session_weight, signals.session(hits, evidence)),
        "neighbours": _times(weights.neighbour_weight, signals.neighbours(hits, evidence)),
    }
    relevance = [sum(column) for column in zip(*parts.values(), strict=True)]
    # Reading an old memory, or asking for what is new, says something about relevant memories only.
    newest = 2.0 if steer.newest else 1.0
    parts["question"] = _times(-weights.question_weight, signals.question(hits), evidence)
    parts["speaker"] = _times(weights.speaker_weight, signals.speaker(hits, query), relevance)
    parts["kind"] = _times(weights.kind_weight, signals.kind(hits, steer.kinds), relevance)
    parts["recency"] = _times(newest * weights.recency_weight, signals.recency(hits, now), relevance)
    parts["frequency"] = _times(weights.frequency_weight, signals.frequency(hits), relevance)
    parts["confidence"] = _times(weights.confidence_weight, signals.confidence(hits), relevance)
    parts["time"] = _times(weights.time_weight, signals.happened(hits, steer.happened))
    return parts


def _times(weight: float, signal: Sequence[float], relevance: Sequence[float] | None = None) -> list[float]:
    if relevance is None:
        return [weight * value for value in signal]
    return [weight * value * factor for value, factor in zip(signal, relevance, strict=True)]


def _distinct(hits: Sequence[Hit], order: Iterable[int]) -> Iterable[int]:
    """`order` without the hits whose text a better one has."""
    seen: set[str] = set()
    for at in order:
        text = hits[at].content_hash
        if not text or text not in seen:
            seen.add(text)
            yield at

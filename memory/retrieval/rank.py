"""From the hits of a query to a ranked list whose every score explains itself."""

import numpy as np

from config.settings import Retrieval
from memory.hits import Hits
from memory.retrieval import signals
from memory.retrieval.distinct import distinct, spread
from memory.retrieval.ranked import Ranked, Steer
from memory.retrieval.signals import Signal, Words
from memory.retrieval.times import asks_when
from memory.retrieval.words import Wanted

_WITNESSES = 3
"""How many of the best hits are read for `signals.certainty`."""

_NOTHING = 1e-100
"""Weights so small that a share of their sum is no number any more count for nothing."""


def rank(
    hits: Hits, wanted: Wanted, weights: Retrieval, *, now: int, steer: Steer, min_score: float = 0.0
) -> list[Ranked]:
    """Best first, ties by id (the newer first), each utterance once, nothing below `min_score`.

    A hit's own evidence is vector, text and words by their weights; its session, its neighbours and the time that the
    query names add to that. What speaker, kind, recency, frequency and confidence say raises it in proportion, so
    that none of them makes an irrelevant memory relevant. The best hit's score is the certainty that memory has
    anything to say to the query; the others stand to it as their sums do. What says just what the query says is the
    best of all, unless that is a question: asked again, it wants its answer.
    """
    if not hits:
        return []
    hits = hits.by_id()  # in one order, whatever the engine's, so that sums round alike
    words = signals.words_of(hits, wanted)
    given = _signals(hits, wanted.query, words, weights, now=now, steer=steer)
    names, shares = tuple(given), np.array(list(given.values()))
    raw = shares.sum(axis=0)
    order = best_first(hits, raw)
    best = float(raw[order[0]])
    scale = signals.certainty(hits, words, order[:_WITNESSES]) / best if best > _NOTHING else 0.0
    scores = np.clip(raw * scale, 0.0, 1.0).tolist()
    scaled = list(shares.T * scale)
    memories = hits.memories
    ranked = [
        Ranked(memories[at], scores[at], names, scaled[at]) for at in distinct(hits, order) if scores[at] >= min_score
    ]
    if weights.diversity:
        return [one for one in spread(ranked, weights.diversity) if one.score >= min_score]
    return ranked


def own_evidence(hits: Hits, wanted: Wanted, weights: Retrieval) -> Signal:
    """What each hit says by itself, its session left aside: vector, text and words, in 0..1."""
    near, texted, worded = _own(hits, signals.words_of(hits, wanted), weights)
    return near + texted + worded


def best_first(hits: Hits, scores: Signal) -> list[int]:
    """The places in `hits` by falling score, ties by id, the newer first."""
    order: list[int] = np.lexsort((-hits.ids, -scores)).tolist()
    return order


def _own(hits: Hits, words: Words, weights: Retrieval) -> tuple[Signal, Signal, Signal]:
    total = (weights.vector_weight + weights.text_weight + weights.words_weight) or 1.0
    return (
        weights.vector_weight / total * signals.vector(hits),
        weights.text_weight / total * signals.text(hits),
        weights.words_weight / total * signals.words(hits, words),
    )


def _signals(hits: Hits, query: str, words: Words, weights: Retrieval, *, now: int, steer: Steer) -> dict[str, Signal]:
    """What each signal adds to each hit, before scaling."""
    near, texted, worded = _own(hits, words, weights)
    evidence = near + texted + worded
    turns, questions = signals.turns_of(hits), signals.question(hits)
    session = weights.session_weight * signals.session(turns, evidence, words)
    around = weights.neighbour_weight * signals.neighbours(turns, evidence)
    answers = weights.answer_weight * signals.answer(turns, evidence, questions)
    relevance = evidence + session + around + answers
    given = {
        "vector": near,
        "text": texted,
        "words": worded,
        "session": session,
        "neighbours": around,
        "answer": answers,
        "question": -weights.question_weight * questions * evidence,
        "speaker": weights.speaker_weight * signals.speaker(hits, query) * relevance,
        "recency": (2 if steer.newest else 1) * weights.recency_weight * signals.recency(hits, now) * relevance,
        "frequency": weights.frequency_weight * signals.frequency(hits) * relevance,
        "confidence": weights.confidence_weight * signals.confidence(hits) * relevance,
    }
    if steer.kinds:
        given["kind"] = weights.kind_weight * signals.kind(hits, steer.kinds) * relevance
    if steer.happened is not None:
        given["time"] = weights.time_weight * signals.happened(hits, steer.happened)
    if asks_when(query):
        given["dated"] = weights.dated_weight * signals.dated(hits) * relevance
    same = signals.exact(hits, query)
    if same.any() and (same := same * (1 - questions)).any():
        given["exact"] = weights.exact_weight * same * np.sum(list(given.values()), axis=0).max()
    return given

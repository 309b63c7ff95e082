"""What speaks for a hit. Each signal is a pure function over the hits of one query: one number per hit, in their
order.

All lie in 0..1, `neighbours` excepted; how much each counts is the affair of `config.settings.Retrieval`.
"""

import math
from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from memory.model import Hit, MemoryType, content_hash
from memory.retrieval.times import names_time
from memory.retrieval.words import Wanted, word_set

Signal = NDArray[np.float64]

NEIGHBOUR_SHARES = (1.0, 0.6, 0.35)
"""What a turn takes from one at distance 1, 2, 3 in its session, on each side."""

RECENCY_HALF_LIFE_MS = 30 * 24 * 3_600_000
_MANY_ACCESSES = 1000

# BM25's constants in both engines, and the weaker penalty of length that short turns call for.
_K1, _ENGINE_B, _B = 1.2, 0.75, 0.3

_CROWD = 64
_TOGETHER = 0.3

_ASKING = frozenset("?？؟")  # noqa: RUF001 - the question marks of Latin, CJK and Arabic text
_LONGEST_SPEAKER = 40
_NOBODY: frozenset[str] = frozenset()

_COSINE_NOTHING, _COSINE_CERTAIN = 0.15, 0.55

_SHARE_AT = np.array([0.0, *NEIGHBOUR_SHARES, 0.0])


def vector(hits: Sequence[Hit]) -> Signal:
    """Cosine similarity over the best of the query; 0 where the vector leg did not return the hit."""
    return _over_best(np.maximum(_column([hit.dense or 0.0 for hit in hits]), 0.0))


def text(hits: Sequence[Hit]) -> Signal:
    """BM25 over the best of the query; 0 where the text leg did not return the hit.

    The engines divide by length with b = 0.75, made for documents. Among turns of conversation the longer ones tell
    more, so the score is brought to b = 0.3: exactly so for a word that occurs once, which in a turn is nearly every
    word.
    """
    scores = _column([hit.text or 0.0 for hit in hits])
    found = scores > 0
    if not found.any():
        return scores
    length = _lengths(hits)
    length /= length[found].mean()
    return _apart(_over_best(scores * _short(length, _ENGINE_B) / _short(length, _B)))


class Words(Struct, frozen=True):
    """Which words of the query stand in which hits."""

    held: NDArray[np.float64]
    """As `Wanted.held`."""
    rarity: NDArray[np.float64]
    """What each word tells: the fewer hits hold it, the more. Robertson's inverse document frequency, with the hits
    for documents."""


def words_of(hits: Sequence[Hit], wanted: Wanted) -> Words:
    held = wanted.held(hits)
    holders = held.sum(axis=1)
    rarity = np.log1p((len(hits) - holders + 0.5) / (holders + 0.5))
    return Words(held, np.where(holders > 0, rarity, 0.0))


def words(hits: Sequence[Hit], given: Words) -> Signal:
    """The query's words that the hit holds, by their rarity among the hits, over the best.

    The engines weigh a word by its rarity in the whole store; among the memories of one user the name of a friend,
    rare elsewhere, may stand in every other turn. This also knows the hits that the text leg did not return.
    """
    length = _lengths(hits)
    return _apart(_over_best(given.rarity @ given.held / _short(length / length.mean(), _B)))


class Turns(Struct, frozen=True):
    """The hits as the turns of their sessions, for the signals that come from one turn to another."""

    inside: NDArray[np.bool_]
    """Which hits are turns at all; the others belong to no session or have no place in it."""
    sessions: NDArray[np.intp]
    """A number below that of the hits for each session; a hit that is no turn has one of its own."""
    numbers: NDArray[np.int64]
    """`seq`; unique in a session."""
    order: NDArray[np.intp]
    """The places of the hits, session by session, in the order of their turns."""


def turns_of(hits: Sequence[Hit]) -> Turns:
    inside = np.array([hit.run_id is not None and hit.seq is not None for hit in hits], np.bool_)
    seen: dict[object, int] = {}
    keys = (hit.id if hit.run_id is None or hit.seq is None else (hit.namespace, hit.owner, hit.run_id) for hit in hits)
    sessions = np.fromiter((seen.setdefault(key, len(seen)) for key in keys), np.intp, len(hits))
    numbers = np.fromiter((hit.seq or 0 for hit in hits), np.int64, len(hits))
    return Turns(inside, sessions, numbers, np.lexsort((numbers, sessions)))


def session(turns: Turns, evidence: Signal, given: Words) -> Signal:
    """What the hit's session says of the query: for the most part its best turn, for the rest the words that all its
    hits hold together, since a session that speaks of the matter does so in more than one turn. A memory outside of
    any session is one by itself."""
    best = np.zeros(len(evidence))
    np.maximum.at(best, turns.sessions, evidence)
    held = np.zeros_like(given.held.T)
    np.maximum.at(held, turns.sessions, given.held.T)
    together = _over_best(held @ given.rarity)
    return ((1 - _TOGETHER) * best + _TOGETHER * together)[turns.sessions]


def neighbours(turns: Turns, evidence: Signal) -> Signal:
    """The evidence of the turns around it, summed by NEIGHBOUR_SHARES: an answer shares no words with the question,
    the turn before it does. A memory outside of any session, which has to be understood by itself, is its own
    neighbour."""
    sums = np.where(turns.inside, 0.0, evidence)
    # Turns are numbered without repetition, so one within a distance of three is one of the next three in order.
    for step in range(1, min(len(NEIGHBOUR_SHARES) + 1, len(evidence))):
        one, other = turns.order[:-step], turns.order[step:]
        distance = np.minimum(np.maximum(turns.numbers[other] - turns.numbers[one], 0), len(NEIGHBOUR_SHARES) + 1)
        share = np.where(turns.sessions[one] == turns.sessions[other], _SHARE_AT[distance], 0.0)
        sums[one] += share * evidence[other]
        sums[other] += share * evidence[one]
    return sums


def answer(turns: Turns, evidence: Signal, questions: Signal) -> Signal:
    """The evidence of the turn before, where that is one of the `questions`: it has the words of the query, and this
    turn what the query is after."""
    given = np.zeros(len(evidence))
    one, other = turns.order[:-1], turns.order[1:]
    follows = (turns.sessions[one] == turns.sessions[other]) & (turns.numbers[other] - turns.numbers[one] == 1)
    given[other] = np.where(follows, evidence[one] * questions[one], 0.0)
    return given


def speaker(hits: Sequence[Hit], query: str) -> Signal:
    """1 for what was said by someone the query names: the turn begins with the name and a colon."""
    named = word_set(query)
    return _column([not named.isdisjoint(_speaker_of(hit.content)) for hit in hits])


def question(hits: Sequence[Hit]) -> Signal:
    """1 for a turn that ends in asking: it shares the words of a query that its answer answers."""
    return _column([hit.type == "episodic" and hit.content.rstrip()[-1:] in _ASKING for hit in hits])


def happened(hits: Sequence[Hit], span: tuple[int, int]) -> Signal:
    """1 for what happened in the time that the query names."""
    start, end = span
    return _column([start <= hit.happened_at <= end for hit in hits])


def dated(hits: Sequence[Hit]) -> Signal:
    """1 for what itself names a time: an answer to the question when."""
    return _column([names_time(hit.content) for hit in hits])


def exact(hits: Sequence[Hit], query: str) -> Signal:
    """1 for what says just what the query says, case and white space aside."""
    told = content_hash(query)
    return _column([hit.content_hash == told for hit in hits])


def kind(hits: Sequence[Hit], kinds: Collection[MemoryType]) -> Signal:
    """1 for a memory of a kind that the query asks for."""
    return _column([hit.type in kinds for hit in hits])


def recency(hits: Sequence[Hit], now: int) -> Signal:
    """Halves every 30 days since it happened; reading a memory does not make it younger."""
    age = np.maximum(now - _column([hit.happened_at for hit in hits]), 0.0)
    return np.exp2(-age / RECENCY_HALF_LIFE_MS)


def frequency(hits: Sequence[Hit]) -> Signal:
    """How often it was asked for, on a logarithmic scale that ends at a thousand times."""
    accesses = _column([hit.access_count for hit in hits])
    return np.minimum(np.log1p(accesses) / math.log1p(_MANY_ACCESSES), 1.0)


def confidence(hits: Sequence[Hit]) -> Signal:
    return _column([hit.confidence for hit in hits])


def certainty(hits: Sequence[Hit], given: Words, best: Sequence[int]) -> float:
    """How sure it is that memory has anything to say to the query at all, for the whole query, in 0..1.

    Every other signal compares a query's hits with each other, and something is always the best of them. Here the
    nearest cosine counts on its own scale ([M] with the bundled model: among LoCoMo's turns, questions about other
    things find nothing beyond 0.37 in 95 of 100 cases, its own questions something beyond 0.43), or the share of the
    query's words that one of the `best` hits (by index) holds: the fewer words there are, the less that says.
    """
    nearest = max((hit.dense for hit in hits if hit.dense is not None), default=0.0)
    by_vector = (nearest - _COSINE_NOTHING) / (_COSINE_CERTAIN - _COSINE_NOTHING)
    held = float(given.held[:, best].sum(axis=0).max(initial=0.0))
    return min(max(by_vector, held / (len(given.held) + 1), 0.0), 1.0)


def _lengths(hits: Sequence[Hit]) -> Signal:
    return _column([len(hit.content) for hit in hits])


def _short(length: Signal, b: float) -> Signal:
    """What BM25 divides the score of a word by that occurs once; `length` is that of the text over the mean."""
    return 1 + _K1 * (1 - b + b * length)


def _column(values: list[float]) -> Signal:
    return np.array(values, np.float64)


def _over_best(scores: Signal) -> Signal:
    best = scores.max(initial=0.0)
    return scores / best if best > 0 else scores


def _apart(scores: Signal) -> Signal:
    """How far each of `scores` (0..1) stands out of the crowd: less what the one after the _CROWD best has, so that
    the many who share the query's commonest word lend nothing to their neighbours and sessions."""
    if len(scores) <= _CROWD:
        return scores
    crowd = np.partition(scores, len(scores) - _CROWD - 1)[len(scores) - _CROWD - 1]
    return _over_best(np.maximum(scores - crowd, 0.0))


def _speaker_of(content: str) -> frozenset[str]:
    colon = content.find(":", 0, _LONGEST_SPEAKER)
    return _name(content[:colon]) if colon > 0 else _NOBODY


@lru_cache(maxsize=4096)
def _name(text: str) -> frozenset[str]:
    return word_set(text)

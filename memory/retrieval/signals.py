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

from memory.hits import Hits
from memory.model import Hit, MemoryType, content_hash
from memory.retrieval.times import names_time
from memory.retrieval.words import Wanted, word_set
from memory.tables import Table, objects

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


def vector(hits: Hits) -> Signal:
    """Cosine similarity over the best of the query; 0 where the vector leg did not return the hit."""
    return _over_best(np.fmax(hits.dense, 0.0))


def text(hits: Hits) -> Signal:
    """BM25 over the best of the query; 0 where the text leg did not return the hit.

    The engines divide by length with b = 0.75, made for documents. Among turns of conversation the longer ones tell
    more, so the score is brought to b = 0.3: exactly so for a word that occurs once, which in a turn is nearly every
    word.
    """
    scores = np.fmax(hits.text, 0.0)
    found = scores > 0
    count = np.count_nonzero(found)
    if count == 0:
        return scores
    length = hits.column(_lengths)
    length = length * (count / (length @ found))
    return _apart(_over_best(scores * _short(length, _ENGINE_B) / _short(length, _B)))


class Words(Struct, frozen=True):
    """Which words of the query stand in which hits."""

    held: NDArray[np.float64]
    """As `Wanted.held`."""
    rarity: NDArray[np.float64]
    """What each word tells: the fewer hits hold it, the more. Robertson's inverse document frequency, with the hits
    for documents."""


def words_of(hits: Hits, wanted: Wanted) -> Words:
    held = wanted.held(hits)
    holders = held.sum(axis=1)
    rarity = np.log1p((len(hits) - holders + 0.5) / (holders + 0.5))
    return Words(held, rarity * (holders > 0))


def words(hits: Hits, given: Words) -> Signal:
    """The query's words that the hit holds, by their rarity among the hits, over the best.

    The engines weigh a word by its rarity in the whole store; among the memories of one user the name of a friend,
    rare elsewhere, may stand in every other turn. This also knows the hits that the text leg did not return.
    """
    return _apart(_over_best(given.rarity @ given.held / hits.once(_shortness)))


class Turns(Struct, frozen=True):
    """The hits session by session, in the order of their turns, for the signals that come from one turn to another."""

    places: NDArray[np.intp]
    """Of the hits, in that order; so are the others."""
    outside: NDArray[np.bool_]
    """Which belong to no session, or have no place in it; they are one by themselves."""
    firsts: NDArray[np.intp]
    """Where each session begins."""
    sessions: NDArray[np.intp]
    """The session of each, counted from 0."""
    shares: list[Signal]
    """What one takes from the next, from the next but one …: NEIGHBOUR_SHARES by their distance in the session."""
    next: NDArray[np.bool_]
    """Which follow on the one before them at once."""

    def to_hits(self, values: Signal) -> Signal:
        """`values` in the order of the hits."""
        signal = np.empty_like(values)
        signal[self.places] = values
        return signal


def turns_of(hits: Hits) -> Turns:
    return hits.once(_turns)


def _turns(hits: Hits) -> Turns:
    numbers, sessions = hits.column(_numbers), hits.column(_sessions)
    places = np.lexsort((numbers, sessions))
    numbers, sessions = numbers[places], sessions[places]
    # Turns are numbered without repetition, so one within a distance of three is one of the next three in order.
    steps = range(1, min(len(NEIGHBOUR_SHARES) + 1, len(hits)))
    distances = [np.where(sessions[step:] == sessions[:-step], numbers[step:] - numbers[:-step], 0) for step in steps]
    first = np.ones(1, np.bool_)
    begins = np.concatenate((first, sessions[1:] != sessions[:-1]))
    return Turns(
        places=places,
        outside=numbers < 0,
        firsts=begins.nonzero()[0],
        sessions=begins.cumsum() - 1,
        shares=[_SHARE_AT.take(distance, mode="clip") for distance in distances],
        next=np.concatenate((~first, *(distance == 1 for distance in distances[:1]))),
    )


def session(turns: Turns, evidence: Signal, given: Words) -> Signal:
    """What the hit's session says of the query: for the most part its best turn, for the rest the words that all its
    hits hold together, since a session that speaks of the matter does so in more than one turn. A memory outside of
    any session is one by itself."""
    best = np.maximum.reduceat(evidence[turns.places], turns.firsts)
    held = np.maximum.reduceat(given.held[:, turns.places], turns.firsts, axis=1)
    said = (1 - _TOGETHER) * best + _TOGETHER * _over_best(given.rarity @ held)
    return turns.to_hits(said[turns.sessions])


def neighbours(turns: Turns, evidence: Signal) -> Signal:
    """The evidence of the turns around it, summed by NEIGHBOUR_SHARES: an answer shares no words with the question,
    the turn before it does. A memory outside of any session, which has to be understood by itself, is its own
    neighbour."""
    evidence = evidence[turns.places]
    sums = evidence * turns.outside
    for step, share in enumerate(turns.shares, 1):
        sums[:-step] += share * evidence[step:]
        sums[step:] += share * evidence[:-step]
    return turns.to_hits(sums)


def answer(turns: Turns, evidence: Signal, questions: Signal) -> Signal:
    """The evidence of the turn before, where that is one of the `questions`: it has the words of the query, and this
    turn what the query is after."""
    asked = (evidence * questions)[turns.places]
    given = np.zeros_like(asked)
    given[1:] = asked[:-1] * turns.next[1:]
    return turns.to_hits(given)


def speaker(hits: Hits, query: str) -> Signal:
    """1 for what was said by someone the query names: the turn begins with the name and a colon."""
    named = word_set(query)
    if all(named.isdisjoint(table.once(_all_speakers, table)) for table in hits.tables):
        return np.zeros(len(hits))
    return np.array([not named.isdisjoint(words) for words in hits.column(_speakers).tolist()], np.float64)


def question(hits: Hits) -> Signal:
    """1 for a turn that ends in asking: it shares the words of a query that its answer answers."""
    return hits.column(_questions)


def happened(hits: Hits, span: tuple[int, int]) -> Signal:
    """1 for what happened in the time that the query names."""
    start, end = span
    at = hits.column(_happened)
    return ((start <= at) & (at <= end)).astype(np.float64)


def dated(hits: Hits) -> Signal:
    """1 for what itself names a time: an answer to the question when."""
    return hits.column(_dated)


def exact(hits: Hits, query: str) -> Signal:
    """1 for what says just what the query says, case and white space aside."""
    return np.asarray(hits.column(_content_hashes) == hash(content_hash(query)), np.float64)


def kind(hits: Hits, kinds: Collection[MemoryType]) -> Signal:
    """1 for a memory of a kind that the query asks for."""
    return np.array([of in kinds for of in hits.column(_kinds).tolist()], np.float64)


def recency(hits: Hits, now: int) -> Signal:
    """Halves every 30 days since it happened; reading a memory does not make it younger."""
    fresh: Signal = np.exp2(np.minimum((hits.column(_happened) - now) / RECENCY_HALF_LIFE_MS, 0.0))
    return fresh


def frequency(hits: Hits) -> Signal:
    """How often it was asked for, on a logarithmic scale that ends at a thousand times."""
    return hits.column(_frequencies)


def confidence(hits: Hits) -> Signal:
    return hits.column(_confidences)


def certainty(hits: Hits, given: Words, best: Sequence[int]) -> float:
    """How sure it is that memory has anything to say to the query at all, for the whole query, in 0..1.

    Every other signal compares a query's hits with each other, and something is always the best of them. Here the
    nearest cosine counts on its own scale ([M] with the bundled model: among LoCoMo's turns, questions about other
    things find nothing beyond 0.37 in 95 of 100 cases, its own questions something beyond 0.43), or the share of the
    query's words that one of the `best` hits (by index) holds: the fewer words there are, the less that says.
    """
    nearest = float(np.fmax.reduce(hits.dense, initial=0.0))
    by_vector = (nearest - _COSINE_NOTHING) / (_COSINE_CERTAIN - _COSINE_NOTHING)
    held = float(given.held[:, best].sum(axis=0).max(initial=0.0))
    return min(max(by_vector, held / (len(given.held) + 1), 0.0), 1.0)


def _shortness(hits: Hits) -> Signal:
    length = hits.column(_lengths)
    return _short(length / (length.sum() / len(length)), _B)


def _short(length: Signal, b: float) -> Signal:
    """What BM25 divides the score of a word by that occurs once; `length` is that of the text over the mean."""
    return (1 + _K1 * (1 - b)) + (_K1 * b) * length


def _over_best(scores: Signal) -> Signal:
    best = np.maximum.reduce(scores, initial=0.0)
    return scores / best if best > 0 else scores


def _apart(scores: Signal) -> Signal:
    """How far each of `scores` (0..1) stands out of the crowd: less what the one after the _CROWD best has, so that
    the many who share the query's commonest word lend nothing to their neighbours and sessions."""
    if len(scores) <= _CROWD:
        return scores
    crowd = np.partition(scores, len(scores) - _CROWD - 1)[len(scores) - _CROWD - 1]
    return _over_best(np.maximum(scores - crowd, 0.0))


# What is read off memories whatever the query: see `memory.tables`.


def _lengths(hits: Sequence[Hit]) -> Signal:
    return np.array([len(hit.content) for hit in hits], np.float64)


def _numbers(hits: Sequence[Hit]) -> NDArray[np.int64]:
    return np.array([-1 if hit.run_id is None or hit.seq is None else hit.seq for hit in hits], np.int64)


def _sessions(hits: Sequence[Hit]) -> NDArray[np.int64]:
    """The same for the turns of one session, and for no two others."""
    keys = (hit.id if hit.run_id is None or hit.seq is None else (hit.namespace, hit.owner, hit.run_id) for hit in hits)
    return np.fromiter(map(hash, keys), np.int64, len(hits))


def _speakers(hits: Sequence[Hit]) -> NDArray[np.object_]:
    return objects([_speaker_of(hit.content) for hit in hits])


def _all_speakers(table: Table) -> frozenset[str]:
    return frozenset().union(*table.column(_speakers).tolist())


def _questions(hits: Sequence[Hit]) -> Signal:
    return np.array([hit.type == "episodic" and hit.content.rstrip()[-1:] in _ASKING for hit in hits], np.float64)


def _happened(hits: Sequence[Hit]) -> Signal:
    return np.array([hit.happened_at for hit in hits], np.float64)


def _dated(hits: Sequence[Hit]) -> Signal:
    return np.array([names_time(hit.content) for hit in hits], np.float64)


def _content_hashes(hits: Sequence[Hit]) -> NDArray[np.int64]:
    return np.array([hash(hit.content_hash) for hit in hits], np.int64)


def _kinds(hits: Sequence[Hit]) -> NDArray[np.object_]:
    return objects([hit.type for hit in hits])


def _frequencies(hits: Sequence[Hit]) -> Signal:
    accesses = np.array([hit.access_count for hit in hits], np.float64)
    return np.minimum(np.log1p(accesses) / math.log1p(_MANY_ACCESSES), 1.0)


def _confidences(hits: Sequence[Hit]) -> Signal:
    return np.array([hit.confidence for hit in hits], np.float64)


def _speaker_of(content: str) -> frozenset[str]:
    colon = content.find(":", 0, _LONGEST_SPEAKER)
    return _name(content[:colon]) if colon > 0 else _NOBODY


@lru_cache(maxsize=4096)
def _name(text: str) -> frozenset[str]:
    return word_set(text)

"""What speaks for a hit. Each signal is a pure function over the hits of one query: one number per hit, in their
order.

All lie in 0..1, `neighbours` excepted; how much each counts is the affair of `config.settings.Retrieval`.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from memory.model import Hit, MemoryType
from memory.retrieval.words import word_set

NEIGHBOUR_SHARES = (1.0, 0.6, 0.35)
"""What a turn takes from one at distance 1, 2, 3 in its session, on each side."""

RECENCY_HALF_LIFE_MS = 30 * 24 * 3_600_000
_MANY_ACCESSES = 1000

# BM25's constants in both engines, and the weaker penalty of length that short turns call for.
_K1, _ENGINE_B, _B = 1.2, 0.75, 0.3

_LONGEST_SPEAKER = 40


def vector(hits: Sequence[Hit]) -> list[float]:
    """Cosine similarity over the best of the query; 0 where the vector leg did not return the hit."""
    return _over_best([max(hit.dense or 0.0, 0.0) for hit in hits])


def text(hits: Sequence[Hit]) -> list[float]:
    """BM25 over the best of the query; 0 where the text leg did not return the hit.

    The engines divide by length with b = 0.75, made for documents. Among turns of conversation the longer ones tell
    more, so the score is brought to b = 0.3: exactly so for a word that occurs once, which in a turn is nearly every
    word.
    """
    lengths = [len(hit.content) for hit in hits if hit.text]
    if not lengths:
        return [0.0] * len(hits)
    mean = sum(lengths) / len(lengths)
    scores = []
    for hit in hits:
        if not hit.text:
            scores.append(0.0)
            continue
        length = len(hit.content) / mean
        engine = 1 + _K1 * (1 - _ENGINE_B + _ENGINE_B * length)
        scores.append(hit.text * engine / (1 + _K1 * (1 - _B + _B * length)))
    return _over_best(scores)


def session(hits: Sequence[Hit], evidence: Sequence[float]) -> list[float]:
    """The best evidence in the hit's session: a session that speaks of the matter does so in more than one turn. A
    memory outside of any session is one by itself."""
    best: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    for hit, weight in zip(hits, evidence, strict=True):
        if hit.run_id is not None and hit.seq is not None:
            key = (hit.namespace, hit.owner, hit.run_id)
            best[key] = max(best[key], weight)
    return [
        weight if hit.run_id is None or hit.seq is None else best[hit.namespace, hit.owner, hit.run_id]
        for hit, weight in zip(hits, evidence, strict=True)
    ]


def neighbours(hits: Sequence[Hit], evidence: Sequence[float]) -> list[float]:
    """The evidence of the turns around it, summed by NEIGHBOUR_SHARES: an answer shares no words with the question,
    the turn before it does. A memory outside of any session, which has to be understood by itself, is its own
    neighbour."""
    at = {
        (hit.namespace, hit.owner, hit.run_id, hit.seq): weight
        for hit, weight in zip(hits, evidence, strict=True)
        if weight and hit.seq is not None
    }
    scores = []
    for hit, weight in zip(hits, evidence, strict=True):
        if hit.run_id is None or hit.seq is None:
            scores.append(weight)
            continue
        around = 0.0
        for distance, share in enumerate(NEIGHBOUR_SHARES, 1):
            before = at.get((hit.namespace, hit.owner, hit.run_id, hit.seq - distance), 0.0)
            after = at.get((hit.namespace, hit.owner, hit.run_id, hit.seq + distance), 0.0)
            around += share * (before + after)
        scores.append(around)
    return scores


def speaker(hits: Sequence[Hit], query: str) -> list[float]:
    """1 for what was said by someone the query names: the turn begins with the name and a colon."""
    named = word_set(query)
    return [1.0 if _speaker_of(hit.content) & named else 0.0 for hit in hits]


def question(hits: Sequence[Hit]) -> list[float]:
    """1 for a turn that ends in asking: it shares the words of a query that its answer answers."""
    return [1.0 if hit.type == "episodic" and hit.content.rstrip()[-1:] in _ASKING else 0.0 for hit in hits]


def happened(hits: Sequence[Hit], span: tuple[int, int] | None) -> list[float]:
    """1 for what happened in the time that the query names."""
    if span is None:
        return [0.0] * len(hits)
    start, end = span
    return [1.0 if start <= hit.happened_at <= end else 0.0 for hit in hits]


def kind(hits: Sequence[Hit], kinds: Collection[MemoryType]) -> list[float]:
    """1 for a memory of a kind that the query asks for."""
    return [1.0 if hit.type in kinds else 0.0 for hit in hits]


def recency(hits: Sequence[Hit], now: int) -> list[float]:
    """Halves every 30 days since it happened; reading a memory does not make it younger."""
    return [0.5 ** (max(now - hit.happened_at, 0) / RECENCY_HALF_LIFE_MS) for hit in hits]


def frequency(hits: Sequence[Hit]) -> list[float]:
    """How often it was asked for, on a logarithmic scale that ends at a thousand times."""
    top = math.log1p(_MANY_ACCESSES)
    return [min(math.log1p(hit.access_count) / top, 1.0) for hit in hits]


def confidence(hits: Sequence[Hit]) -> list[float]:
    return [hit.confidence for hit in hits]


def certainty(hits: Sequence[Hit], query: str, best: Iterable[int]) -> float:
    """How sure it is that memory has anything to say to the query at all, for the whole query.

    Every other signal compares a query's hits with each other, and something is always the best of them. Here the
    nearest cosine counts on its own scale (unrelated texts stay below 0.35, LoCoMo's questions reach 0.43 and more at
    95 % of them, with the bundled model [M]), or the share of the query's words that one of the `best` hits (by
    index) contains: the fewer words there are, the less that says.
    """
    nearest = max((hit.dense for hit in hits if hit.dense is not None), default=0.0)
    by_vector = (nearest - _COSINE_NOTHING) / (_COSINE_CERTAIN - _COSINE_NOTHING)
    wanted = {_stem(word) for word in word_set(query)}
    covered = max((len(wanted & {_stem(word) for word in word_set(hits[at].content)}) for at in best), default=0)
    by_text = covered / (len(wanted) + 1)
    return min(max(by_vector, by_text, 0.0), 1.0)


_ASKING = frozenset("?？؟")  # noqa: RUF001 - the question marks of Latin, CJK and Arabic text
_COSINE_NOTHING, _COSINE_CERTAIN = 0.15, 0.55
_STEM_LETTERS = 5


def _stem(word: str) -> str:
    return word[:_STEM_LETTERS]


def _speaker_of(content: str) -> frozenset[str]:
    colon = content.find(":", 0, _LONGEST_SPEAKER)
    return word_set(content[:colon]) if colon > 0 else frozenset()


def _over_best(scores: list[float]) -> list[float]:
    best = max(scores, default=0.0)
    return [score / best for score in scores] if best > 0 else scores

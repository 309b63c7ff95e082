"""Saying nothing twice: what is one utterance, and what says much the same. All pure."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from memory.hits import Hits
from memory.model import Hit
from memory.retrieval.ranked import Ranked
from memory.retrieval.words import word_set

_FILLERS = frozenset(("a", "an", "the", "oh", "just", "really", "actually", "please", "indeed"))
"""Words whose absence changes neither polarity, number, name nor person."""

_PARTING = re.compile(r"""(?<!\d)[.,:](?!\d)|(?<=\d)[.,:](?!\d)|[\s;!"\u201c\u201d\u201e«»…]+""")
"""What parts words and is none itself. Between digits, and before one, a point is part of the number."""

_END = 64
_SLACK = 12
_LONGEST_KEPT = 512
_CLOSING = ' \t\n.,:;!"\u201c\u201d\u201e«»…'


def essence(text: str) -> str:
    """What two texts share that are one utterance: the words in their order without articles and fillers, case and
    punctuation aside. A question mark, a sign, a number, a name or a "not" tells two apart."""
    words = _PARTING.sub(" ", text.replace("\u2019", "'").replace("?", " ? ")).split()
    # "vitamin A" is not vitamin; the first word is written large whatever it is.
    telling = [word for word in words[1:] if word not in _FILLERS]
    if words and words[0].lower() not in _FILLERS:
        telling.insert(0, words[0])
    return " ".join(telling or text.split()).casefold()


_kept_essence = lru_cache(maxsize=8192)(essence)
"""The same memories are found again and again. [M] 0.2 KB for a turn of twenty words, 2 MB in all."""


def _essence(text: str) -> str:
    return _kept_essence(text) if len(text) <= _LONGEST_KEPT else essence(text)


def distinct(hits: Hits, order: Sequence[int]) -> Sequence[int]:
    """`order` (places of `hits`, best first) without those that say what an earlier one says."""
    alike = hits.once(_alike)
    if not alike:
        return order
    told: dict[int, list[int]] = {}
    kept = []
    for at in order:
        if at in alike:
            length, lengths = len(hits.memories[at].content), told.setdefault(alike[at], [])
            if any(abs(length - other) <= _SLACK for other in lengths):
                continue
            lengths.append(length)
        kept.append(at)
    return kept


def _alike(hits: Hits) -> dict[int, int]:
    """Of those whose essence others have as well, the place of the first of these."""
    # One utterance ends in one word, so few texts have to be read whole.
    endings: list[int] = hits.column(_endings).tolist()
    common = Counter(endings)
    first: dict[tuple[int, str], int] = {}
    alike: dict[int, int] = {}
    for place, ending in enumerate(endings):
        if common[ending] > 1:
            one = first.setdefault((ending, _essence(hits.memories[place].content)), place)
            if one != place:
                alike[one] = alike[place] = one
    return alike


def _endings(hits: Sequence[Hit]) -> NDArray[np.int64]:
    """The same for all that end in one word."""
    return np.array([hash(_ending(hit.content[-_END:])) for hit in hits], np.int64)


def _ending(text: str) -> str:
    return (text.rstrip(_CLOSING).rsplit(None, 1) or [""])[-1].casefold()


def spread(ranked: Sequence[Ranked], diversity: float) -> list[Ranked]:
    """`ranked` by maximal marginal relevance (Carbonell and Goldstein 1998): each loses of its score `diversity` times
    the share of words that it has in common with the most alike of those before it."""
    if not ranked:
        return []
    alike = _alikeness([one.hit.content for one in ranked])
    scores = np.array([one.score for one in ranked])
    nearest = np.zeros(len(ranked))
    left = np.ones(len(ranked), np.bool_)
    order: list[Ranked] = []
    for _ in ranked:
        values = np.where(left, scores * (1 - diversity * nearest), -1.0)
        at = int(values.argmax())
        one, lost = ranked[at], float(scores[at] - values[at])
        order.append(
            structs.replace(
                one, score=one.score - lost, signals=(*one.signals, "diversity"), shares=np.append(one.shares, -lost)
            )
        )
        left[at] = False
        nearest = np.maximum(nearest, alike[at])
    return order


def _alikeness(texts: Sequence[str]) -> NDArray[np.float32]:
    """The Jaccard index of each two texts' words."""
    numbers: dict[str, int] = {}
    sets = [[numbers.setdefault(word, len(numbers)) for word in sorted(word_set(text))] for text in texts]
    held = np.zeros((len(texts), len(numbers)), np.float32)
    for row, words in enumerate(sets):
        held[row, words] = 1.0
    shared = held @ held.T
    sizes = held.sum(axis=1)
    alike: NDArray[np.float32] = shared / np.maximum(sizes[:, None] + sizes[None, :] - shared, 1.0)
    return alike

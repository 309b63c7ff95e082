"""The words of a query that tell memories apart."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from memory.engines.words import query_words
from memory.hits import Hits
from memory.model import Hit
from memory.retrieval.irregular import FORMS
from memory.tables import Table, joined

# English, because a small set decides much there ([M] 4 points of recall on LoCoMo); in other languages the text leg's
# own word statistics have to do.
_ENGLISH = """
    a about am an and any are as at be been being but by can could did do does doing done for from had has have
    having he her here hers him his how i if in into is it its itself just me might mine my myself no nor not of off
    on onto or our ours out over own s she should so some such t than that the their theirs them themselves then
    there these they this those through to too under until up upon us very was we were what when where which while
    who whom whose why will with would you your yours yourself d ll m re ve
"""
_FUNCTION_WORDS = frozenset(_ENGLISH.split())
_STEM_LETTERS = 6
_MOST_WORDS = 32
_ENDINGS = ("ing", "ed")
_SHORTEST_STEM = 3
_SHORT_STEM, _LONGEST_ENDING = 3, 3
_LONGEST_KEPT = 256
"""In characters."""
_UNSPACED = "\u0e01"
"""Thai, the first of the scripts without spaces (and of some with them): their words begin anywhere."""
_WORD = re.compile(r"[^\W_]+")


def telling(query: str) -> str:
    """`query` without the function words that nearly every memory shares; as it is where nothing else would be left."""
    words = [word for word in _WORD.findall(query) if word.lower() not in _FUNCTION_WORDS]
    return " ".join(words) or query


def beginnings(query: str) -> list[tuple[str, ...]]:
    """For each distinct telling word of `query`, case folded, what a word of a text begins with that is one of its
    forms; of a script without spaces the pairs of its characters. At most 32 words."""
    found = dict.fromkeys(begins for word in _WORD.findall(telling(query).casefold()) for begins in _begin(word))
    return list(found)[:_MOST_WORDS]


@lru_cache(maxsize=4096)
def _begin(word: str) -> list[tuple[str, ...]]:
    pairs = [] if word.isascii() else query_words(word)
    if len(pairs) > 1:
        return [(pair,) for pair in pairs]
    return [tuple(dict.fromkeys(_stem(form) for form in FORMS.get(word, (word,))))]


def holds(text: str, begins: Iterable[str]) -> bool:
    """Whether a word of `text` (case folded) begins with one of `begins`; after a short one only an ending may
    follow, so that a cat is no category."""
    return any(stem in text and _stands(text, stem) for stem in begins)


class Wanted:
    """The words of one query."""

    def __init__(self, query: str) -> None:
        self.query = query
        self._words = words = list(enumerate(beginnings(query)))
        self._spaced = [(row, hash(stem)) for row, begins in words if _spaced(begins) for stem in begins]
        self._unspaced = [(row, begins) for row, begins in words if not _spaced(begins)]
        self._read: dict[Table, NDArray[np.float64]] = {}

    def held(self, hits: Hits) -> NDArray[np.float64]:
        """1 where the word (row) stands in the hit (column), else 0."""
        held = joined([self._look(table).T for table in hits.tables])
        return held[hits.rows].T

    def _look(self, table: Table) -> NDArray[np.float64]:
        held = self._read.get(table)
        if held is None:
            held = self._read[table] = np.zeros((len(self._words), len(table.hits)))
            having = table.postings(_beginnings).of([stem for _, stem in self._spaced])
            for (row, _), places in zip(self._spaced, having, strict=True):
                held[row][places] = 1.0
            # A long text is quicker searched for some words than read for all of its own.
            self._search(held, table, table.column(_long).nonzero()[0].tolist(), self._words)
            if self._unspaced:
                self._search(held, table, range(len(table.hits)), self._unspaced)
        return held

    def _search(
        self,
        held: NDArray[np.float64],
        table: Table,
        places: Iterable[int],
        words: Iterable[tuple[int, tuple[str, ...]]],
    ) -> None:
        for place in places:
            folded = table.hits[place].content.casefold()
            for row, begins in words:
                held[row, place] = holds(folded, begins)


def _long(hits: Sequence[Hit]) -> NDArray[np.bool_]:
    return np.array([len(hit.content) > _LONGEST_KEPT for hit in hits], np.bool_)


def _beginnings(hit: Hit) -> NDArray[np.int64]:
    """The hashes of all spaced stems that its text holds; of a long one nothing."""
    return np.frombuffer(_beginnings_of(hit.content) if len(hit.content) <= _LONGEST_KEPT else b"", np.int64)


@lru_cache(maxsize=4096)
def _spaced(begins: tuple[str, ...]) -> bool:
    """Whether `_beginnings_of` a text tells if it holds one of `begins`."""
    return all(len(stem) <= _STEM_LETTERS and stem.isalnum() and stem[0] < _UNSPACED for stem in begins)


@lru_cache(maxsize=16_384)
def _beginnings_of(text: str) -> bytes:
    """The hashes of all spaced stems that `text` holds, eight bytes each. Kept, since the same memories are found again
    and again: [M] 0.5 KB for a turn of twenty words, 8 MB in all."""
    found = {
        word[:letters]
        for word in word_set(text)
        for letters in range(1, min(len(word), _STEM_LETTERS) + 1)
        if letters > _SHORT_STEM or len(word) - letters <= _LONGEST_ENDING
    }
    return np.fromiter(map(hash, found), np.int64, len(found)).tobytes()


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, case folded."""
    return frozenset(_WORD.findall(text.casefold()))


def _stem(word: str) -> str:
    """`word` without the commonest endings of English, cut to as many letters as its longer relatives share."""
    if word.endswith("ies") and len(word) > len("ies") + 1:
        return word[:-3][:_STEM_LETTERS]
    stem = word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > _SHORTEST_STEM else word
    for ending in _ENDINGS:
        if stem.endswith(ending) and len(stem) - len(ending) >= _SHORTEST_STEM:
            stem = stem[: -len(ending)]
            break
    if len(stem) > _SHORTEST_STEM and stem[-1] in "ey":
        stem = stem[:-1]
    if len(stem) > _SHORTEST_STEM and stem[-1] == stem[-2]:
        stem = stem[:-1]
    return stem[:_STEM_LETTERS]


def _stands(text: str, stem: str) -> bool:
    """Whether `stem`, which is in `text`, begins one of its words."""
    if len(stem) > _SHORT_STEM and f" {stem}" in text:
        return True
    at = text.find(stem)
    while at >= 0:
        if _begins(text, at, stem):
            return True
        at = text.find(stem, at + 1)
    return False


def _begins(text: str, at: int, stem: str) -> bool:
    if stem[0] >= _UNSPACED:
        return True
    if at > 0 and text[at - 1].isalnum():
        return False
    after = text[at + len(stem) : at + len(stem) + _LONGEST_ENDING + 1]
    return len(stem) > _SHORT_STEM or len(after) <= _LONGEST_ENDING or not after.isalnum()

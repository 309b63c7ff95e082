"""The words that the text leg of a search compares, and their stems, taken alike by both engines.

Case, width and accents are folded. A script that writes no spaces between words has no words to find without a
dictionary, so a run of it counts as its overlapping pairs, as in Lucene's CJKBigramFilter: `寿司屋` as `寿司 司屋`.
What is indexed has the single characters too, so that a question of one character finds them.
"""

import re
import unicodedata
from collections.abc import Iterator

import Stemmer

_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f]+")
"""Combining marks that many writers leave out: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowels."""

# Thai, Lao, Burmese, Khmer, kana, Han, Hangul (which has spaces, but glues its particles to the words).
_UNSPACED = (
    "\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u1049\u1780-\u17d3"
    "\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
    "\uac00-\ud7a3"
)
# The scripts of India, whose vowel signs are no letters to `re`; the two dandas between are full stops.
_INDIC = "\u0900-\u0963\u0966-\u0dff"
_TOKEN = re.compile(rf"(?P<run>[{_UNSPACED}]+)|(?:(?![{_UNSPACED}])[^\W_]|[{_INDIC}])+")
_ASCII_TOKEN = re.compile("[a-z0-9]+")
_PORTER = Stemmer.Stemmer("porter")


def indexed_words(text: str) -> str:
    """The words of what is to be found, joined by single spaces: letters and digits, nothing that any syntax knows."""
    return " ".join(_words(text, singles=True))


def query_words(text: str, limit: int = 64) -> list[str]:
    """The first `limit` distinct words of a question; empty where it has none."""
    distinct: dict[str, None] = {}
    for word in _words(text, singles=False):
        distinct[word] = None
        if len(distinct) == limit:
            break
    return list(distinct)


def stems(words: list[str]) -> list[str]:
    """By Porter's algorithm, as in SQLite's FTS5, which stems for itself.

    Redis could, too, but then each word of a query is a union of its forms, and a union beside a filter leaves some of
    them out of the score ([M] search module 2.10; its `search` scores word by word for the same reason).
    """
    stemmed: list[str] = _PORTER.stemWords(words)
    # Of a word of two letters this implementation may leave nothing at all; Porter left those alone.
    return [word if len(word) < 3 else stem for word, stem in zip(words, stemmed, strict=True)]


def query_stems(text: str) -> list[str]:
    """The distinct stems of `query_words`."""
    return list(dict.fromkeys(stems(query_words(text))))


def _words(text: str, *, singles: bool) -> Iterator[str]:
    if text.isascii():
        yield from _ASCII_TOKEN.findall(text.lower())
        return
    for match in _TOKEN.finditer(_fold(text)):
        word = match[0]
        if match.lastgroup is None:
            yield word
            continue
        if singles or len(word) == 1:
            yield from word
        yield from (word[at : at + 2] for at in range(len(word) - 1))


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))

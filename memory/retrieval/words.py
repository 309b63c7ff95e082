"""The words of a query that tell memories apart."""

import re

from memory.engines.words import query_words

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
_STEM_LETTERS = 5
_MOST_STEMS = 32
_WORD = re.compile(r"[^\W_]+")


def telling(query: str) -> str:
    """`query` without the function words that nearly every memory shares; as it is where nothing else would be left."""
    words = [word for word in _WORD.findall(query) if word.lower() not in _FUNCTION_WORDS]
    return " ".join(words) or query


def stems(query: str) -> list[str]:
    """What to look for in a text to see whether it holds a word of `query`, whatever its ending: the distinct
    beginnings of its telling words, case folded; of a script without spaces the pairs of its characters. At most
    32."""
    found: dict[str, None] = {}
    for word in _WORD.findall(telling(query).casefold()):
        pairs = [] if word.isascii() else query_words(word)
        found.update(dict.fromkeys(pairs if len(pairs) > 1 else [word[:_STEM_LETTERS]]))
    return list(found)[:_MOST_STEMS]


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, case folded."""
    return frozenset(_WORD.findall(text.casefold()))

"""The words of a query that tell memories apart."""

import re

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
_WORD = re.compile(r"[^\W_]+")


def telling(query: str) -> str:
    """`query` without the function words that nearly every memory shares; as it is where nothing else would be left."""
    words = [word for word in _WORD.findall(query) if word.lower() not in _FUNCTION_WORDS]
    return " ".join(words) or query


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, case folded."""
    return frozenset(_WORD.findall(text.casefold()))

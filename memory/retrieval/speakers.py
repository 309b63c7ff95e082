"""Who speaks in the turns of a conversation, and what a query says without their names."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memory.hits import Hits
from memory.model import Hit
from memory.retrieval.words import telling, word_set
from memory.tables import objects

_LONGEST_NAME, _MOST_NAMES = 40, 3
"""In characters, and in words."""

_LEAST_TURNS = 2
"""By so many turns a speaker is known: what stands before a single colon may be anything."""


def without_speakers(query: str, hits: Hits) -> str:
    """`query` without the names of those who speak in `hits`; as it is where it names none of them, or where nothing
    telling would be left.

    Every turn of a conversation may begin with who says it. In the embedding of a short one, the mean of its words,
    the name counts for more than what is said: of all that there is, "Maren: You too." would be the nearest to a
    question about Maren.
    """
    speakers = _speakers(hits)
    if not speakers:
        return query
    asked = word_set(telling(query))
    named = {word for word in asked if word in speakers or word.removesuffix("s") in speakers}
    if not named or named == asked:
        return query
    names = "|".join(map(re.escape, named))
    rest = re.sub(rf"\b(?:{names})\b(?:['\u2019]s\b)?", " ", query, flags=re.IGNORECASE)
    return " ".join(rest.split())


def _speakers(hits: Hits) -> set[str]:
    """The words of their names, case folded."""
    turns = Counter(filter(None, hits.column(_names).tolist()))
    names = [word_set(name) for name, count in turns.items() if count >= _LEAST_TURNS]
    return {word for name in names if len(name) <= _MOST_NAMES for word in name}


def _names(hits: Sequence[Hit]) -> NDArray[np.object_]:
    """With what each turn begins that may be the name of who says it; nothing where there is none."""
    colons = [hit.content.find(": ", 1, _LONGEST_NAME) if hit.type == "episodic" else -1 for hit in hits]
    return objects([hit.content[:colon] if colon > 0 else "" for hit, colon in zip(hits, colons, strict=True)])

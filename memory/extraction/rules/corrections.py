"""Setting right what was said before: "actually it's Porto, not Lisbon"."""

import re

from memory.extraction.facts import Correction

_VALUE = r"\w[\w'@.+:/-]*(?: [\w'@.+:/-]+){0,3}?"
_SAYING = r"(?:it is|it's|it was|that is|that's|(?:that|it) should be|I mean|I meant|make (?:that|it)) "
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<saying>{_SAYING})?(?P<right>{_VALUE}),? (?:and )?not (?P<wrong>{_VALUE})$",
        rf"(?P<saying>{_SAYING})?not (?P<wrong>{_VALUE})(?:,? but|, (?:it is|it's)|, rather) (?P<right>{_VALUE})$",
        rf"(?P<saying>it isn't|it is not|it's not) (?P<wrong>{_VALUE})(?:,? but|, (?:it is|it's)) (?P<right>{_VALUE})$",
    )
)
_NO_VALUE = re.compile(
    r"(?:I|my|you|we|they|it|that|this|the|an?|so|very|really|too|good|bad|is|are|am|do|now|yet)\b", re.IGNORECASE
)


def correction(sentence: str) -> Correction | None:
    """What `sentence` sets right; it must be known to correct something ("actually", "sorry", "no" before it)."""
    for pattern in _PATTERNS:
        match = pattern.match(sentence.rstrip(".! "))
        if match is None or _NO_VALUE.match(match["right"]) or _NO_VALUE.match(match["wrong"]):
            continue
        # Without "it is", only a name or a number is surely a value and no verb.
        if match["saying"] or match["right"][0].isupper() or match["right"][0].isdigit():
            return Correction(right=match["right"], wrong=match["wrong"])
    return None

"""Setting right what was said before ("actually it's Porto, not Lisbon") or taking it back ("just kidding")."""

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
_RETRACTION = re.compile(
    r"(?:(?:oh|ah|haha|well|ok|and|but|or|sorry|lol|hmm|[.\u2026]+)[,.]? )*"
    r"(?:(?:(?:just|only|I am|was) )*(?:kidding|joking)|jk|scratch that|(?:actually|wait|oh|no)[,.]? no|no[,.]? wait"
    r"|not(?=\W*$)|not really|never ?mind|(?:oops|no|wait|sorry|er+m*|um+|I)[,.]? (?:I )?(?:mean|meant)\b[^.!?]*"
    r"|(?:or )?rather\b[^.!?]*|(?:sorry|oops|wait|correction)[,.!:]+ (?!I\b|my\b)[^.!?]{1,30}"
    r"|well,? (?!I\b|my\b)[^.!?]{1,30} (?:really|actually|I guess|I suppose|sort of|kind of)"
    r"|(?:was|were|well|or)\b[^.!?]{1,60}\b(?:I should say|rather|I mean)|(?:was|were) an? [^.!?,]{1,40})(?=\W*$"
    r"|[,.!;:])",
    re.IGNORECASE,
)
_RETRACTED = re.compile(
    r"[,.\u2026] ?(?:not(?: really)?|never ?mind|scratch that|(?:actually,? )?no)\W*$", re.IGNORECASE
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


def retracts(part: str) -> bool:
    """ "Just kidding!", "not really": what was said just before does not hold."""
    return _RETRACTION.match(part) is not None


def retracts_itself(clause: str) -> bool:
    """ "I live in Porto, not really"."""
    return _RETRACTED.search(clause) is not None

"""A line into sentences, a sentence into clauses that each stand alone."""

import re
from collections.abc import Iterator

from memory.extraction.words import words

_END = re.compile(r"(?<![.!?…])(?:[.!?…]++[\"')\]]*+(?=\s)|[!?]++(?=[A-Z]))")
_ABBREVIATIONS = words(
    "e.g i.e mr mrs ms dr prof st vs etc approx no inc"
    " ltd co corp jr sr u.s u.k a.m p.m z.b usw bzw sra dra mme jan feb mar apr jun"
    " jul aug sep sept oct nov dec fig est dept"
)
_CONTRACTED = (
    (re.compile(r"\b[iI](?='(?:m|ve|ll|d)\b|\s|$)"), "I"),
    (re.compile(r"^[iI]m\b"), "I am"),
    (re.compile(r"\b([mM]y [\w' -]{0,20}?name)'s (?=[A-Z])"), r"\1 is "),
    (re.compile(r"^[iI]ve\b"), "I have"),
    (
        re.compile(r"(?<![\w'])[iI]m (?=(?:an?|the|not|from|so|really|now|also|allergic|\d+|[a-z]+(?:ing|ian|ed))\b)"),
        "I am ",
    ),
    (re.compile(r"\bI'm\b", re.IGNORECASE), "I am"),
    (re.compile(r"\bI haven't got (?!to\b)", re.IGNORECASE), "I don't have "),
    (re.compile(r"\bI've got\b(?! to\b)", re.IGNORECASE), "I have"),
    (re.compile(r"\bfav(?:e|s)?\b", re.IGNORECASE), "favourite"),
    (re.compile(r"\b(?:pls|plz)\b", re.IGNORECASE), "please"),
    (re.compile(r"\brly\b", re.IGNORECASE), "really"),
    (
        re.compile(r"^([mM]y (?:\w+ ){0,2}\w+)'s (?=(?:on|an?|called|named|from|allergic|vegan|vegetarian|\d+) )"),
        r"\1 is ",
    ),
    (re.compile(r"\bI've\b", re.IGNORECASE), "I have"),
    (re.compile(r"\b(do|ca|does|did|wo|is|are|was|have|has)nt\b", re.IGNORECASE), r"\1n't"),
    (re.compile(r"[\u2600-\u27bf\U0001F000-\U0001FAFF\ufe0f]+|(?:(?<=\s)|^)[:;=]-?[()DPp3/]+(?=\s|$)"), ""),
    (re.compile(r"\s+"), " "),
    (
        re.compile(r"^((?:from now on|from here on|in (?:the )?future|going forward)), (?=please\b)", re.IGNORECASE),
        r"\1 ",
    ),
    # What counts is where one lives now, not that the move is just over.
    (re.compile(r"^I have ((?:\w+ly |just |now |already )*)(?=(?:moved|relocated)\b)"), r"I \1"),
)


def sentences(line: str) -> Iterator[str]:
    """Each with its final mark. Decimals, URLs, initials and common abbreviations end none."""
    start = 0
    for end in _END.finditer(line):
        if end[0][0] == "." and len(end[0]) == 1 and _abbreviated(line[start : end.start()]):
            continue
        yield line[start : end.end()].strip()
        start = end.end()
    if rest := line[start:].strip():
        yield rest


def plain(sentence: str) -> str:
    """One spelling of "I", of its contractions and of white space."""
    for pattern, replacement in _CONTRACTED:
        sentence = pattern.sub(replacement, sentence)
    return sentence.strip()


def _abbreviated(before: str) -> bool:
    word = before.rpartition(" ")[2].lstrip("(\"'").lower()
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i")


_STRONG = re.compile(r"\s*;\s*|\s+[—\u2013-]{1,2}\s+|\s+\(|\)\s*")
_SUBJECT = r"(?:I|[Mm]y)\b(?!['-])"
_JOINTS = re.compile(
    rf",?\s+(?:and|but|so|yet|plus|although|though)\s+(?:also\s+)?(?={_SUBJECT})|,\s+(?={_SUBJECT})|,\s+(?:so"
    rf"|but|and|which|please|can|could|what)\s+(?!not\b)"
    r"|,\s+(?=(?:send|use|tell|give|help|suggest|recommend|make|show|write|keep|let|due|any)\b)"
)
_TRAILING = re.compile(r",? (?:by the way|btw|too|though|you know|please|thanks|thank you|as well)$", re.IGNORECASE)
_JOINT_SUBJECT = re.compile(r"^My (?:\w+ ){1,2}and I\b", re.IGNORECASE)
_SHARED_SUBJECT = re.compile(r"(?:,?\s+(?:and|but)|,)\s+(?:also\s+)?(?=[a-z]+)")
_NEGATED = re.compile(r"\b(?:not|never|no|nothing|neither|hardly|rarely|cannot|without)\b|n't\b", re.IGNORECASE)
_AS_ONE = re.compile(r"^[Aa]s (?P<what>an? [\w' -]{2,40}?)(?:,| (?=I\b))\s*(?=I\b)")
_CONTRAST = re.compile(
    r"(?<=\d),? (?:and )?not \d+$|(?<=\w), not (?:an? )?(?!(?:really|any|yet|now|quite|exactly|sure|at|so|even"
    r"|always|only"
    r"|just|one|to|that|in|on|for|too|by|if|when|since|because)\b)[\w-]+(?: [\w-]+)?$"
)
_ASIDE = re.compile(r"(?<=\w), (?:that's|that is|which is|those are) (?!why\b|how\b).*$")


def spoken_of_self(sentence: str) -> str:
    """ "As a nurse I work nights" with both in the first person; without "not 43" after 34, and without what a last
    "that's my brother" says."""
    sentence = _CONTRAST.sub("", _ASIDE.sub("", sentence.rstrip("!. ")))
    return _AS_ONE.sub(r"I am \g<what>, and ", sentence, count=1)


def clauses(sentence: str) -> list[str]:
    """Split where a new subject begins; "My wife and I" is one."""
    parts = []
    for part in _STRONG.split(sentence):
        if _JOINT_SUBJECT.match(part):
            parts.append(part)
        else:
            parts += _JOINTS.split(part)
    return [clause for part in parts if (clause := _TRAILING.sub("", part.strip(" ,.!")))]


def shared_subject(clause: str) -> list[str]:
    """ "I live in Porto and work at Acme" with its subject repeated: the clauses it says. Only the whole where it
    negates anything, for then it is open how far the negation reaches."""
    if not clause.startswith("I ") or negates(clause):
        return [clause]
    first, *rest = _SHARED_SUBJECT.split(clause)
    return [first, *(f"I {part}" for part in rest)]


def negates(text: str) -> bool:
    return _NEGATED.search(text) is not None

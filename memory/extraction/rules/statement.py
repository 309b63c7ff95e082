"""One row of the tables in `statements`: how a clause about oneself begins, and what kind of fact it is."""

import re
from collections.abc import Callable
from re import Match, Pattern
from typing import Literal

from msgspec import Struct

from memory.extraction.facts import Category
from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.caseless import Caseless
from memory.extraction.rules.person import ADVERBS


class Statement(Struct, frozen=True, kw_only=True):
    """The fact is always the whole clause in the third person, never a part of it, so no negation gets lost."""

    pattern: Pattern[str] | Caseless
    """Group `gone`: a value that no longer holds. Groups `x`, or `a` and `b`: what the slot is about, or in a slot
    without `{x}` what fills it. Group `value`: what fills it, where that is not `x`."""
    category: Category
    slot: str | None
    """May hold `{x}` or `{pair}`, each spelled as `topic` does."""
    confidence: float
    lasting: bool
    """A state, which "today" or "right now" would make a passing one; what happened once stays true."""
    check: Callable[[Match[str]], bool] | None
    content: str | None
    """Said instead of the clause: with the pattern's groups, and `{clause}`."""


# Words in angle brackets stand for these in a row's pattern.
_SHORT = {
    "<adv>": rf"(?:{ADVERBS} )*",
    "<am>": rf"I am (?:{ADVERBS} )*",
    "<not>": r"(?:do not|don't|did not|didn't)",
    "<cannot>": r"(?:can't|cannot|can not)",
    "<any more>": r"(?: any ?more| any longer| now(?: too)?)?",
    "<Name>": r"(?:(?:Dr|Prof|Mr|Mrs|Ms)\. )?[A-ZÀ-Þ][\w'-]*(?: [A-ZÀ-Þ][\w.'-]*){0,3}",
    "<word>": r"[\w'-]+",
    "<number>": r"(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|twin|several)",
    "<when>": r"(?:,? (?:last|this|in|on|two|three|a|after|because|yesterday|today|recently)\b.*)?$",
    "<date>": rf"(?:on )?(?:the )?(?:\d|(?:{v.MONTHS})\b)",
    "<on day>": r"(?:on (?:mon|tues|wednes|thurs|fri|satur|sun)days|on weekends|(?:once|twice) an? \w+|daily"
    r"|in the (?:mornings?|evenings?))",
    **{f"<{name}>": f"(?:{words})" for name, words in v.NAMED.items()},
}


def say(
    pattern: str,
    category: Category,
    slot: str | None = None,
    *,
    sure: float = 0.92,
    cased: bool = False,
    lasting: bool = True,
    check: Callable[[Match[str]], bool] | None = None,
    content: str | None = None,
) -> Statement:
    """`cased`: capital letters count, as where they tell a name from a word."""
    for short, spelled in _SHORT.items():
        pattern = pattern.replace(short, spelled)
    return Statement(
        pattern=re.compile(pattern) if cased else Caseless(pattern),
        category=category,
        slot=slot,
        confidence=sure,
        lasting=lasting,
        check=check,
        content=content,
    )


Opening = Literal["I am", "I", "My", ""]


def opening_of(clause: str) -> Opening:
    """What the clause begins with, of all that statements may ask for."""
    head = clause[:5].lower()
    if head.startswith("i am "):
        return "I am"
    return "I" if head.startswith("i ") else "My" if head.startswith("my ") else ""


def may_open(statement: Statement, opening: Opening) -> bool:
    """Whether the statement's pattern could match a clause that begins so: told by how the pattern itself begins, so
    that most patterns need not be tried."""
    pattern = statement.pattern.pattern
    if pattern.startswith(("My ", "[Mm]y ")):
        return opening == "My"
    if pattern.startswith("I am "):
        return opening == "I am"
    if pattern.startswith(("I ", "(?:I ")):
        return opening == "I" or (opening == "I am" and re.search(r"\bam\b", pattern) is not None)
    return True


_TAIL = re.compile(
    r"\s*(?:[,;(]|\b(?:because|since|but|so|except|unless|as|any ?more|any longer|at all|a lot|very much"
    r"|so much|too much|either"
    r"|too|though|nowadays|these days|now|again|for|last|every|each|when|while)\b)"
)
_HEAD = re.compile(r"(?:the|a|an|any|some|my|to|eating|drinking|having) ")


def value(text: str) -> str:
    """The thing alone: "Lisbon any more, thank God" as "Lisbon"."""
    return _TAIL.split(text, maxsplit=1)[0].strip()


def topic(text: str) -> str:
    """What a thing is filed under: "the mushrooms any more" as "mushroom"; "" for what is no single thing."""
    text = _HEAD.sub("", value(text.lower()), count=1)
    words = text.split()
    if not 1 <= len(words) <= 4 or any(word in ("and", "or") for word in words):
        return ""
    if len(words[-1]) > 3 and words[-1].endswith("s") and not words[-1].endswith(("ss", "us", "is")):
        words[-1] = words[-1][:-1]
    return " ".join(words)


def lasting_thing(match: Match[str]) -> bool:
    """`x` means something outside of the conversation."""
    return v.VAGUE.match(match["x"]) is None and re.search(r"\byou\b", match["x"], re.IGNORECASE) is None


_NO_ALLERGEN = re.compile(
    r"\b(?:mornings?|spreadsheets?|excel|powerpoint|\w+days?|work(?:ing|outs?)?|people|meetings?|drama|fun"
    r"|exercis\w+|homework|commitment|small "
    r"talk|bs"
    r"|bullshit|nonsense|stupidity|emails?|phone calls|cardio|adulting|responsibilit\w+|capitalism|deadlines?"
    r"|feelings|change"
    r"|everything|this|that|it|you|him|her|them|nothing|anything)\b",
    re.IGNORECASE,
)


def allergen(match: Match[str]) -> bool:
    """`x` is something one can be allergic to, and no joke."""
    return _NO_ALLERGEN.search(value(match["x"])) is None


def place(match: Match[str]) -> bool:
    return v.NO_PLACE.match(match["x"]) is None

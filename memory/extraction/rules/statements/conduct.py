"""How the assistant is to behave, for good."""

import re

from memory.extraction.facts import Fact
from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.person import others
from memory.extraction.rules.statement import say

_FROM_NOW_ON = r"(?:from now on|from here on|in (?:the )?future|going forward)"
_ASKED = "User asks: {clause}"

CONDUCT = (
    say(r"I (?:want|need|expect|prefer|like) (?:it (?:when|if) )?you to (?:always|never) .+", "instruction", sure=0.95),
    say(
        r"(?:please )?(?:always|never(?: ever)?|do not ever|don't ever) <assist>\b(?! up\b).+",
        "instruction",
        content=_ASKED,
    ),
    say(
        rf"(?:please )?{_FROM_NOW_ON},? (?P<x>.+)",
        "instruction",
        check=lambda match: v.IMPERATIVE.match(match["x"]) is not None,
        content=_ASKED,
    ),
    say(
        r"(?:please )?(?:do not|don't|stop) call(?:ing)? me (?!when|if|now|later|back|to|at|on|in|for|again|out"
        r"|un)<word>",
        "instruction",
        content=_ASKED,
    ),
    say(
        r"(?:please )?(?:just )?<assist>\b.* (?:in|for) all (?:of )?(?:your |my |our |future )*(?:answers"
        r"|replies|responses"
        r"|chats|conversations|questions|messages)\b",
        "instruction",
        content=_ASKED,
    ),
    say(
        r"(?:please )?(?:stop|quit|avoid) (?!being)\w+ing\b.*\b(?:all the time|every time|in every|constantly|so "
        r"much)\b",
        "instruction",
        content=_ASKED,
    ),
    say(
        rf"(?:[a-z']+ ){{2,}}.*\b{_FROM_NOW_ON}$",
        "instruction",
        check=lambda match: v.IMPERATIVE.match(match[0]) is not None,
        content=_ASKED,
    ),
    say(
        r"(?:please )?(?:do not|don't|avoid|stop) (?:us(?:e|ing)|add(?:ing)?|includ(?:e|ing)|giv(?:e|ing) me"
        r"|call(?:ing)? me"
        r"|writ(?:e|ing)) (?:<word> ){0,3}?<style>\b",
        "instruction",
        content=_ASKED,
    ),
)

_EACH_TIME = re.compile(
    r"(?:whenever|every time|each time|any ?time|when(?:ever)?) (?:you (?:give|answer|write|explain|send|show"
    r"|suggest|reply)|I (?:ask|request|want|send|give|share|paste|need|say|talk|write))"
    r"\b[^,?]{2,80}, (?P<x>.+)",
    re.IGNORECASE,
)


def standing_order(sentence: str) -> list[Fact]:
    """ "Whenever I ask for code, use type hints." """
    match = _EACH_TIME.match(sentence)
    if match is None or sentence.endswith("?") or v.IMPERATIVE.match(match["x"]) is None or v.UNSURE.search(sentence):
        return []
    return [Fact(content=f"User asks: {others(sentence.rstrip('.! '))}", category="instruction", confidence=0.9)]

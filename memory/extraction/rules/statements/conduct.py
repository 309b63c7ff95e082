"""How the assistant is to behave, for good."""

from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.statement import say

_FROM_NOW_ON = r"(?:from now on|from here on|in (?:the )?future|going forward)"
_ASKED = "User asks: {clause}"

CONDUCT = (
    say(r"I (?:want|need|expect|prefer|like) (?:it (?:when|if) )?you to (?:always|never) .+", "instruction", sure=0.95),
    say(r"(?:please )?(?:always|never(?: ever)?|do not ever|don't ever) <assist>\b.+", "instruction", content=_ASKED),
    say(
        rf"(?:please )?{_FROM_NOW_ON},? (?P<x>.+)",
        "instruction",
        check=lambda match: v.IMPERATIVE.match(match["x"]) is not None,
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

"""How a sentence begins before it says anything: greetings, "actually", "by the way", "remember that"."""

import re

from msgspec import Struct

from memory.extraction.words import either


class Opening(Struct, frozen=True, kw_only=True):
    rest: str
    """The sentence without its opening."""
    greets: bool
    corrects: bool
    """Sets right what was said before."""
    remembers: bool
    """Asks outright to keep it."""


_GREETING = (
    either(
        "hi",
        "hiya",
        "hey",
        "hello",
        "greetings",
        "(?:good )?(?:morning|afternoon|evening)(?=[,.!])",
        "nice to meet you",
    )
    + r"(?: there| all| everyone| [A-Z][a-z]+(?=[,.!]))?"
)
_CORRECTING = either(
    r"actually|in fact|no(?=[,.!;\u2013-]|\s+(?:I|my|it|that|actually|sorry)\b)|nope|sorry|oops|wait|correction",
    r"(?:my|that was my) (?:bad|mistake)|(?:that|this)(?: is|'s) (?:wrong|incorrect|not (?:right|correct|true))",
    r"not quite|I was wrong|I made a mistake|I misspoke|I (?:said|wrote) [\w' -]{1,30} but",
)
_FILLER = either(
    r"oh|ah|well|so|ok|okay|yes|yeah|yep|right|sure|great|cool|perfect|thanks|thank you|anyway|also|and|but",
    r"btw|by the way|fyi|ps|p\.s\.|just so you know|just (?:to clarify|for context|fyi)",
    r"to be (?:clear|honest|fair|precise)|for (?:context|the record|reference|your information|what it's worth)",
    r"(?:please )?note(?: that)?|you should (?:also )?know(?: that)?|I should (?:also )?(?:mention|add|say)(?: that)?",
    r"I (?:just )?want(?:ed)? (?:you to know|to (?:mention|add|say|tell you))(?: that)?",
    r"I (?:forgot to )?mention(?:ed)?(?: that)?|let me (?:tell|add|mention)(?: you)?(?: that)?",
    r"(?:quick|random|small|dumb|stupid|silly) (?:q|question|one)|heads[- ]up|side note|tbh|imo|typo|long "
    r"story(?: short)?",
    r"personally|(?:that|it) (?:worked|helps|helped|makes sense)|again|full disclosure|lol|haha|hmm+|hm|um+|uh",
    r"unfortunately|luckily|sadly|fortunately|honestly|these days|nowadays|in general|at home",
    r"since|because|although|though|even though|given that|seeing that|as (?:you know|I said|I mentioned|mentioned)",
    r"update|reminder|important|edit|preferences|background|context|some (?:background|context)|(?:a bit )?about me",
    r"(?:two|three|a few|some) (?:things|facts)(?: about me)?|one (?:more )?thing",
    r"guess what(?=\s*[,.:!;\u2013\u2014-])|(?:fun|random|quick) fact|good news|big news",
    r"first(?:ly)?|second(?:ly)?|lastly|finally",
)
_PART = re.compile(
    rf"(?:(?P<greeting>{_GREETING})|(?P<correcting>{_CORRECTING})|(?P<filler>{_FILLER}))"
    r"(?:\s*[,.:!;\u2013\u2014-]+\s*|\s+|$)(?!(?:is|are|was|of)\b)",
    re.IGNORECASE,
)
_REMEMBER = re.compile(
    r"(?:(?:can|could|would|will) you )?(?:please |kindly |do |also |always )*"
    r"(?:remember|don't forget|do not forget|keep in mind|bear in mind|make a (?:mental )?note|take note)(?:,? please)?"
    r"(?P<that>,? (?:of |about )?(?:that|this|the following|these)\b)?[:,]? "
    r"(?!(?:when|what|how|who|where|why|which|if|me|us|our|the time|it|him|her|them)\b)(?P<body>.+)",
    re.IGNORECASE,
)
_ASKS_BACK = re.compile(r"(?:can|could|would|will|do) you\b", re.IGNORECASE)


def read_opening(sentence: str) -> Opening:
    greets = corrects = False
    while part := _PART.match(sentence):
        greets = greets or part["greeting"] is not None
        corrects = corrects or part["correcting"] is not None
        sentence = sentence[part.end() :]
    remember = _REMEMBER.match(sentence)
    # "Could you remember my birthday?" and "remember that one time?" ask; "could you remember that I am vegan?" tells.
    asks = _ASKS_BACK.match(sentence) is not None
    if remember and (remember["that"] if asks else not sentence.endswith("?")):
        return Opening(rest=remember["body"].strip(), greets=greets, corrects=corrects, remembers=True)
    return Opening(rest=sentence.strip(), greets=greets, corrects=corrects, remembers=False)

"""How a sentence begins before it says anything: greetings, "actually", "by the way", "remember that"."""

import re

from msgspec import Struct


class Opening(Struct, frozen=True, kw_only=True):
    rest: str
    """The sentence without its opening."""
    greets: bool
    corrects: bool
    """Sets right what was said before."""
    remembers: bool
    """Asks outright to keep it."""


_GREETING = r"(?:hi|hiya|hey|hello|greetings|good (?:morning|afternoon|evening)|nice to meet you)(?: there| all| everyone| [A-Z][a-z]+(?=[,.!]))?"
_CORRECTING = (
    r"(?:actually|no(?=[,.!;–-]|\s+(?:I|my|it|that|actually|sorry)\b)|nope|sorry|oops|wait|correction|in fact|(?:my|that was my) (?:bad|mistake)"
    r"|(?:that|this)(?: is|'s) (?:wrong|incorrect|not (?:right|correct|true))|not quite|I was wrong|I made a mistake|I misspoke|I (?:said|wrote) [\w' -]{1,30} but)"
)
_FILLER = (
    r"(?:oh|ah|well|so|ok|okay|yes|yeah|yep|right|sure|great|cool|perfect|thanks|thank you|anyway|also|and|but|btw|by the way|fyi|ps|p\.s\.|just so you know"
    r"|just (?:to clarify|for context|fyi)|to be (?:clear|honest|fair|precise)|for (?:context|the record|reference|your information|what it's worth)"
    r"|(?:please )?note(?: that)?|you should (?:also )?know(?: that)?|I should (?:also )?(?:mention|add|say)(?: that)?"
    r"|I (?:just )?want(?:ed)? (?:you to know|to (?:mention|add|say|tell you))(?: that)?|I (?:forgot to )?mention(?:ed)?(?: that)?"
    r"|let me (?:tell|add|mention)(?: you)?(?: that)?|unfortunately|luckily|sadly|fortunately|honestly|since|because|although|though|even though|given that"
    r"|seeing that|as (?:you know|I said|I mentioned|mentioned)|update|reminder|important|background|context|about me|a bit about me|some (?:background|context)"
    r"|(?:two|three|a few|some) (?:things|facts)(?: about me)?|one (?:more )?thing|first(?:ly)?|second(?:ly)?|lastly|finally|these days|nowadays|in general|at home|edit|preferences)"
)
_BREAK = r"(?:\s*[,.:!;–—-]+\s*|\s+)"
_PART = re.compile(
    rf"(?:(?P<greeting>{_GREETING})|(?P<correcting>{_CORRECTING})|(?P<filler>{_FILLER}))(?:{_BREAK}|$)(?!(?:is|are|was|of)\b)",
    re.IGNORECASE,
)

_REMEMBER = re.compile(
    r"(?:(?:can|could|would|will) you )?(?:please |kindly |do |also |always )*(?:remember|don't forget|do not forget|keep in mind|bear in mind|make a (?:mental )?note|take note)"
    r"(?:,? please)?(?P<that>,? (?:of |about )?(?:that|this|the following|these)\b)?(?::|,)? (?!(?:when|what|how|who|where|why|which|if|me|us|our|the time|it|him|her|them)\b)(?P<body>.+)",
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
    # "Could you remember my birthday?" asks; "could you remember that I am vegan?" tells.
    if remember and (remember["that"] or not _ASKS_BACK.match(sentence)):
        return Opening(rest=remember["body"].strip(), greets=greets, corrects=corrects, remembers=True)
    return Opening(rest=sentence.strip(), greets=greets, corrects=corrects, remembers=False)

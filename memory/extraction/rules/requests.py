"""Requests and questions: what they hand over is not the user speaking of themself."""

import re

from memory.extraction.words import either

_POLITE = (
    either(
        r"hi|hey|hello|ok|okay|now|then|also|and|next|first|please|kindly",
        r"can you|could you|would you|will you|can we|let's|let us",
        r"help me(?: to)?|how (?:do|would|can) (?:you|I|we)",
        r"I (?:need|want|would like) you to|I'd like you to|I (?:need|want) (?:help|to)",
        r"I need (?:some )?help(?: with)?",
    )
    + r"[, ]+"
)
_OWN_TEXT = (
    r"my (?:text|essay|letter|e-?mail|grammar|english|german|code|cv|resume|cover letter|draft|sentence|paragraph"
    r"|translation|message|post|bio|article|speech|story)"
)
_WORK = either(
    r"translat\w+|summari[sz]\w+|proofread\w*|re-?write|rephras\w+|reword\w*|paraphras\w+|polish|classify|analy[sz]e|edit",
    r"draft|debug|transcribe|parse|evaluate|critique|grade|say",
    r"(?:correct|fix|improve|check|review|explain|complete|continue|finish|shorten|expand|convert|format|answer|extract"
    r"|compare|write|read|use|look at|consider|reply to|respond to)"
    rf" (?:this|these|the|{_OWN_TEXT}|it\b|in|to)",
)
_HANDS_OVER = re.compile(
    either(
        rf"(?:{_POLITE})*{_WORK}\b",
        r".*\b(?:the following|as follows|(?:text|e-?mail|message|sentence|paragraph|letter|passage|quote|lyrics"
        r"|transcript|excerpt|review|article|essay|code|logs?|output|error)(?: below)?:)",
        r"here(?:'s| is| are) (?:the|a|an|my|some|what|his|her|their|our)\b",
        r".*\b(?:said|says|wrote|told me|texted|e-?mailed|replied|asked|posted|writes|goes|reads)(?: \w+)?:",
    ),
    re.IGNORECASE,
)
_PIECE = (
    r"(?:story|tale|poem|song|dialogue|script|scene|novel|lyrics|monologue|speech|joke|essay|post|bio|letter|e-?mail|message"
    r"|review|tweet|caption|prompt|conversation|haiku|chapter|paragraph|text|blog|profile|persona|character|diary"
    r"|cover letter|statement)"
)
_MADE_UP = re.compile(
    r"\b"
    + either(
        r"role-?play(?:ing)?|pretend(?:ing)?|imagine|act as|acting as|in character|thought experiment",
        r"hypothetical(?:ly)?|let's play|play the (?:role|part)|you are (?:now )?(?:an?|my|the) |the character",
        r"(?:write|compose|create|generate|tell|make up|give|make|need|want)(?: me| us)? (?:an?|some|the|my|another) "
        rf"(?:[\w-]+ ){{0,4}}?{_PIECE}",
        r"from the (?:perspective|point of view) of|in the (?:voice|style) of",
    )
    + r"\b",
    re.IGNORECASE,
)
_ALL_BEFORE = re.compile(
    either(
        r"\b(?:translate|summari[sz]e|proofread|rewrite|rephrase|paraphrase|correct|fix|improve|classify|check|say|put|render"
        r"|edit)\b[^.?!\n]{0,30}\b(?:above|that|it) (?:in|to|into|for|as)\b",
        r"\b(?:the|text|sentence|message) above\b",
        r"\bwhat (?:is|'s) (?:the )?(?:sentiment|wrong with)\b",
        r"\bis (?:this|that|it) (?:sentence|grammar|grammatical|correct)",
    ),
    re.IGNORECASE,
)
# A question about what was told, so not "don't I?" nor "is it?".
_TOLD_FIRST = re.compile(
    r"(?P<told>(?:I|My)\b[^?]*?)(?:,? (?:so|and|but))?[,;] (?:so |and |but )?"
    r"(?:(?:what|which|who|where|when|how|why|any)\b"
    r"|(?:can|could|should|would|will|is|are|do|does|did|have|got)\b(?! \w+\?$))[^?]*\?$",
    re.IGNORECASE,
)
_TOLD_SO = re.compile(
    r"(?P<told>(?:I|My)\b[^?,]*?) (?:so|and|but) "
    r"(?:what|which|where|how|can you|could you|should I|would you)\b[^?]* [^?]*\?$",
    re.IGNORECASE,
)


def hands_over(sentence: str) -> bool:
    """What follows it in the message is material to work on, or made up."""
    return _HANDS_OVER.match(sentence) is not None or _MADE_UP.search(sentence) is not None


def concerns_all_before(text: str) -> bool:
    """It asks to work on what stands before the request."""
    return _ALL_BEFORE.search(text) is not None


def is_question(sentence: str) -> bool:
    return sentence.rstrip("\"')! ").endswith("?")


def told_before_question(sentence: str) -> str | None:
    """ "I am vegan" of "I am vegan, what can I cook?"; None for a plain question and for "I am vegan, am I not?"."""
    told = _TOLD_FIRST.match(sentence) or _TOLD_SO.match(sentence)
    return None if told is None else told["told"]

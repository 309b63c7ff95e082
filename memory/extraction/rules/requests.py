"""Requests and questions: what they hand over is not the user speaking of themself."""

import re

_POLITE = (
    r"(?:(?:hi|hey|hello|ok|okay|now|then|also|and|next|first|please|kindly|can you|could you|would you|will you|can we|let's|let us|help me(?: to)?"
    r"|I (?:need|want|would like) you to|I'd like you to|I (?:need|want) (?:help|to)|I need (?:some )?help(?: with)?|how (?:do|would|can) (?:you|I|we))[, ]+)*"
)
_WORK = (
    r"(?:translat\w+|summari[sz]\w+|proofread\w*|re-?write|rephras\w+|reword\w*|paraphras\w+|polish|classify|analy[sz]e|edit|draft|debug|transcribe|parse|evaluate|critique|grade"
    r"|(?:correct|fix|improve|check|review|explain|complete|continue|finish|shorten|expand|convert|format|answer|extract|compare|write|read|use|look at|consider|reply to|respond to)"
    r" (?:this|these|the|my (?:text|essay|letter|e-?mail|grammar|english|german|code|cv|resume|cover letter|draft|sentence|paragraph|translation|message|post|bio|article|speech|story)|it\b|in|to)"
    r"|say)\b"
)
_HANDS_OVER = re.compile(
    rf"{_POLITE}{_WORK}"
    r"|.*\b(?:the following|as follows|(?:text|e-?mail|message|sentence|paragraph|letter|passage|quote|lyrics|transcript|excerpt|review|article|essay|code|log|logs|output|error)(?: below)?:)"
    r"|here(?:'s| is| are) (?:the|a|an|my|some|what|his|her|their|our)\b"
    r"|.*\b(?:said|says|wrote|told me|texted|e-?mailed|replied|asked|posted|writes)(?: \w+)?:$",
    re.IGNORECASE,
)
_MADE_UP = re.compile(
    r"\b(?:role-?play(?:ing)?|pretend(?:ing)?|imagine|act as|acting as|in character|thought experiment|hypothetical(?:ly)?|let's play|play the (?:role|part)"
    r"|you are (?:now )?(?:an?|my|the) |(?:write|compose|create|generate|tell|make up|give|make|need|want)(?: me| us)? (?:an?|some|the|my|another) (?:[\w-]+ ){0,4}?"
    r"(?:story|tale|poem|song|dialogue|script|scene|novel|lyrics|monologue|speech|joke|essay|post|bio|letter|e-?mail|message|review|tweet|caption|prompt|conversation"
    r"|haiku|chapter|paragraph|text|blog|profile|persona|character|diary|cover letter|statement)|from the (?:perspective|point of view) of|in the (?:voice|style) of|the character)\b",
    re.IGNORECASE,
)
_ALL_BEFORE = re.compile(
    r"\b(?:translate|summari[sz]e|proofread|rewrite|rephrase|paraphrase|correct|fix|improve|classify|check|say|put|render|edit)\b[^.?!\n]{0,30}\b(?:above|that|it) (?:in|to|into|for|as)\b"
    r"|\b(?:the|text|sentence|message) above\b|\bwhat (?:is|'s) (?:the )?(?:sentiment|wrong with)\b|\bis (?:this|that|it) (?:sentence|grammar|grammatical|correct)",
    re.IGNORECASE,
)
_TOLD_FIRST = re.compile(
    r"(?P<told>(?:I|My)\b[^?]*?)(?:,? (?:so|and|but))?[,;] (?:so |and |but )?"
    r"(?:what|which|who|where|when|how|why|can|could|should|would|will|is|are|do|does|did|any|have|got)\b(?P<asked>[^?]*)\?$",
    re.IGNORECASE,
)
_TOLD_SO = re.compile(
    r"(?P<told>(?:I|My)\b[^?,]*?) (?:so|and|but) (?:what|which|where|how|can you|could you|should I|would you)\b(?P<asked>[^?]*)\?$",
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
    if told is None or len(told["asked"].split()) < 2:
        return None
    return told["told"]

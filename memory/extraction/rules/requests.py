"""Requests and questions: what they hand over is not the user speaking of themself."""

import re

from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.caseless import Caseless
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
    r"translat\w+|summari[sz]\w+|proofread\w*|re-?write|rephras\w+|reword\w*|paraphras\w+|polish|classify"
    r"|analy[sz]e|edit",
    r"draft|debug|transcribe|parse|evaluate|critique|grade|say",
    r"(?:correct|fix|improve|check|review|explain|complete|continue|finish|shorten|expand|convert|format|answer|extract"
    r"|compare|write|read|use|look at|consider|reply to|respond to)"
    r"(?! .* in all (?:of )?(?:your|my|our|future)\b)"
    rf" (?:this|these|the|{_OWN_TEXT}|it\b|in|to)",
)
_HANDS_OVER = Caseless(
    either(
        rf"(?:{_POLITE})*{_WORK}\b",
        r".*\b(?:the following|as follows|(?:text|e-?mail|message|sentence|paragraph|letter|passage|quote|lyrics"
        r"|transcript|excerpt|review|article|essay|code|logs?|output|error)(?: (?:below|from|by|of)[^:.!?]{0,40})?:)",
        r".*\b(?:text|e-?mail|message|letter|note|draft|review|article|post) "
        r"(?:is (?:right )?|follows |copied |pasted )?below\b",
        r".*\b(?:asked|told|wants?|wanted|needs?) (?:me|you|us) to "
        r"(?:forward|pass on|relay|(?:send|share|post|paste|pass) (?:this|it|that|the following))\b",
        r".*\b(?:übersetz|traduis|traduci|traduz|tradui|vertaal|vervollständig|korrigier|corrig|résum|riassum"
        r"|zusammenfass)\w*",
        r".*\bforward(?:ed|ing)? (?:this|a|the) (?:e-?mail|message|note|letter)\b",
        r"here(?:'s| is| are) (?:the|a|an|my|some|what|his|her|their|our)\b",
        r".*\b(?:said|says|wrote|told me|texted|e-?mailed|replied|asked|posted|writes|goes|reads)(?: \w+)?:",
    ),
)
_PIECE = (
    r"(?:story|tale|poem|song|dialogue|script|scene|novel|lyrics|monologue|speech|joke|essay|post|bio|letter"
    r"|e-?mail|message"
    r"|review|tweet|caption|prompt|conversation|haiku|chapter|paragraph|text|blog|profile|persona|character|diary"
    r"|cover letter|statement)"
)
_MADE_UP = Caseless(
    r"\b"
    + either(
        r"role-?play(?:ing)?|pretend(?:ing)?|imagine|act (?:as|like)|acting as|in character|thought experiment",
        r"hypothetical(?:ly)?|let's play|play the (?:role|part)|you(?:'re| are) (?:now )?(?:an?|my|the) (?!bit"
        r"|little|lot|great|good|genius|star|legend|life|angel|hero"
        r"|treasure|godsend|best|real|true|one|only)|the character|consider (?:an?|this|the following)\b",
        r"(?:write|compose|create|generate|tell|make up|give|make|need|want)(?: me| us)? (?:an?|some|the|my|another) "
        rf"(?:[\w-]+ ){{0,4}}?{_PIECE}",
        r"in (?:this|the|my|our) "
        r"(?:story|tale|novel|scene|game|campaign|play|scenario|dream|example|film|movie|fiction)",
        r"(?<!\bI )suppos(?:e|ing) (?:that )?(?:I|you|we|he|she|they|my|your)",
        r"from the (?:perspective|point of view) of|in the (?:voice|style) of",
    )
    + r"\b",
)
_ALL_BEFORE = re.compile(
    either(
        r"\b(?:translate|summari[sz]e|proofread|rewrite|rephrase|paraphrase|correct|fix|improve|classify|check"
        r"|say|put|render"
        r"|edit|turn)\b[^.?!\n]{0,30}\b(?:above|that|it|this) (?:in|to|into|for|as)\b(?![^.?!\n]{0,40}:)",
        r"\b(?:the|text|sentence|message) above\b",
        r"\bwhat (?:is|'s) (?:the )?(?:sentiment|wrong with)\b",
        r"\bis (?:this|that|it) (?:sentence|grammar|grammatical|correct)",
    ),
    re.IGNORECASE,
)
_AT_LAST = re.compile(
    rf"(?:^|[.?!\n\"”)]\s*)(?:{_POLITE})*"
    + either(
        r"(?:fix|correct|check|improve) (?:the|my|its) "
        r"(?:grammar|spelling|english|wording|punctuation|tone|style|typos?|mistakes)[^.?!\n]{0,40}",
        r"(?:shorten|simplify|expand|polish|edit|fix|correct|improve|proofread|re-?write|reword|re-?phrase|paraphrase"
        r"|translate|summari[sz]e) (?:this|that|it)(?: (?:please|for me|a bit|to [^.?!\n]{1,30}))?",
        r"(?:make|turn) (?:this|that|it) (?:sound |into |more |less |short|long|formal|casual|polite|better|rhyme)"
        r"[^.?!\n]{0,40}",
        rf"(?:(?:say|put|write) (?:this|that|it|the same) )?in (?:(?:simple|plain|proper) )?"
        rf"(?-i:{v.NAMED['language']}|English)",
    )
    + r"(?:,? (?:please|thanks|thank you))?[\s.?!]*\Z",
    re.IGNORECASE,
)
"""The last sentence asks to work on what stands before it."""
_LAST = 300
"""Characters such a sentence may have; from every place of a long text the search would take its square in time."""
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
_PLAYED = re.compile(
    either(
        r"\b(?:role-?play(?:ing)?|in character|mock (?:interview|trial|exam)|20 questions|twenty questions|text "
        r"adventure)\b",
        r"\b(?:we are|we're|let's|let us) play(?:ing)?\b|(?:^|\s)rp:|\b(?:first|1st) person (?:pov|narrat\w+|view)\b",
        r"\bmy (?:\w+ ){0,2}?(?:character|persona|oc|alter ego|avatar|protagonist|narrator|heroine?|villain|pc)\b",
        r"(?-i:\b[Yy]ou(?:'re| are)(?: now)? [A-Z]\w+)|\byou(?:'re| are) (?:now )?(?:an?|my|the) "
        r"(?:\w+ ){0,3}?(?:assistant|expert|bot|doctor|chef|coach|teacher|therapist|tutor|interviewer|guide|lawyer"
        r"|character|master|dm|pirate|king|queen|detective|wizard)\b",
        r"\bwhat do you do\?\s*\Z|\byou (?:play|are playing|will play|act) (?:an?|the|my|as)\b|\b(?:speak|talk"
        r"|respond|answer|reply|write) as (?:an?|my|if)\b",
        r"\bI(?:'m| am) (?:your|the) (?:\w+ )?(?:granddaughter|grandson|daughter|son|father|mother|boss|customer"
        r"|patient|client"
        r"|student|dm|dungeon master|player|king|queen|hero|master|captain|teacher|interviewer|applicant)\b",
        r"\bbe my (?:girlfriend|boyfriend|wife|husband|friend|mom|dad|boss|date)\b|\bonce upon a time\b",
        r"(?m:^[ \t]{0,8}\*[^*\s][^*\n]{2,80}\*(?!\*))|\bthe candidate\b|\bthe narrator\b",
    ),
    re.IGNORECASE,
)


def made_up(text: str) -> bool:
    """A game is played in it: whoever says "I" is someone else."""
    return _PLAYED.search(text) is not None


def hands_over(sentence: str) -> bool:
    """What follows it in the message is material to work on, or made up."""
    return _HANDS_OVER.match(sentence) is not None or _MADE_UP.search(sentence) is not None


def concerns_all_before(text: str) -> bool:
    """It asks to work on what stands before the request."""
    return _ALL_BEFORE.search(text) is not None or _AT_LAST.search(text.rstrip()[-_LAST:]) is not None


def is_question(sentence: str) -> bool:
    return sentence.rstrip("\"')! ").endswith("?")


def told_before_question(sentence: str) -> str | None:
    """ "I am vegan" of "I am vegan, what can I cook?"; None for a plain question and for "I am vegan, am I not?"."""
    told = _TOLD_FIRST.match(sentence) or _TOLD_SO.match(sentence)
    return None if told is None else told["told"]

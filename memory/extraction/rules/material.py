"""What of a message is material: a letter, an essay, a profile, lyrics, handed over to be worked on or asked about."""

import re
from itertools import islice

from memory.extraction.rules.caseless import Caseless
from memory.extraction.words import either

_TEXT = either(
    r"e-?mails?|mail|letters?|messages?|texts?|essays?|paragraphs?|sentences?|bio|profile|cv|r[eé]sum[eé]"
    r"|lyrics?|poems?",
    r"songs?|story|stories|scripts?|transcripts?|dialog(?:ue)?s?|conversation|thread|reviews?|posts?|tweets?|captions?",
    r"articles?|abstract|statement|speech|toast|readme|logs?|output|trace|quotes?|excerpts?|passages?|chapters?|novel",
    r"testimonials?|comments?|drafts?|templates?|prompts?|persona|listing|grammar|spelling|wording|tone|sentiment|typos"
    r"|entities|snippet|translation|translate|summary|memoir|diary|blog|newsletter|homework"
    r"|exercise|dictation|worksheet|narrative|testimonials?|account|monologue|eulogy|vows|pitch|application|testimony",
)
_POINTS = Caseless(
    r"\b(?:(?:this|these)(?! (?:week|weekend|month|year|summer|winter|spring|autumn|fall|morning|afternoon|evening|time"
    r"|days|mon|tues|wednes|thurs|fri|satur|sun))"
    rf"|below|above|following|{_TEXT})\b",
)
_ASKS = re.compile(
    r"\?|\b(?:translat\w+|summari[sz]e|proofread|rewrite|check|improve|fix|correct|review|rate|extract|classif\w+"
    r"|analy[sz]e|explain|repl(?:y|ies)|respon[ds]\w*|draft|edit|shorten|polish|rephrase|paraphrase|critique"
    r"|grade|score"
    r"|evaluate|feedback|thoughts|opinions?|continue|finish|complete|convert|make|turn|what do you think|how does"
    r"|help)\b",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"(?!(?:I|My)\b)(?=.*\?)|(?:(?:hey|hi|hello|ok|so|please|also|and|now)[, ]+)*"
    r"(?:make|rate|grade|score|check|review|improve|fix|help|turn|give|tell|continue|finish|complete|find|list"
    r"|count|extract)\b",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(r"\b(?:below|following|attached|pasted|copied|forward(?:ed|ing))\b", re.IGNORECASE)
_HEADING = re.compile(r"#{1,6}\s\S|[=*_-]{3,}\s*$|\*[^*\s][^*]*\*(?!\*)")
_SALUTATION = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening)|to whom)\b[^.!?:]{0,40}[,:]\s*$", re.IGNORECASE
)
_SIGNED = re.compile(
    r"(?i:(?:all the |with )?(?:best|kind|warm|kindest|warmest)(?: wishes| regards)?|regards|cheers|sincerely|love"
    r"|yours(?: \w+)?|(?:many )?thanks(?: in advance)?),?\n(?:[A-Z][\w.'-]*(?: |$)){1,3}"
)
_TO_ASSISTANT = re.compile(
    r"\w+(?: (?:there|all|again|chatgpt|gpt|claude|gemini|assistant|bot|ai|team))?[,:]", re.IGNORECASE
)
_BULLET = re.compile(r"[-*•\u2013]\s|\d{1,2}[.)]\s")
_LINES = 2000
_LONG_AFTER = 600
_LONG_BEFORE = 1500
"""Characters after, or before, a question: more is seldom written for the question's sake."""

_LEAD = re.compile(r"([^:.?!\n]{1,60}):(?=\s|$)\s*")
_OWN_LEAD = re.compile(
    r"(?:just |quick |random |small |one |another |my |some |a (?:few|bit of)(?: more)? |(?:two|three|four|five"
    r"|\d)(?: more)? )*"
    + either(
        r"(?:situation|background|context|infos?|details?|facts?|things?|notes?|reminder|update|correction"
        r"|clarification)",
        r"(?:constraints?|requirements?|preferences?|diet(?:ary)?(?: (?:needs|restrictions))?|allerg(?:y|ies)"
        r"|restrictions?)",
        r"(?:questions?|problem|issue|dilemma|confession|disclaimer|disclosure|heads[- ]up|warning|full disclosure)",
        r"(?:tl;?dr|long story(?: short)?|in short|hot take|unpopular opinion|(?:the )?(?:thing|truth|problem"
        r"|issue) is)",
        r"(?:ps|p\.s|edit|fyi|btw|by the way|also|so|well|ok|okay|look|listen|important|about me|me|who i am)",
    )
    + r"(?: (?:about (?:me|myself|us)|for (?:you|context|next time)|to (?:remember|know|keep in mind)))?",
    re.IGNORECASE,
)
_KEY = re.compile(r"(?:\w+ ){0,2}\w+")
_FIRST_PERSON = re.compile(r"\b(?:I|my|me|we|our)\b", re.IGNORECASE)


def own_words(text: str) -> str:
    """`text` without the material in it; all of it is taken for material where it is not sure where that begins."""
    lines = [line.strip() for line in islice(text.splitlines(), _LINES)]
    filled = [number for number, line in enumerate(lines) if line]
    if len(filled) < 2:
        return "" if filled and _HEADING.match(lines[filled[0]]) else text
    last = filled[-1]
    if lines[last - 1] == "" and (
        _about_text(lines[last]) or (len(lines[last]) < 300 and len(text) - len(lines[last]) > _LONG_BEFORE)
    ):
        return lines[last]
    for place, number in enumerate(filled):
        line, more = lines[number], place + 1 < len(filled)
        if _HEADING.match(line) or (_SALUTATION.match(line) and not (place == 0 and _TO_ASSISTANT.fullmatch(line))):
            return "\n".join(lines[:number])
        if place and more and _SIGNED.match(f"{line}\n{lines[filled[place + 1]]}"):
            return ""
        if (
            more
            and (place == 0 or lines[number + 1] == "")
            and _hands_over(line, paragraph=lines[number + 1] == "", after=len(text))
        ):
            return "\n".join(lines[: number + 1])
    return text


def _hands_over(line: str, *, paragraph: bool, after: int) -> bool:
    if _BULLET.match(line):
        return False
    if paragraph and _POINTS.search(line) and len(line) < 200:
        return True
    return _about_text(line) or (line.endswith("?") and after - len(line) > _LONG_AFTER)


def asks_about_text(sentence: str) -> bool:
    """A question or request about a text, which must follow it."""
    return len(sentence) < 400 and _REQUEST.match(sentence) is not None and _POINTS.search(sentence) is not None


def _about_text(line: str) -> bool:
    """It asks something of a text, or announces one; what stands beside it is that text."""
    if len(line) > 400 or not _POINTS.search(line):
        return False
    return (
        _ANNOUNCES.search(line) is not None
        or line.endswith(":")
        or (line[-1] not in ".!" and len(line) < 60)
        or _ASKS.search(line) is not None
    )


def after_lead(sentence: str) -> str | None:
    """What follows "some background:"; the whole sentence where nothing leads in, None where what follows may be
    anyone's words ("tweet: …", "for the landlord: …")."""
    lead = _LEAD.match(sentence)
    if lead is None:
        return sentence
    if _OWN_LEAD.fullmatch(lead[1].strip()):
        return sentence[lead.end() :]
    own = sentence[:2] == "I " and not _POINTS.search(lead[1])
    return sentence if own else None


def names_a_value(sentence: str) -> bool:
    """ "Budget: 500 euros": a line of a list, which says nothing of who speaks in the next."""
    lead = _LEAD.match(sentence)
    if lead is None or not _KEY.fullmatch(lead[1]) or _POINTS.search(lead[1]):
        return False
    rest = sentence[lead.end() :]
    return bool(rest) and len(rest.split()) <= 6 and not _FIRST_PERSON.search(rest)

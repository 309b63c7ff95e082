"""What people say about themselves, as a table: the beginning of a clause, what kind of fact it makes, and which
single-valued attribute it fills.

The fact is always the whole clause in the third person, never a part of it, so a negation can't get lost. A slot may
name the pattern's group `x`, as `topic` spells it; the group `gone` is a value that no longer holds.
"""

import re
from collections.abc import Callable
from re import Match, Pattern

from msgspec import Struct

from memory.extraction.facts import Category
from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.person import ADVERBS


class Statement(Struct, frozen=True):
    pattern: Pattern[str]
    category: Category
    slot: str | None = None
    confidence: float = 0.9
    lasting: bool = True
    """A state, which "today" or "right now" makes passing; what happened once stays true."""
    check: Callable[[Match[str]], bool] = lambda _: True
    content: str | None = None
    """Said instead of the clause, with the pattern's groups."""


def topic(text: str) -> str:
    """The thing itself: in lower case, without article, trailing adverbs, and reasons."""
    text = re.split(
        r"\s*(?:[,;(]|\b(?:because|since|but|so|except|unless|as|anymore|any more|any longer|at all|a lot"
        r"|very much|so much|too much|either|too|though|nowadays|these days|now|again|for|last|every|each|when|while)\b)",
        text.lower(),
        maxsplit=1,
    )[0]
    text = re.sub(r"^(?:the|a|an|any|some|my|to|eating|drinking|having) ", "", text.strip())
    words = text.split()
    if not words or len(words) > 4 or any(word in ("and", "or", "when", "while") for word in words):
        return ""
    # One spelling for one and many: "mushroom", "mushrooms".
    if len(words[-1]) > 3 and words[-1].endswith("s") and not words[-1].endswith(("ss", "us", "is")):
        words[-1] = words[-1][:-1]
    return " ".join(words)


_ADV = rf"(?:{ADVERBS} )*"
_AM = rf"I am {_ADV}"
_NOT = r"(?:do not|don't|did not|didn't)"
_X = r"(?P<x>.+)"
_NAME = r"(?P<x>[A-ZÀ-Þ][\w'-]*(?: [A-ZÀ-Þ][\w.'-]*){0,3})"
_END = r"(?:,? (?:years? old|y/?o)|,? (?:now|today|yesterday|last \w+|this \w+|in \w+|on .{1,20}))?$"


def _of(pattern: str) -> Pattern[str]:
    return re.compile(rf"(?:{pattern})", re.IGNORECASE)


def _cased(pattern: str) -> Pattern[str]:
    """Where a capital letter tells a name from a word."""
    return re.compile(rf"(?:{pattern})")


def _specific(match: Match[str]) -> bool:
    return v.VAGUE.match(match["x"]) is None


def _place(match: Match[str]) -> bool:
    return v.NO_PLACE.match(match["x"]) is None


def _occupation(match: Match[str]) -> bool:
    return v.is_occupation(match["x"])


STATEMENTS = (
    # Who they are.
    Statement(_cased(rf"[Mm]y (?:full |first |real |given )?name is {_NAME}$"), "identity", "name", 0.98),
    Statement(_cased(rf"[Mm]y (?:last |sur|family )name is {_NAME}$"), "identity", "surname", 0.98),
    Statement(_of(r"My pronouns are .+"), "identity", "pronouns", 0.98),
    Statement(
        _cased(rf"(?:[Yy]ou (?:can|may) |[Pp]lease |[Jj]ust )*[Cc]all me {_NAME}$"),
        "identity",
        "preferred_name",
        0.95,
        content="User wants to be called {x}",
    ),
    Statement(_cased(rf"I (?:am called|go by) {_NAME}$"), "identity", "preferred_name", 0.95),
    Statement(_of(rf"{_AM}\d{{1,3}}(?: years? old| y/?o)?$"), "identity", "age", 0.95),
    Statement(_of(rf"I (?:have )?{_ADV}turned \d{{1,3}}\b{_END}"), "identity", "age", 0.95, lasting=False),
    Statement(_of(r"My age is \d{1,3}$"), "identity", "age", 0.95),
    Statement(_of(rf"My birthday (?:is|falls) (?:on )?(?:the )?(?:\d|{v.MONTHS}).*"), "identity", "birthday", 0.95),
    Statement(_of(rf"I was born on (?:the )?(?:\d|{v.MONTHS}).*"), "identity", "birthday", 0.95),
    Statement(_of(r"I was born in \d{4}$"), "identity", "birth_year", 0.95),
    Statement(_cased(r"I was born (?:and raised )?in [A-Z].*"), "identity", "birthplace", 0.95),
    Statement(
        _of(rf"{_AM}(?:originally |a native )?from (?P<x>[^\d,]+)$"),
        "identity",
        "origin",
        0.9,
        check=lambda m: _place(m) and len(m["x"].split()) <= 3,
    ),
    Statement(_cased(rf"I am {_ADV}(?:not )?(?P<x>{v.DEMONYMS})$"), "identity", "nationality", 0.9),
    Statement(_of(rf"My (?:e-?mail|e-?mail address) is \S+@\S+$"), "identity", "email", 0.98),
    Statement(
        _of(r"My (?P<x>work|personal|private|business) e-?mail(?: address)? is \S+@\S+$"), "identity", "email:{x}", 0.98
    ),
    Statement(
        _of(r"My (?:phone|mobile|cell|telephone)(?: phone)?(?: number)? is \+?[\d(][\d ()./-]{5,}$"),
        "identity",
        "phone",
        0.98,
    ),
    Statement(_of(r"My (?:home |postal |mailing )?address is .*\d.*"), "identity", "address", 0.95),
    Statement(_of(r"My time ?zone is .+"), "identity", "timezone", 0.95),
    Statement(_of(rf"{_AM}(?:in|on) (?:the )?[\w/+: -]{{2,30}} time ?zone$"), "identity", "timezone", 0.9),
    Statement(_of(rf"My (?P<x>{v.ATTRIBUTES}) is (?!to\b).+"), "identity", "{x}", 0.95),
    Statement(_of(r"My (?:main )?(?:hobby is|hobbies (?:are|include)) .+"), "preference"),
    # Where they live.
    Statement(
        _of(rf"I {_ADV}(?:live|reside) (?:\w+ ){{0,4}}?(?:in|near) {_X}"), "fact", "residence", 0.95, check=_place
    ),
    Statement(
        _of(rf"{_AM}(?:based|living|located|residing) (?:in|near) {_X}"), "fact", "residence", 0.95, check=_place
    ),
    Statement(
        _of(
            rf"I (?:have )?{_ADV}(?:moved|relocated) (?:(?:back|here|away|over|house) )*(?:from (?P<gone_by>[\w' -]+?) )?to {_X}"
        ),
        "fact",
        "residence",
        0.95,
        lasting=False,
        check=_place,
    ),
    Statement(
        _of(rf"{_AM}(?:moving|relocating) (?:from .{{2,30}} )?to {_X}"), "fact", None, 0.8, lasting=False, check=_place
    ),
    Statement(
        _of(rf"I (?:no longer live|{_NOT} live) in (?P<gone>[\w' -]+?)(?: any ?more| any longer)?$"),
        "fact",
        "residence",
        0.95,
        check=lambda m: v.NO_PLACE.match(m["gone"]) is None,
    ),
    Statement(_of(rf"I {_ADV}live (?:alone|with (?:my|two|three|a|an) .+)$"), "fact"),
    Statement(
        _of(
            r"I (?:used to (?:live|work|be|play|own|have|drive|smoke|eat|drink|love|like|hate)|grew up|spent my childhood) .+"
        ),
        "fact",
        lasting=False,
    ),
    # What they do.
    Statement(
        _of(rf"I {_ADV}work (?:(?:full|part)[- ]time |remotely )*(?:at|for) {_X}"),
        "fact",
        "employer",
        0.95,
        check=lambda m: v.NO_EMPLOYER.match(m["x"]) is None,
    ),
    Statement(_of(rf"I {_ADV}work (?:(?:full|part)[- ]time |remotely )*as (?:an?|the) {_X}"), "fact", "job", 0.95),
    Statement(
        _of(
            rf"I {_ADV}work (?:in (?!progress|this|the (?:code|file|morning|evening))|from home|remotely|nights|night shifts|part[- ]time|full[- ]time|freelance).*"
        ),
        "fact",
        None,
        0.85,
    ),
    Statement(
        _cased(
            rf"I (?:have )?{_ADV}(?:joined|started (?:working )?(?:at|for|with)|(?:got|took|accepted) a (?:new )?job (?:at|with)|started a (?:new )?job (?:at|with)) (?P<x>[A-Z].*)"
        ),
        "fact",
        "employer",
        0.95,
        False,
    ),
    Statement(
        _cased(rf"I (?:have )?{_ADV}(?:left|quit) (?P<gone>[A-Z][\w&' -]*?)(?: (?:last|this|in|on|two|after) .+)?$"),
        "fact",
        "employer",
        0.85,
        False,
    ),
    Statement(
        _cased(rf"I (?:no longer work|{_NOT} work) (?:at|for) (?P<gone>[\w&' -]+?)(?: any ?more| any longer)?$"),
        "fact",
        "employer",
        0.95,
    ),
    Statement(
        _of(
            rf"I (?:have )?{_ADV}(?:lost|quit|left|resigned from) my job.*|I (?:got|was) (?:laid off|fired|made redundant).*"
        ),
        "fact",
        "employer",
        0.9,
        False,
    ),
    Statement(
        _of(rf"{_AM}(?:not )?(?:retired|unemployed|self[- ]employed)$|I (?:have )?{_ADV}retired\b.*"),
        "fact",
        "job",
        0.95,
        False,
    ),
    Statement(_of(rf"I (?:have )?{_ADV}(?:got|was) promoted to .+"), "fact", "job", 0.9, False),
    Statement(_of(rf"{_AM}(?:not )?(?:an?|the) {_X}"), "fact", "job", 0.9, check=_occupation),
    Statement(_of(rf"{_AM}(?:training|studying) to (?:be|become) an? .+"), "fact"),
    Statement(
        _of(
            rf"I {_ADV}(?:own|run|founded|co-?founded|manage) (?:an?|my own|two|three|the) (?:[\w-]+ ){{0,4}}(?:{v.BUSINESSES})\b.*"
        ),
        "fact",
    ),
    Statement(_of(rf"I {_ADV}own (?:an?|two|three|several) (?:[\w-]+ ){{0,3}}(?:{v.POSSESSIONS})\b.*"), "fact"),
    Statement(
        _of(
            rf"I (?:{_NOT} )?{_ADV}(?:teach|study|studied|majored in|graduated (?:from|in|with)|volunteer at|volunteer for|coach) {_X}"
        ),
        "fact",
        lasting=False,
        check=_specific,
    ),
    Statement(
        _of(r"I have (?:an? )?(?:PhD|doctorate|master'?s?|bachelor'?s?|MBA|degree)(?: degree)? (?:in|from|of) .+"),
        "fact",
    ),
    # Family, pets, belongings.
    Statement(
        _of(
            rf"I (?:{_NOT} )?{_ADV}have (?:an?|one|two|three|four|five|six|seven|\d{{1,2}}|no|any|twin|several|some) (?:[\w-]+ ){{0,3}}?(?:{v.KIN}|{v.PETS}|siblings|kids|children|twins|grandchildren)s?\b.*"
        ),
        "fact",
    ),
    Statement(
        _of(
            rf"{_AM}(?:not )?(?:happily |newly )?(?:(?:married|engaged|divorced|widowed|separated|single)(?: to .+)?)$"
        ),
        "fact",
        "marital_status",
        0.95,
    ),
    Statement(
        _of(rf"I (?:have )?{_ADV}(?:got|gotten) (?:married|engaged|divorced)\b.*"),
        "fact",
        "marital_status",
        0.95,
        False,
    ),
    Statement(
        _of(rf"My (?P<x>{v.PARTNERS})(?:'s)? (?:name is|is (?:called|named)) [\w' -]+$"), "fact", "name:{x}", 0.95
    ),
    Statement(
        _of(
            rf"My (?:[\w-]+ ){{0,2}}(?:{v.KIN}|{v.PETS})(?:'s|s'|s)? (?:names? (?:is|are)|(?:is|are) (?:called|named)) .+"
        ),
        "fact",
    ),
    Statement(
        _of(
            rf"My (?:[\w-]+ ){{0,2}}(?:{v.KIN}|{v.PETS})s? (?:[A-Z]\w+ )?(?:is|are) (?:not )?{_ADV}(?:severely )?(?:allergic|intolerant|vegan|vegetarian|diabetic|pregnant|from |\d{{1,3}} (?:years|months)|an? (?:[\w-]+ ){{0,2}}(?:{v.OCCUPATIONS}|{v.BREEDS})).*"
        ),
        "fact",
    ),
    Statement(
        _of(
            rf"My (?:[\w-]+ ){{0,2}}(?:{v.KIN}|{v.PETS})s? (?:(?:does not|doesn't|do not|don't|never) (?:like|eat|drink)|(?:lives?|works?) (?:in|at|for|as)|(?:loves?|likes?|hates?|adores?) (?!it\b|this|that|you|how|when)).+"
        ),
        "fact",
    ),
    Statement(
        _of(rf"My (?:[\w-]+ )?(?:{v.PARTNERS}) and I (?:have|live|own|are (?:vegan|vegetarian|married|expecting)).+"),
        "fact",
    ),
    # Health and diet.
    Statement(
        _of(rf"{_AM}(?:not )?{_ADV}(?:severely |badly |highly |very |mildly |deathly )?allergic to {_X}"),
        "fact",
        "allergy:{x}",
        0.98,
        check=_specific,
    ),
    Statement(
        _of(
            r"I have (?:an? )?(?:(?:severe|bad|mild|strong|serious) )?(?P<x>[\w-]+(?: [\w-]+)?) (?:allergy|intolerance)\b.*"
        ),
        "fact",
        "allergy:{x}",
        0.98,
    ),
    Statement(
        _of(rf"I have an? (?:\w+ )?(?:allergy|intolerance) to {_X}"), "fact", "allergy:{x}", 0.98, check=_specific
    ),
    Statement(_of(rf"I (?:{_NOT} )?{_ADV}(?:have|suffer from|live with) (?:{v.CONDITIONS})\b.*"), "fact", None, 0.95),
    Statement(_of(rf"{_AM}(?:not )?{_ADV}(?:an? )?(?:strict )?(?:{v.DIETS})(?: any ?more)?$"), "fact", "diet", 0.97),
    Statement(_of(rf"{_AM}(?:not )?{_ADV}(?P<x>{v.TRAITS})\b.*"), "fact", "is:{x}", 0.95),
    Statement(
        _of(
            rf"(?:I {_ADV}(?:follow|keep|eat)|I am {_ADV}on) (?:an? )?(?:strict )?(?:[\w-]+ )?(?:{v.DIETS}|low[- ]carb|gluten[- ]free|mediterranean|paleo)(?: diet)?$"
        ),
        "fact",
        "diet",
        0.95,
    ),
    Statement(
        _of(
            rf"I (?:can't|cannot|can not|must not|mustn't|am not allowed to) {_ADV}(?:eat|have|drink|tolerate|digest|take) {_X}"
        ),
        "fact",
        "tolerates:{x}",
        0.95,
        check=_specific,
    ),
    # What they like.
    Statement(
        _of(
            rf"My favou?rite (?P<x>[\w -]{{2,40}}?) (?:is|are|isn't|aren't|has always been) (?!that\b|when\b|how\b|the (?:part|one|first|last|second)\b).+"
        ),
        "preference",
        "favourite:{x}",
        0.95,
        check=lambda m: not re.match(r"part|thing about|bit|line|example|of\b", m["x"]),
    ),
    Statement(
        _cased(r"(?P<y>[A-Z][\w' -]{1,40}) (?:is|are) (?:definitely |still |also )?my favou?rite (?P<x>[\w -]{2,40})$"),
        "preference",
        "favourite:{x}",
        0.9,
        check=lambda m: v.PRONOUN.match(m["y"]) is None,
        content="{y} is User's favourite {x}",
    ),
    Statement(
        _of(rf"I {_ADV}prefer (?P<a>[^,]{{2,40}}?) (?:over|to|rather than|than) (?P<b>[^,]{{2,40}})$"),
        "preference",
        "prefer:{pair}",
        0.95,
        check=lambda m: not (v.VAGUE.match(m["a"]) or v.VAGUE.match(m["b"])),
    ),
    Statement(
        _of(rf"I {_ADV}(?:{_NOT} )?{_ADV}(?:like|love|enjoy|adore|hate|dislike|detest|despise|loathe|prefer) {_X}"),
        "preference",
        "like:{x}",
        0.92,
        check=_specific,
    ),
    Statement(
        _of(rf"I have (?:always|never) {_ADV}(?:liked|loved|hated|enjoyed|wanted|disliked) {_X}"),
        "preference",
        "like:{x}",
        0.92,
        check=_specific,
    ),
    Statement(
        _of(rf"I (?:can't|cannot|can not) (?:really )?(?:stand|bear|tolerate) {_X}"),
        "preference",
        "like:{x}",
        0.92,
        check=_specific,
    ),
    Statement(
        _of(
            rf"{_AM}(?:not )?{_ADV}(?:(?:an? )?(?:big |huge |massive |great |avid )?(?:fan|lover) of|into|fond of|keen on|crazy about|passionate about|obsessed with) {_X}"
        ),
        "preference",
        "like:{x}",
        0.92,
        check=_specific,
    ),
    Statement(
        _of(rf"{_AM}(?:not )?{_ADV}(?:afraid of|scared of|terrified of) {_X}"),
        "preference",
        "fear:{x}",
        0.9,
        check=_specific,
    ),
    Statement(_of(rf"I (?:never|always) (?:ever )?want {_X}"), "preference", "like:{x}", 0.92, check=_specific),
    Statement(
        _of(
            rf"I (?:have )?{_ADV}(?:stopped|quit|gave up|given up|have given up) (?:(?:eating|drinking|having) )?(?P<x>(?!my\b|trying|on\b|looking|using).+)"
        ),
        "preference",
        "like:{x}",
        0.92,
        False,
        check=_specific,
    ),
    Statement(
        _of(
            rf"I (?:{_NOT} (?:ever )?(?:really )?|never |no longer |hardly ever |rarely |avoid )(?:eat|eating|drink|drinking|smoke|smoking|consume|consuming|touch|cook|wear|drive|watch)\b ?(?P<x>.*)"
        ),
        "preference",
        "like:{x}",
        0.92,
        check=lambda m: m["x"] == "" or _specific(m),
    ),
    # What they know, use and do as a habit.
    Statement(
        _cased(
            rf"I (?:{_NOT} )?{_ADV}speak (?:(?:some|a little|a bit of|fluent|only|basic|good|native|any) )*(?P<x>{v.LANGUAGES})\b.*"
        ),
        "fact",
        "speaks:{x}",
        0.95,
    ),
    Statement(
        _of(rf"(?:{_AM}|I (?:have )?{_ADV}started )(?:learning|studying|practi[cs]ing|training for|taking up) {_X}"),
        "fact",
        None,
        0.85,
        check=_specific,
    ),
    Statement(
        _of(rf"I {_ADV}play (?:the )?(?!with|around|it\b|this|that|to\b|a game|by\b)[\w' -]{{3,40}}"),
        "fact",
        None,
        0.85,
    ),
    Statement(
        _of(
            rf"I {_ADV}(?:drive|ride) (?:an?|my) .+|I {_ADV}(?:collect|practi[cs]e|volunteer) (?!this|that|it\b|data|the\b).+"
        ),
        "fact",
        None,
        0.85,
    ),
    Statement(
        _cased(
            rf"I (?:{_NOT} )?{_ADV}use (?P<x>[A-Z][\w.+# -]{{1,40}}?)(?: (?:at|for|on|as|every|daily|most|instead|because|and [A-Z]).*)?$"
        ),
        "fact",
        None,
        0.85,
    ),
    Statement(
        _of(rf"I {_ADV}(?:{v.HABITS})\b.*\b(?:every|each) (?:single |other )?(?:{v.PERIODS})s?\b.*"), "fact", None, 0.85
    ),
    Statement(
        _of(
            rf"I {_ADV}(?:{v.HABITS})\b.*\b(?:on (?:mon|tues|wednes|thurs|fri|satur|sun)days|on weekends|once a|twice a|daily|in the (?:mornings?|evenings?))\b.*"
        ),
        "fact",
        None,
        0.85,
    ),
    Statement(
        _of(rf"I (?:always|usually|never|mostly|rarely|only) (?:{v.HABITS})\b (?!this|that|it\b|you).+"),
        "fact",
        None,
        0.85,
    ),
    # How the assistant should behave, for good.
    Statement(
        _of(r"I (?:want|need|expect|prefer|like) (?:it (?:when|if) )?you to (?:always|never|not ever) .+"),
        "instruction",
        None,
        0.95,
    ),
    Statement(
        _of(rf"(?:please )?(?:always|never|do not ever|don't ever) (?:{v.ASSISTING})\b.+"),
        "instruction",
        None,
        0.95,
        content="User asks: {clause}",
    ),
    Statement(
        _of(
            r"(?:please )?(?:from now on|in (?:the )?future|going forward|from here on)(?: please)?,? (?!I\b|my\b|the\b|we\b|it\b|there\b|this\b).+"
        ),
        "instruction",
        None,
        0.95,
        content="User asks: {clause}",
    ),
    Statement(
        _of(r"(?:please )?(?!I\b|my\b|we\b)(?:[a-z']+ ){2,}.*\b(?:from now on|in (?:the )?future|going forward)$"),
        "instruction",
        None,
        0.9,
        content="User asks: {clause}",
        check=lambda m: v.IMPERATIVE.match(m[0]) is not None,
    ),
    Statement(
        _of(
            rf"(?:please )?(?:do not|don't|avoid|stop) (?:us(?:e|ing)|add(?:ing)?|includ(?:e|ing)|giv(?:e|ing) me|call(?:ing)? me|writ(?:e|ing)) (?:[\w-]+ ){{0,3}}(?:{v.STYLE})\b.*"
        ),
        "instruction",
        None,
        0.9,
        content="User asks: {clause}",
    ),
)

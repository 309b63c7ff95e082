"""From the first person to the third: "I never want mushrooms" to "User never wants mushrooms"."""

import re

from memory.extraction.words import words

ADVERBS = (
    r"(?:really|absolutely|also|always|never|usually|normally|often|sometimes|rarely|seldom|hardly ever|hardly"
    r"|almost never"
    r"|almost always|still|just|only|mostly|mainly|generally|typically|actually|currently|now|already|recently"
    r"|no longer"
    r"|genuinely|truly|honestly|personally|strongly|definitely|particularly|especially|strictly|totally"
    r"|completely|deeply"
    r"|much|way more|simply|kind of|primarily|exclusively|regularly|frequently|occasionally|even|both|finally"
    r"|very much|quite)"
)

_SUBJECT = re.compile(rf"^I ((?:{ADVERBS} )*)([a-z]+(?:n't)?)\b(?!')", re.IGNORECASE)
_PRESENT = words(
    """adore appreciate attend avoid bake believe belong bike book buy carry care climb coach code collect come commute
    consume cook count cycle dance depend despise detest develop dislike draw drink drive earn eat enjoy exercise
    expect feel fear fish fly follow
    freelance garden get give go grow hate have hike hold hunt invest jog join keep knit
    know lack lead learn like listen live loathe look love make manage mean mentor mind miss need only order own paint
    pay photograph play practice practise prefer program raise read rent represent reside ride root run sail save say
    see seek sell sew share sing sit skate ski sleep smoke speak spend stand start stay struggle study suffer
    support surf swim take talk teach tend think train travel try understand use vape visit volunteer wake walk
    want watch wear wish work worry write"""
)
_UNCHANGED = words(
    """can cannot can't could couldn't will won't must mustn't should shouldn't might may did didn't had hadn't was
    wasn't moved lived worked studied grew went got married bought sold left quit joined started stopped gave born
    became met lost found made took broke built wrote founded graduated turned adopted retired divorced finished
    relocated used switched changed said told thought felt knew saw had came ran won began taught spent chose
    switched learned learnt earned held visited trained played turned decided wanted needed liked loved hated
    enjoyed preferred"""
)
_IRREGULAR = {
    "am": "is",
    "have": "has",
    "do": "does",
    "don't": "doesn't",
    "haven't": "hasn't",
    "go": "goes",
    "was": "was",
}
_AMBIGUOUS = words(
    "count drive fish garden hunt look love mind need"
    " play program run share show start study support talk train travel try visit walk watch wish work root"
)
_COORDINATED = re.compile(rf"\b(and|but|or|then)((?: {ADVERBS})*) ([a-z]+)\b(?= \S)")
_SUBORDINATE = re.compile(r"\b(?:to|who|that|which|when|where|because|people|others)\b")
_OBJECT_NEXT = re.compile(r"^ (?:in|at|for|as|with|from|on|to|the|a|an|my|their|it|them)\b")

_LATER = (
    (r"\bI am\b", "they are"),
    (r"\bI was\b", "they were"),
    (r"\bI have\b", "they have"),
    (r"\bI\b", "they"),
    (r"\bmyself\b", "themself"),
    (r"\bmy\b", "their"),
    (r"\bmine\b", "theirs"),
    (r"\bme\b", "them"),
    (r"\byourself\b", "itself"),
    (r"\byour\b", "the assistant's"),
    (r"\byou are\b", "the assistant is"),
    (r"\byou\b", "the assistant"),
)
_LATER_PATTERNS = tuple((re.compile(pattern, 0 if "I" in pattern else re.IGNORECASE), to) for pattern, to in _LATER)


def third_person(clause: str) -> str | None:
    """`clause` (of `sentences.plain` form, beginning with "I" or "my") said of "User"; None where the verb is not known
    well enough to say it safely."""
    if joint := re.match(r"^My ((?:\w+ ){1,2})and I\b", clause, re.IGNORECASE):
        return f"User and their {joint[1].strip()}{others(clause[joint.end() :])}"
    if clause[:3].lower() == "my ":
        return f"User's {others(clause[3:])}"
    subject = _SUBJECT.match(clause)
    if subject is None:
        return None
    verb = _conjugated(subject[2].lower())
    if verb is None:
        return None
    rest = clause[subject.end() :]
    if subject[2].lower() in _PRESENT:
        rest = _COORDINATED.sub(_coordinate, rest)
    return f"User {subject[1].lower()}{verb}{others(rest)}"


def has_known_verb(clause: str) -> bool:
    """Whether "I" is followed by a word that is surely a verb."""
    subject = _SUBJECT.match(clause)
    return subject is not None and _conjugated(subject[2].lower()) is not None and subject[2].lower() not in _AMBIGUOUS


def others(text: str) -> str:
    """Every later mention: `they`, `them`, `their`; the one spoken to is "the assistant"."""
    for pattern, replacement in _LATER_PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _conjugated(verb: str) -> str | None:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb in _UNCHANGED:
        return verb
    if verb not in _PRESENT:
        return None
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def _coordinate(match: re.Match[str]) -> str:
    """ "and hate cleaning" to "and hates cleaning", where the word is a verb here and no noun."""
    verb = match[3]
    conjugated = _conjugated(verb) if verb in _PRESENT or verb in _IRREGULAR else None
    follows = match.string[match.end() : match.end() + 12]
    if conjugated is None or _SUBORDINATE.search(match.string, 0, match.start()):
        return match[0]
    if verb in _AMBIGUOUS and not _OBJECT_NEXT.match(follows):
        return match[0]
    return f"{match[1]}{match[2]} {conjugated}"

"""The few things people most often say of themselves, in German, Spanish, French and Portuguese. What is not surely
affirmative and complete is left alone; the facts are told in English."""

import re
from re import Pattern

from msgspec import Struct

from memory.extraction.facts import Category, Fact


class Phrase(Struct, frozen=True):
    pattern: Pattern[str]
    content: str
    category: Category
    slot: str


_NAME = r"[A-ZÀ-Þ][\w'.-]*(?: (?:(?:de|da|do|dos|del|la|las|le|am|an der|von|van) )?[A-ZÀ-Þ][\w'-]*){0,3}"
_END = (
    r"(?=$|[,;.!]| (?:und|aber|seit|jetzt|denn|weil|als|mit|y|pero|desde|ahora|porque|con"
    r"|et|mais|depuis|maintenant|car|avec"
    r"|e|mas|há|agora|com)\b)"
)
_THING = r"\w[\w' -]{2,30}?"


def _phrases(category: Category, slot: str, content: str, value: str, *openings: str, end: str = _END) -> list[Phrase]:
    """What follows an opening (of any case) is the value."""
    return [Phrase(re.compile(rf"(?i:{opening}) (?P<x>{value}){end}"), content, category, slot) for opening in openings]


_PHRASES = [
    *_phrases(
        "identity",
        "name",
        "User's name is {x}",
        _NAME,
        r"(?:ich heiße|ich heisse|mein name ist)",
        r"(?:me llamo|mi nombre es)",
        r"(?:je m'appelle|mon nom est|je me nomme)",
        r"(?:(?:eu )?me chamo|chamo-me|(?:o )?meu nome é)",
    ),
    *_phrases(
        "fact",
        "residence",
        "User lives in {x}",
        _NAME,
        r"ich (?:wohne|lebe)(?: jetzt| derzeit| seit \d+ Jahren)? in(?: der)?",
        r"(?:yo )?(?:vivo|resido)(?: ahora)? en",
        r"(?:j'habite|je vis|je réside)(?: maintenant)? (?:à|en|au|aux)",
        r"(?:eu )?(?:moro|vivo|resido)(?: agora)? (?:em|no|na|nos)",
    ),
    *_phrases(
        "fact",
        "residence",
        "User moved to {x}",
        _NAME,
        r"(?:me mudé|me he mudado)(?: de [\w -]{2,30}?)? a",
        r"(?:j'ai déménagé)(?: de [\w -]{2,30}?)? à",
        r"(?:eu )?(?:me mudei|mudei-me|mudei)(?: de [\w -]{2,30}?)? para(?: o| a)?",
    ),
    *_phrases(
        "fact", "residence", "User moved to {x}", _NAME, r"ich bin (?:von [\w -]{2,30} )?nach", end=" (?:um)?gezogen"
    ),
    *_phrases(
        "fact",
        "employer",
        "User works at {x}",
        _NAME,
        r"ich arbeite (?:bei|für)",
        r"(?:yo )?trabajo para",
        r"je travaille (?:chez|pour)",
        r"(?:eu )?trabalho para",
    ),
    *_phrases(
        "fact",
        "allergy:{x}",
        "User is allergic to {x}",
        _THING,
        r"ich bin allergisch (?:gegen|auf)",
        r"soy alérgic[oa] (?:al|a(?: los| las| la)?)",
        r"je suis allergique (?:aux|au|à la|à)",
        r"(?:eu )?sou alérgic[oa] (?:ao|aos|à|às|a)",
    ),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "ich bin", end=" Jahre alt" + _END),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "tengo", end=" años" + _END),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "j'ai", end=" ans" + _END),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "(?:eu )?tenho", end=" anos" + _END),
]


def translated(sentence: str) -> Fact | None:
    """The fact such a sentence begins with."""
    for phrase in _PHRASES:
        if match := phrase.pattern.match(sentence.rstrip(".! ")):
            slot = phrase.slot.format(x=match["x"].lower())
            content = phrase.content.format(x=match["x"])
            return Fact(content=content, category=phrase.category, confidence=0.9, slot=slot)
    return None

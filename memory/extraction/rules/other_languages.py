"""The few things people most often say of themselves, in German, Spanish, French, Portuguese, Italian and Dutch. What
is not surely complete is left alone; the facts are told in English, their values as they were said."""

import re
from re import Pattern

from msgspec import Struct

from memory.extraction.facts import Category, Fact
from memory.extraction.words import either


class Phrase(Struct, frozen=True):
    pattern: Pattern[str]
    content: str
    category: Category
    slot: str | None
    ends: bool
    """The value no longer holds."""


_NAME = r"[A-ZÀ-Þ][\w'.-]*(?: (?:(?:de|da|do|dos|del|la|las|le|am|an der|von|van) )?[A-ZÀ-Þ][\w'-]*){0,3}"
_END = (
    r"(?=$|[,;.!]| (?:und|aber|seit|jetzt|denn|weil|als|mit|y|pero|desde|ahora|porque|con|hace"
    r"|et|mais|depuis|maintenant|car|avec|e|mas|há|agora|com|ma|da|perché|en|maar|sinds|nu|bei|por favor)\b)"
)
_THING = (
    r"(?!(?:la |die |a |l')?(?:idea|opci[oó]n|respuesta|idée|réponse|idee|antwort|ideia|resposta"
    r"|risposta)\b|est[aeo]s?\b|ces?t?t?e?\b|dies\w*|d[ae]s\b|dein\w*|euer|t[oau]n?\b|tus?\b|sua?\b|quest\w+"
    r"|deze|dit\b|jou\w*)\w[\w' -]{2,30}?"
)
_ARTICLE = r"(?: (?:el|los|las|la|les|le|lo|gli|il|i|o|os|as|a|de|des|du))?"

_AM = (
    r"(?:ich bin|yo soy|soy|je suis|eu sou|sou|sono|ik ben)(?: (?:jetzt|inzwischen|ahora|maintenant|agora|adesso|nu))?"
    r"(?: une?| een)?(?: seit \w+ (?:Jahren|Monaten))?"
)
_AM_NOT = r"(?:ich bin keine?|(?:yo )?no soy|je ne suis pas|(?:eu )?não sou|non sono|ik ben geen)"


def _phrases(
    category: Category, slot: str | None, content: str, value: str, *openings: str, end: str = _END, ends: bool = False
) -> list[Phrase]:
    """What follows an opening (of any case) is the value."""
    return [
        Phrase(re.compile(rf"(?i:{opening}) (?P<x>{value}){end}"), content, category, slot, ends)
        for opening in openings
    ]


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
        r"(?:mi chiamo|il mio nome è)",
        r"(?:ik heet|mijn naam is)",
    ),
    *_phrases(
        "identity",
        "origin",
        "User is from {x}",
        _NAME,
        r"ich (?:komme|stamme)(?: ursprünglich)? aus(?: der)?",
        r"(?:yo )?soy de",
        r"je (?:viens|suis originaire) (?:de|du|d')",
        r"(?:eu )?sou (?:de|do|da)",
        r"(?:sono di|vengo da)",
        r"ik kom uit",
    ),
    *_phrases(
        "fact",
        "residence",
        "User lives in {x}",
        _NAME,
        r"ich (?:wohne|lebe)(?: jetzt| derzeit| seit \d+ Jahren)? in(?: der)?",
        r"(?:yo |ahora )?(?:vivo|resido)(?: ahora)? en",
        r"(?:maintenant )?(?:j'habite|je vis|je réside)(?: maintenant)? (?:à|en|au|aux)",
        r"(?:eu |agora )?(?:moro|vivo|resido)(?: agora)? (?:em|no|na|nos)",
        r"(?:vivo|abito)(?: ora)? (?:a|in)",
        r"ik woon(?: nu)? in",
    ),
    *_phrases(
        "fact",
        "residence",
        "User no longer lives in {x}",
        _NAME,
        r"ich (?:wohne|lebe) nicht mehr in(?: der)?",
        r"(?:yo )?ya no vivo en",
        r"je n'habite plus (?:à|en|au|aux)",
        r"(?:eu )?já não moro (?:em|no|na)",
        r"non vivo più (?:a|in)",
        r"ik woon niet meer in",
        ends=True,
    ),
    *_phrases(
        "fact",
        "residence",
        "User moved to {x}",
        _NAME,
        r"(?:me mudé|me he mudado)(?: de [\w -]{2,30}?)? a",
        r"(?:j'ai déménagé)(?: de [\w -]{2,30}?)? à",
        r"(?:eu )?(?:me mudei|mudei-me|mudei)(?: de [\w -]{2,30}?)? para(?: o| a)?",
        r"mi sono trasferit[oa] (?:a|in)",
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
        r"lavoro per",
        r"ik werk (?:bij|voor)",
    ),
    *_phrases(
        "fact",
        "job",
        "User works as {x}",
        r"[^\W\d_][\w'-]{3,30}(?: d[aeiou]\w? \w{3,20})?",
        r"ich arbeite als",
        r"(?:yo )?trabajo (?:como|de)",
        r"je travaille comme",
        r"(?:eu )?trabalho como",
        r"lavoro come",
        r"ik werk als",
        end=r"\b",
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
        r"sono allergic[oa] (?:al|alla|alle|allo|agli|ai|a)",
        r"ik ben allergisch voor",
    ),
    *_phrases("fact", "diet", "User is vegan", r"[vV][eé]gan\w{0,4}", _AM),
    *_phrases("fact", "diet", "User is vegetarian", r"[vV][eé]g[eé]tar[iï]\w{1,5}", _AM),
    *_phrases("fact", "diet", "User is not vegan", r"[vV][eé]gan\w{0,4}", _AM_NOT),
    *_phrases("fact", "diet", "User is not vegetarian", r"[vV][eé]g[eé]tar[iï]\w{1,5}", _AM_NOT),
    *_phrases(
        "instruction",
        None,
        "User asks: always answer in {x}",
        r"[^\W\d_]\w{3,15}",
        r"(?:bitte )?(?:antworte?|schreibe?|sprich)(?: mir| bitte)* (?:immer|künftig|ab jetzt|nur noch) auf",
        r"(?:por favor )?(?:responde|respóndeme|contesta)(?:me)? siempre en",
        r"(?:s'il te plaît )?réponds(?:-moi)? toujours en",
        r"(?:por favor )?responda?(?:-me)? sempre em",
    ),
    *_phrases(
        "preference",
        "like:{x}",
        "User loves {x}",
        _THING,
        r"ich liebe",
        r"me encantan?" + _ARTICLE,
        r"j'adore(?: l[ae]s?)?",
        r"(?:eu )?adoro" + _ARTICLE,
        r"ik hou van",
    ),
    *_phrases(
        "preference",
        "like:{x}",
        "User hates {x}",
        _THING,
        r"ich hasse",
        r"odio" + _ARTICLE,
        r"je "
        r"déteste(?: l[ae]s?)?",
    ),
    *_phrases(
        "preference",
        "like:{x}",
        "User doesn't like {x}",
        _THING,
        r"ich mag (?:keine|keinen|kein)",
        r"(?:a mí )?no me gustan?" + _ARTICLE,
        r"(?:je n'aime|j'aime) pas" + _ARTICLE,
        r"(?:eu )?não gosto d[eao]s?",
        r"non mi (?:piace|piacciono)" + _ARTICLE,
        r"ik (?:hou niet van|lust geen)",
    ),
    *_phrases(
        "preference",
        "like:{x}",
        "User doesn't eat {x}",
        _THING,
        r"ich esse (?:keine|keinen|kein)",
        r"(?:yo )?no como" + _ARTICLE,
        r"je ne mange (?:pas|jamais) (?:de|d')",
        r"(?:eu )?não como",
        r"non mangio" + _ARTICLE,
        r"ik eet geen",
    ),
    *_phrases(
        "preference",
        "like:{x}",
        "User doesn't drink {x}",
        _THING,
        r"ich trinke (?:keine|keinen|kein)",
        r"(?:yo )?no (?:bebo|tomo)" + _ARTICLE,
        r"je ne bois (?:pas|jamais) (?:de|d')",
        r"(?:eu )?não bebo",
        r"non bevo" + _ARTICLE,
        r"ik drink geen",
    ),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "ich bin", end=" Jahre alt" + _END),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "(?:yo )?tengo", end=" años" + _END),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "j'ai", end=" ans" + _END),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "(?:eu )?tenho", end=" anos" + _END),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "ho", end=" anni" + _END),
    *_phrases("identity", "age", "User is {x} years old", r"\d{2}", "ik ben", end=" jaar(?: oud)?" + _END),
]

_GREETING = re.compile(
    r"(?:hallo|hi|hey|moin|servus|guten (?:tag|morgen|abend)|hola|buenas(?: tardes)?|buenos días|salut|bonjour"
    r"|coucou|olá|oi"
    r"|bom dia|ciao|buongiorno|hoi|goedemorgen)(?: zusammen)?[,.! ]+",
    re.IGNORECASE,
)
_JOINT = re.compile(
    r",? (?:und|y|et|e|en(?= (?:ik|werk|woon|ben|heb|kom)\b)) |, (?:aber |pero |mais |mas |ma |maar )?| (?:aber"
    r"|pero|mais|mas|ma|maar) "
)
_PRONOUN = {"ich": "ich ", "je": "je ", "ik": "ik "}
_OPENED = re.compile(
    either(
        r"ich|mein|je?|mon|ik|mijn|yo|soy|vivo|tengo|trabajo|me|mi|no|a mí|ya|resido|ahora|maintenant|agora",
        r"bitte|antworte|por favor|responde|réponds|j'adore|adoro|eu|sou|moro|tenho|trabalho|chamo-me|o meu|meu"
        r"|não|já|mudei(?:-me)?|sono|abito|lavoro|ho|non|il mio|vengo",
    )
    + r"\b",
    re.IGNORECASE,
)
"""Told by the first word, so that other sentences cost no more than that."""
_NOT_SURE = re.compile(
    r"\b(?:vielleicht|wohl|angeblich|glaube|quizás?|tal vez|creo|peut-être|crois|talvez|acho|forse|credo"
    r"|misschien|denk)\b",
    re.IGNORECASE,
)


def translated(sentence: str) -> list[Fact]:
    """The facts such a sentence says: where its first part is one, those of its later parts too."""
    sentence = _GREETING.sub("", sentence.rstrip(".! "), count=1)
    if not _OPENED.match(sentence) or _NOT_SURE.search(sentence):
        return []
    first, *rest = _JOINT.split(sentence)
    pronoun = _PRONOUN.get(first.split(" ", 1)[0].lower().partition("'")[0], "")
    facts = [_fact(first), *(_fact(part) or _fact(pronoun + part) for part in rest)]
    return [fact for fact in facts if fact is not None]


def _fact(clause: str) -> Fact | None:
    for phrase in _PHRASES:
        if match := phrase.pattern.match(clause):
            return Fact(
                content=phrase.content.format(x=match["x"]),
                category=phrase.category,
                confidence=0.9,
                slot=phrase.slot and phrase.slot.format(x=match["x"].lower()),
                ends=match["x"] if phrase.ends else None,
            )
    return None

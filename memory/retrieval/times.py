"""The time that a query names ("last week", "in May 2023", "vor drei Tagen"), as a span of event times."""

import asyncio
import re
import threading
from datetime import UTC, datetime, timedelta
from functools import lru_cache

Span = tuple[int, int]
"""From, to (inclusive), in Unix milliseconds."""

LANGUAGES = ("en", "de", "fr", "es")
"""Those whose expressions are known here; dateparser is held to them, since guessing among all it has costs 40 ms
[M]."""

_MARGIN = timedelta(hours=12)
"""A day is the user's, whose time zone is not known; memories are dated in UTC."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_MONTHS = _words("""
    january jan february feb march mar april apr may june jun july jul august aug september sept sep october oct
    november nov december dec januar februar märz mai juni juli oktober dezember janvier février mars avril juin
    juillet août septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto
    septiembre octubre noviembre diciembre
""")
_DAYS = _words("""
    monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag
    sonntag lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado
    domingo
""")
_UNITS = _words("""
    day days week weeks month months year years tag tage tagen woche wochen monat monate monaten jahr jahre
    jahren jour jours semaine semaines mois an ans année années día días semana semanas mes meses año años
""")
_NUMBERS = _words("""
    a an one two three four five six seven eight nine ten ein eine einem einer zwei drei vier un une deux trois
    quatre una dos tres cuatro
""")
_NEAR_DAYS = _words("""
    yesterday today tonight gestern vorgestern heute ayer anteayer
""")
_OTHERS = _words("morning night hier")
_TIME_WORDS = frozenset((*_MONTHS, *_DAYS, *_UNITS, *_NEAR_DAYS, *_OTHERS))

_MONTH, _DAY, _UNIT, _NUMBER, _NEAR = (
    f"(?:{'|'.join(names)})" for names in (_MONTHS, _DAYS, _UNITS, (r"\d{1,3}", *_NUMBERS), _NEAR_DAYS)
)
_AFTER_IN = "(?:(?<=in\\s)|(?<=im\\s)|(?<=en\\s)|(?<=since\\s)|(?<=during\\s)|(?<=last\\s))"
_EXPRESSION = re.compile(
    rf"""\b(?:
    \d{{4}}-\d\d-\d\d
    | \d{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s|de\s)?{_MONTH}\b(?:,?\s(?:de\s)?\d{{4}})?
    | {_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s\d{{4}})?
    | {_MONTH},?\s(?:de\s)?\d{{4}}
    | {_AFTER_IN}(?:{_MONTH}|(?:19|20)\d\d)
    | the\sday\sbefore\syesterday | avant-hier | {_NEAR} | this\smorning | last\snight
    | (?:last|this)\s(?:{_UNIT}|{_DAY}) | (?:on|am|le|el)\s{_DAY}
    | (?:letzte|diese)[nrsm]?\s{_UNIT}
    | (?:la|le|l['\u2019])\s?{_UNIT}\sderni[eè]re? | (?:la|el)\s{_UNIT}\spasad[ao]
    | {_NUMBER}\s{_UNIT}\sago | (?:vor|hace|il\sy\sa)\s{_NUMBER}\s{_UNIT}
    )(?!\w)""",
    re.VERBOSE,
)
_WORD = re.compile(r"\w+")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_MOMENTS = _TIME_WORDS | frozenset(
    _words("""
        ago last next week weekend weekends recently since tomorrow summer winter spring autumn fall
        letzte letzten letzter nächste nächsten seit morgen sommer herbst neulich kürzlich
        dernier dernière prochain prochaine depuis demain été hiver automne récemment
        pasado pasada próximo próxima desde mañana verano invierno otoño recientemente
    """)
)
_WHEN = re.compile(
    r"\b(?:when|how long|what (?:time|day|date|month|year)|which (?:day|date|month|year)|wann|seit wann|wie lange|"
    r"quand|depuis combien|quel (?:jour|mois)|cu[aá]ndo|cu[aá]nto tiempo|qu[eé] (?:día|mes|año))\b",
    re.IGNORECASE,
)
_READ = 400
_DAY_MS = 86_400_000
_parsing = threading.Lock()


def time_expression(query: str) -> str | None:
    """The most exact expression of time in `query`, in lower case; None mostly."""
    text = query[:_READ].lower()
    words = _WORD.findall(text)
    # Most queries end here, after some microseconds.
    if _TIME_WORDS.isdisjoint(words) and not any(len(word) == 4 and word.isdecimal() for word in words):
        return None
    # The longest tells most: of "on Friday, 14 July 2023" the date.
    return max(_EXPRESSION.findall(" ".join(text.split())), key=len, default=None)


def asks_when(query: str) -> bool:
    """Whether `query` asks for a time, in one of LANGUAGES."""
    return _WHEN.search(query) is not None


def names_time(text: str) -> bool:
    """Whether `text` has a word for a time in it, in one of LANGUAGES: a cheap guess, made of many texts."""
    return not _MOMENTS.isdisjoint(_WORD.findall(text.lower())) or _YEAR.search(text) is not None


async def time_named(query: str, now: int, *, patience: float | None = None) -> Span | None:
    """The span that `query` names when said at `now` (Unix milliseconds); None mostly, and where reading it would take
    longer than `patience` seconds (the first time dateparser is loaded). What was read before is known at once."""
    expression = time_expression(query)
    if expression is None:
        return None
    reading = _reading(expression, now // _DAY_MS)
    if reading.done:
        return reading.span
    try:
        async with asyncio.timeout(patience):
            return await asyncio.to_thread(reading.read)
    except TimeoutError:
        return None


class _Reading:
    """An expression and what it means on a day, once it was read."""

    def __init__(self, expression: str, today: int) -> None:
        self._expression = expression
        self._today = today
        self.span: Span | None = None
        self.done = False

    def read(self) -> Span | None:
        """Takes a millisecond, and the first time some hundred: to be called in a thread."""
        with _parsing:
            if not self.done:
                self.span = _parsed(self._expression, self._today)
                self.done = True
        return self.span


@lru_cache(maxsize=4096)
def _reading(expression: str, today: int) -> _Reading:
    """The one of all who ask. Who loses patience leaves it to be read for the next."""
    return _Reading(expression, today)


def _parsed(expression: str, today: int) -> Span | None:
    from dateparser.date import DateDataParser  # noqa: PLC0415 - a third of a second and 10 MB; most queries need none

    noon = datetime.fromtimestamp(today * 86_400, UTC).replace(hour=12, tzinfo=None)
    parser = DateDataParser(
        languages=list(LANGUAGES),
        settings={"RELATIVE_BASE": noon, "PREFER_DATES_FROM": "past", "PREFER_DAY_OF_MONTH": "first"},
    )
    found = parser.get_date_data(
        expression.removeprefix("on ").removeprefix("am ").removeprefix("le ").removeprefix("el ")
    )
    if found.date_obj is None:
        return None
    try:
        start, end = _bounds(found.date_obj.replace(tzinfo=None), found.period)
        return _milliseconds(start - _MARGIN), _milliseconds(end + _MARGIN) - 1
    except (OverflowError, ValueError):  # the calendar begins in the year 1 and ends in 9999
        return None


def _bounds(moment: datetime, period: str) -> tuple[datetime, datetime]:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case "year":
            start = day.replace(month=1, day=1)
            return start, start.replace(year=start.year + 1)
        case "month":
            start = day.replace(day=1)
            return start, (start + timedelta(days=32)).replace(day=1)
        case "week":
            start = day - timedelta(days=day.weekday())
            return start, start + timedelta(days=7)
        case _:
            return day, day + timedelta(days=1)


def _milliseconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)

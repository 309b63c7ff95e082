"""The texts of stories and lessons, and what comes of them when they are told."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

FOLDER = Path(__file__).with_name("texts")

Role = Literal["T", "L", "U", "F"]
"""Teller and listener of a story; user and friend in small talk."""

WEEKDAYS = {
    "english": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "german": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}
MONTH_NAMES = {
    "month": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    "monat": (
        "Januar", "Februar", "März", "April", "Mai", "Juni",
        "Juli", "August", "September", "Oktober", "November", "Dezember",
    ),
}  # fmt: skip
"""By the word that stands for a turn's month in a question."""

Vocabulary = dict[str, list[str]]

Read = TypeVar("Read")


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    text: list[str]
    """Any of these."""
    evidence: list[str]
    """Keys of turns."""


class Story(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    scenes: list[str]
    """In this order, in different months."""
    ask: list[Ask]
    draw: dict[str, str] = {}
    """From which list of the vocabulary each value comes."""
    noise: list[str] = []
    """Scenes on the same matter that answer nothing."""


class LessonText(Struct, frozen=True, forbid_unknown_fields=True):
    slot: str
    draw: dict[str, str]
    say: list[str]
    ask: list[str]
    times: int = 1
    """How often it changes, the first time included."""
    again: list[str] = []
    """How it is said when it changed."""


class Line(Struct, frozen=True):
    role: Role
    key: str | None
    text: str


@cache
def stories(language: str) -> list[Story]:
    return _read(f"{language}.toml", dict[str, list[Story]])["story"]


@cache
def lessons() -> list[LessonText]:
    return _read("lessons.toml", dict[str, list[LessonText]])["lesson"]


@cache
def small_talk() -> dict[str, list[str]]:
    """By language."""
    return _read("smalltalk.toml", dict[str, list[str]])


@cache
def vocabulary() -> Vocabulary:
    return _read("vocabulary.toml", Vocabulary)


_LINE = re.compile(r"(?P<role>[TLUF])(?:\.(?P<key>\w+))?: (?P<text>.+)")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_VALUE = re.compile(r"\{([\w.]+)\}")
_BEGINNING = re.compile(r"(?:^|[.!?] )[a-zäöü]")


def lines(scene: str) -> Iterator[Line]:
    """Raises ValueError for a line that is none."""
    for line in scene.strip().splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"no line of a scene: {line}")
        yield msgspec.convert(match.groupdict(), Line)


def told(text: str, values: Mapping[str, str], rng: Random) -> str:
    """`text` with its choices made and its values in place; sentences begin with capitals. Raises KeyError for a value
    that there is not."""
    chosen = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)
    filled = _VALUE.sub(lambda match: values[match[1]], chosen)
    return _BEGINNING.sub(lambda match: match[0].upper(), filled)


def _read(name: str, kind: type[Read]) -> Read:
    return msgspec.toml.decode((FOLDER / name).read_bytes(), type=kind)

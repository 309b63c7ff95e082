"""Ids: 53-bit integers that rise with time, and their four spellings, each a bijection.

An id is 41 bits of milliseconds since 2025-01-01 UTC and 12 bits that tell apart what one millisecond brought. 53
bits is what a double holds exactly, so JavaScript and Redis's NUMERIC carry an id without loss.
"""

import secrets
import threading
import time
import uuid
from typing import Literal

BITS = 53
LARGEST = (1 << BITS) - 1
EPOCH_MS = 1_735_689_600_000
"""2025-01-01T00:00:00Z in Unix milliseconds."""

_LOW_BITS = 12
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)}
_LETTERS = 11
_HEX_DIGITS = 14
_UUID_FRAME = uuid.UUID("52454d4f-5241-8000-8000-000000000000").int
"""Version 8, its first six bytes spelling REMORA; the id fills the low 53 bits of the last 62."""

Kind = Literal["mem", "ns", "tenant", "key", "job", "req"]
EngramKind = Literal["ep", "struct", "sem", "proc"]


class IdSource:
    """Hands out ids that strictly rise within this process; other processes differ in the low bits by chance only,
    so the engine's insert-if-absent is what makes an id unique."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def take(self, count: int = 1) -> list[int]:
        """`count` new ids, rising."""
        with self._lock:
            now = (time.time_ns() // 1_000_000 - EPOCH_MS) << _LOW_BITS | secrets.randbits(_LOW_BITS - 1)
            first = max(now, self._last + 1)
            self._last = first + count - 1
            return list(range(first, first + count))

    def one(self) -> int:
        return self.take(1)[0]


def made_at(number: int) -> int:
    """When an id was made, in Unix milliseconds."""
    return (number >> _LOW_BITS) + EPOCH_MS


def spell(number: int, kind: Kind = "mem") -> str:
    """The native spelling, e.g. `mem_0123456789a`; spellings sort as their ids do."""
    _check(number)
    pairs = [_PAIRS[number >> place & 1023] for place in (40, 30, 20, 10, 0)]
    return f"{kind}_{_ALPHABET[number >> 50]}{''.join(pairs)}"


def parse(text: str, kind: Kind = "mem") -> int | None:
    """The id of a native spelling, or None where `text` is none (wrong prefix, length, letter or size).

    Only what `spell` writes is read, so that one id has one spelling.
    """
    prefix, _, letters = text.partition("_")
    if prefix != kind or len(letters) != _LETTERS:
        return None
    number = 0
    for letter in letters:
        value = _VALUE.get(letter)
        if value is None:
            return None
        number = number << 5 | value
    return number if number <= LARGEST else None


def to_uuid(number: int) -> uuid.UUID:
    """OpenMemory's spelling: a version 8 UUID."""
    _check(number)
    return uuid.UUID(int=_UUID_FRAME | number)


def from_uuid(value: uuid.UUID) -> int | None:
    """The id inside a UUID of ours, None for a foreign one."""
    number = value.int & LARGEST
    return number if value.int ^ number == _UUID_FRAME else None


def to_engram(number: int, kind: EngramKind) -> str:
    """Engram's spelling, e.g. `ep_00123456789abc`."""
    _check(number)
    return f"{kind}_{number:0{_HEX_DIGITS}x}"


def from_engram(text: str) -> tuple[EngramKind, int] | None:
    """Kind and id of an Engram spelling of ours, None for any other."""
    prefix, _, digits = text.partition("_")
    if len(digits) != _HEX_DIGITS or any(digit not in "0123456789abcdef" for digit in digits):
        return None
    number = int(digits, 16)
    if number > LARGEST:
        return None
    match prefix:
        case "ep" | "struct" | "sem" | "proc":
            return prefix, number
        case _:
            return None


def _check(number: int) -> None:
    if not 0 <= number <= LARGEST:
        raise ValueError(f"an id has {BITS} bits")

"""What retrieval hands out."""

from msgspec import Struct

from memory.model import Hit, MemoryType


class Ranked(Struct, frozen=True):
    """A hit with its final score."""

    hit: Hit
    score: float
    """0..1: from 0.7 on, this is very likely what was asked for; below 0.3 it merely shares something with the
    query."""
    reasons: dict[str, float]
    """What each signal added to the score, by the signal's name; the sum is the score before it was clipped to
    0..1."""


class Steer(Struct, frozen=True, kw_only=True):
    """What a query says about the memories it wants, besides its words."""

    happened: tuple[int, int] | None = None
    """A time it names: from, to (inclusive), in Unix milliseconds."""
    kinds: frozenset[MemoryType] = frozenset()
    """The kinds it asks for."""
    newest: bool = False
    """It asks for what is recent."""

"""What retrieval hands out."""

from collections.abc import Mapping

from msgspec import Struct

from memory.model import Hit, MemoryType
from memory.retrieval.signals import Signal


class Ranked(Struct, frozen=True, kw_only=True):
    """A hit with its final score."""

    hit: Hit
    score: float
    """0..1: from 0.7 on, very likely what was asked for; below 0.3 it merely shares something with the query."""
    signals: Mapping[str, Signal]
    """What each signal gave to every hit of the query."""
    place: int
    """Of this hit in `signals`."""
    scale: float
    """From their sum to the score."""

    @property
    def reasons(self) -> dict[str, float]:
        """What each signal added to the score, by the signal's name; they sum to the score before it was clipped."""
        shares = ((name, float(given[self.place])) for name, given in self.signals.items())
        return {name: self.scale * share for name, share in shares if share}


class Steer(Struct, frozen=True, kw_only=True):
    """What a query says about the memories it wants, besides its words."""

    happened: tuple[int, int] | None = None
    """A time it names: from, to (inclusive), in Unix milliseconds."""
    kinds: frozenset[MemoryType] = frozenset()
    """The kinds it asks for."""
    newest: bool = False
    """It asks for what is recent."""

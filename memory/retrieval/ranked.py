"""What retrieval hands out."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from memory.model import Hit, MemoryType

_NO_SHARES = np.zeros(0)


class Ranked(Struct, frozen=True, gc=False):
    """A hit with its final score."""

    hit: Hit
    score: float
    """0..1: from 0.7 on, very likely what was asked for; below 0.3 it merely shares something with the query."""
    signals: tuple[str, ...] = ()
    """The names of what was looked at."""
    shares: NDArray[np.float64] = _NO_SHARES
    """What each of the `signals` added to the score."""

    @property
    def reasons(self) -> dict[str, float]:
        """What added to the score, by signal; the sum is the score before it was clipped to 0..1."""
        return {signal: share for signal, share in zip(self.signals, self.shares.tolist(), strict=True) if share}


class Steer(Struct, frozen=True, kw_only=True):
    """What a query says about the memories it wants, besides its words."""

    happened: tuple[int, int] | None = None
    """A time it names: from, to (inclusive), in Unix milliseconds."""
    kinds: frozenset[MemoryType] = frozenset()
    """The kinds it asks for."""
    newest: bool = False
    """It asks for what is recent."""

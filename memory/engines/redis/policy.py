"""How a search for the nearest goes about its filter: Redis's HYBRID_POLICY."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

FRESH_SECONDS = 60.0
REMEMBERED = 10_000
EVERYTHING = "*"


class Size(NamedTuple):
    matches: int
    """Memories that a filter lets through."""
    total: int
    """In the index."""


class Sizes:
    """How many memories each filter lets through, as of a minute ago, and the policy that follows from it.

    By brute force the cost grows with the matches m, in batches from the graph with N/m, N being the size of the index;
    [M] they are even at m² = 4000 N. Redis itself chooses brute force even for half of 100,000, eight times slower.
    It is left the choice for filters not met before, since batches that find too little walk the whole graph.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sizes: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def policy(self, allowed: str) -> str:
        """What to add to the query, nothing or ` HYBRID_POLICY …`."""
        size = self.of(allowed)
        if size is None:
            return ""
        return " HYBRID_POLICY BATCHES" if size.matches**2 > 4000 * size.total else " HYBRID_POLICY ADHOC_BF"

    def of(self, allowed: str) -> Size | None:
        """None where it is not known."""
        matches, total = self._sizes.get(allowed), self._sizes.get(EVERYTHING)
        return None if matches is None or total is None else Size(matches[0], total[0])

    def unknown(self, filters: Sequence[str]) -> list[str]:
        """Which of these, and of everything, to count anew."""
        old = self._clock() - FRESH_SECONDS
        asked = dict.fromkeys([*filters, EVERYTHING]) if filters else ()
        return [one for one in asked if one not in self._sizes or self._sizes[one][1] < old]

    def learn(self, filters: Sequence[str], replies: Sequence[Any]) -> None:
        """The replies to searches that only count."""
        now = self._clock()
        for one, reply in zip(filters, replies, strict=True):
            self._sizes[one] = (int(reply[0]), now)
            self._sizes.move_to_end(one)
        while len(self._sizes) > REMEMBERED:
            self._sizes.popitem(last=False)

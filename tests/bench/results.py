"""What a run found, as it is kept: the tables and the plot are made from this alone."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.bench.cases import Case, Contender


class Results(msgspec.Struct):
    """`rounds` has the figures of each round by case and contender; a case has as many rounds of each of its own."""

    machine: str
    quick: bool
    contenders: list[Contender]
    cases: list[Case]
    rounds: dict[str, dict[str, list[dict[str, float]]]] = {}

    def has(self, case: str, contender: str) -> bool:
        return bool(self.rounds.get(case, {}).get(contender))

    def add(self, case: str, contender: str, figures: dict[str, float]) -> None:
        """Another round's."""
        self.rounds.setdefault(case, {}).setdefault(contender, []).append(figures)

    def each(self, case: str, contender: str, value: Callable[[dict[str, float]], float] | str) -> list[float]:
        """A figure of every round."""
        read = value if callable(value) else lambda figures: figures[value]
        return [read(figures) for figures in self.rounds[case][contender]]

    def ratio(self, case: str, contender: str, figure: str, to: str) -> list[float]:
        """Of a contender's figure to another's, round by round."""
        return divided(self.each(case, contender, figure), self.each(case, to, figure))

    def added(self, case: str, contender: str, figure: str) -> list[float]:
        """What a contender adds to the upstream's figure, round by round."""
        alone = self.each(case, "upstream", figure)
        return [whole - part for whole, part in zip(self.each(case, contender, figure), alone, strict=True)]

    def times_added(self, case: str, contender: str, figure: str, to: str) -> list[float]:
        """What it adds, in multiples of what another one adds."""
        return divided(self.added(case, contender, figure), self.added(case, to, figure))

    def median(self, case: str, contender: str, figure: str) -> float:
        return statistics.median(self.each(case, contender, figure))

    def save(self, file: Path) -> None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def load(file: Path) -> Results:
    """What `save` wrote."""
    return msgspec.json.decode(file.read_bytes(), type=Results)


def divided(values: Sequence[float], by: Sequence[float]) -> list[float]:
    """Pair by pair; what is divided by nothing is infinite."""
    return [value / part if part else float("inf") for value, part in zip(values, by, strict=True)]

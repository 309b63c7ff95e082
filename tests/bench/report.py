"""From measurements to one Markdown table, with medians of the rounds and, for what is compared, their spread."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.bench.load import Answers, Streams

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Round:
    """What one round measured of one contender."""

    alone: Answers
    """Over one connection."""
    together: Answers
    """Over several."""
    streams: Streams


@dataclass
class Row:
    name: str
    rounds: list[Round] = field(default_factory=list)
    idle_bytes: int = 0
    after_bytes: int = 0


@dataclass(frozen=True)
class Figures:
    """The table's raw material. `rows` begins with the upstream and the bare relay."""

    rows: Sequence[Row]
    connections: int
    imports_bytes: int
    model_bytes: int
    """Of a process that imports the libraries and loads the bundled embedding model."""


def markdown(figures: Figures) -> str:
    """The table, and below it what the aims are about."""
    upstream, relay, *_ = figures.rows
    n = figures.connections
    head = [
        f"requests/s at {n}",
        "of the relay's",
        "p50 at 1, ms",
        "added to p50, of the relay's",
        "p99 at 1, ms",
        f"p50 at {n}, ms",
        f"p99 at {n}, ms",
        f"memory used at {n}",
        "first event later by, ms",
        f"events/s at {n}",
        "idle, MB",
        "after, MB",
    ]
    lines = [_line(["", *head]), _line(["---", *["---:"] * len(head)])]
    lines += [_line([row.name, *_cells(row, upstream, relay)]) for row in figures.rows]
    lines += ["", _memory_note(figures)]
    return "\n".join(lines) + "\n"


def _cells(row: Row, upstream: Row, relay: Row) -> list[str]:
    def added(of: Row) -> Callable[[int], float]:
        return lambda number: of.rounds[number].alone.p50 - upstream.rounds[number].alone.p50

    def median(value: Callable[[Round], float]) -> float:
        return statistics.median(map(value, row.rounds))

    rounds = range(len(row.rounds))
    throughput = [row.rounds[i].together.per_second / relay.rounds[i].together.per_second for i in rounds]
    latency = [added(row)(i) / added(relay)(i) for i in rounds]
    later = [row.rounds[i].streams.first_event - upstream.rounds[i].streams.first_event for i in rounds]
    is_upstream, is_relay = row is upstream, row is relay
    return [
        f"{median(lambda r: r.together.per_second):,.0f}",
        "100%" if is_relay else _spread(throughput, ".0%"),
        f"{median(lambda r: r.alone.p50):.2f}",
        "" if is_upstream else "x 1" if is_relay else "x " + _spread(latency, ".1f"),
        f"{median(lambda r: r.alone.p99):.2f}",
        f"{median(lambda r: r.together.p50):.1f}",
        f"{median(lambda r: r.together.p99):.1f}",
        "" if row.rounds[0].together.used is None else f"{median(lambda r: r.together.used or 0.0):.0%}",
        "" if is_upstream else f"{statistics.median(later):.2f}",
        f"{median(lambda r: r.streams.events_per_second):,.0f}",
        f"{row.idle_bytes / MEGABYTE:.0f}",
        f"{row.after_bytes / MEGABYTE:.0f}",
    ]


def _spread(values: Sequence[float], form: str) -> str:
    """The median, and in brackets the least and the greatest."""
    middle, *ends = (format(value, form) for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({'-'.join(ends)})"


def _memory_note(figures: Figures) -> str:
    return (
        f"A process that only imports the libraries: {figures.imports_bytes / MEGABYTE:.0f} MB; "
        f"with the bundled embedding model loaded: {figures.model_bytes / MEGABYTE:.0f} MB."
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

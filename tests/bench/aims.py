"""What Remora's speed is to be, and whether a run reached it. By medians; the spread is shown beside them."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.cases import ALONE, CONTEXT, IDLE, LITELLM, MEMORY, PACED, STREAMS, TOGETHER
from tests.bench.results import Results, divided

_PER_STREAM_KB = 60


@dataclass(frozen=True)
class Aim:
    """`found` takes the results and a contender; it raises KeyError where the run did not measure it."""

    text: str
    limit: float
    at_least: bool
    form: str
    found: Callable[[Results, str], Sequence[float]]
    contenders: tuple[str, ...] = ("redis", "sqlite", "redis-learns")

    def reached(self, values: Sequence[float]) -> bool:
        middle = statistics.median(values)
        return middle >= self.limit if self.at_least else middle <= self.limit


def _tail(results: Results, contender: str) -> list[float]:
    def slope(key: str) -> list[float]:
        return results.each(TOGETHER.key, key, lambda figures: figures["p99"] / figures["p50"])

    return divided(slope(contender), slope("relay"))


AIMS = (
    Aim(
        "requests/s at 16 connections, of the bare relay's: ≥ 50 %",
        *(0.5, True, ".0%"),
        lambda results, key: results.ratio(TOGETHER.key, key, "per_second", "relay"),
    ),
    Aim(
        "requests/s at 16 connections, of LiteLLM's: ≥ 12 x",
        *(12, True, ".1f"),
        lambda results, key: results.ratio(TOGETHER.key, key, "per_second", LITELLM.key),
    ),
    Aim(
        "without memory: requests/s at 16 connections, of the bare relay's: ≥ 85 %",
        *(0.85, True, ".0%"),
        lambda results, key: results.ratio(TOGETHER.key, key, "per_second", "relay"),
        ("plain",),
    ),
    Aim(
        "added to the p50 at one connection, of what the bare relay adds: ≤ 2.5 x",
        *(2.5, False, ".1f"),
        lambda results, key: results.times_added(ALONE.key, key, "p50", "relay"),
    ),
    Aim(
        "added to the p50 at one connection, of what LiteLLM adds: ≤ 0.1 x",
        *(0.1, False, ".2f"),
        lambda results, key: results.times_added(ALONE.key, key, "p50", LITELLM.key),
    ),
    Aim("p99/p50 at 16 connections, of the bare relay's own: ≤ 1.2 x", *(1.2, False, ".2f"), _tail),
    Aim(
        "streams/s, of LiteLLM's: ≥ 30 x",
        *(30, True, ".1f"),
        lambda results, key: results.ratio(STREAMS.key, key, "per_second", LITELLM.key),
    ),
    Aim(
        "added to the time to the first event, of what the bare relay adds: ≤ 2.5 x",
        *(2.5, False, ".1f"),
        lambda results, key: results.times_added(PACED.key, key, "first_event", "relay"),
    ),
    Aim(
        "p99 delay of a paced event, of the bare relay's: ≤ 2 x",
        *(2, False, ".2f"),
        lambda results, key: results.ratio(PACED.key, key, "delay_p99", "relay"),
    ),
    Aim(
        "memory at rest, of a process that imports the libraries and loads the model: ≤ 1.3 x",
        *(1.3, False, ".2f"),
        lambda results, key: results.ratio(MEMORY, key, "rest", "own"),
        ("redis", "sqlite"),
    ),
    Aim(
        "memory of an open stream: ≤ 60 KB",
        *(_PER_STREAM_KB, False, ".0f"),
        lambda results, key: results.each(IDLE, key, lambda figures: figures["each"] / 1e3),
        ("plain", "redis"),
    ),
    Aim(
        "p50 of /v1/context, of the raw pipelined KNN + text query: ≤ 4 x",
        *(4, False, ".1f"),
        lambda results, key: results.ratio(CONTEXT, key, "p50", "raw"),
        ("redis",),
    ),
)

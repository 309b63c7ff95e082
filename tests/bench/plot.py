"""The same as a picture, for the README. Only here is matplotlib imported."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.bench.cases import ALONE, MEMORY, STREAMS, TOGETHER
from tests.bench.results import Results

_RELAY, _REMORA, _PEER = "#7f8c8d", "#1f77b4", "#d9822b"
_MB = 1e6


def speed(results: Results, file: Path) -> None:
    """Requests per second, latency added, streams per second, memory: a panel each."""
    figure = Figure(figsize=(12, 8), layout="constrained")  # without pyplot it needs no display
    (requests, latency), (streams, memory) = figure.subplots(2, 2)
    _bars(requests, results, TOGETHER.key, "per_second", "requests/s, 16 connections (of the bare relay's)", share=True)
    _bars(latency, results, ALONE.key, "p50", "ms added to the p50, one connection", added=True)
    _bars(
        streams,
        results,
        STREAMS.key,
        "per_second",
        "streams of 64 events/s, 16 connections (of the bare relay's)",
        share=True,
    )
    _resident(memory, results)
    figure.suptitle(f"On {results.machine}, shared with load tool, upstream and Redis", fontsize=11)
    figure.savefig(file, dpi=110)


def soak(samples: Sequence[tuple[float, float]], requests: int, file: Path) -> None:
    """Resident megabytes over the minutes of a soak."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    minutes, megabytes = zip(*samples, strict=True)
    axes.plot(minutes, megabytes, color=_REMORA, linewidth=1.2)
    axes.set(xlabel="minutes", ylabel="resident memory, MB", title=f"{requests:,} requests")
    axes.set_ylim(bottom=0)
    _plain(axes)
    figure.savefig(file, dpi=110)


def _bars(
    axes: Axes, results: Results, case: str, figure: str, title: str, *, share: bool = False, added: bool = False
) -> None:
    names = {one.key: one.name for one in results.contenders}
    keys = [key for key in names if key != "upstream" and results.has(case, key)]
    if not keys:
        axes.set_visible(False)
        return
    rounds = [results.added(case, key, figure) if added else results.each(case, key, figure) for key in keys]
    middle = np.array([np.median(values) for values in rounds])
    ends = np.array([[np.median(values) - min(values), max(values) - np.median(values)] for values in rounds]).T
    axes.barh(range(len(keys)), middle, xerr=ends, color=[_colour(key) for key in keys], error_kw={"linewidth": 0.8})
    labels = [f"{value:,.0f}" if value >= 20 else f"{value:.2f}" for value in middle]
    if share:
        of = results.median(case, "relay", figure)
        labels = [f"{label} ({value / of:.0%})" for label, value in zip(labels, middle, strict=True)]
    _label(axes, middle + ends[1], labels)
    _named(axes, [names[key] for key in keys], title)


def _resident(axes: Axes, results: Results) -> None:
    names = {one.key: one.name for one in results.contenders}
    keys = [key for key in names if key != "upstream" and results.has(MEMORY, key)]
    rest, after = (np.array([results.median(MEMORY, key, when) / _MB for key in keys]) for when in ("rest", "after"))
    axes.barh(np.arange(len(keys)) - 0.2, rest, 0.4, color=[_colour(key) for key in keys])
    axes.barh(np.arange(len(keys)) + 0.2, after, 0.4, color=[_colour(key) for key in keys], alpha=0.4)
    own = results.median(MEMORY, "own", "rest") / _MB
    axes.axvline(
        own, color="black", linestyle="--", linewidth=1, label="a process with the libraries and the model alone"
    )
    _label(axes, np.maximum(rest, after), [f"{one:.0f} / {other:.0f}" for one, other in zip(rest, after, strict=True)])
    _named(axes, [names[key] for key in keys], "resident MB: at rest, after (light)")
    axes.legend(fontsize=8, loc="upper right", frameon=False)


def _label(axes: Axes, ends: Sequence[float], labels: Sequence[str]) -> None:
    for at, (end, label) in enumerate(zip(ends, labels, strict=True)):
        axes.annotate(label, (end, at), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_xlim(0, max(ends) * 1.25)


def _named(axes: Axes, names: Sequence[str], title: str) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=10, loc="left")
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _colour(key: str) -> str:
    return {"relay": _RELAY, "litellm": _PEER}.get(key, _REMORA)

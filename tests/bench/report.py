"""From what a run found to one Markdown document: medians of the rounds, and the spread of what is compared."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench.aims import AIMS, Aim
from tests.bench.cases import ALONE, CONTEXT, IDLE, LITELLM, MEMORY, STREAMS, TOGETHER, Case
from tests.bench.results import Results

MEGABYTE = 1_000_000

_INTRODUCTION = """# Speed

Measured by `{command}` on {machine}.
Load tool, upstream, contender and Redis share these cores, so an engine in another process, as Redis, costs its client
throughput here that it would not on a machine of its own.

Every contender stands in front of the same local upstream, which answers at once. In each of {rounds} rounds every
contender has its turn, forwards and backwards by turns. Figures are medians of the rounds; ratios are made within a
round, with the least and the greatest in brackets. Every request is another user's (of as many as have memories) and a
new question, in words drawn by Zipf's law as the memories' are. Whole answers and streams at full speed are measured by
wrk, which also checks each: status, length, and of a stream its `[DONE]`; paced streams by a client of our own in its
own process, which checks that all events came. One wrong answer ends the run. Remora runs in one process, in its
default settings; only rows that say so learn (which happens beside the answers, in the same process).

The bare relay is Litestar on uvicorn in front of httpx with the aiohttp transport, as one would write it, and nothing
is looked at. Remora has {memories:,} memories of {users} users where nothing else is said.
"""


_START, _END = "<!-- speed -->", "<!-- /speed -->"
"""What stands around the run's figures in the README."""


@dataclass(frozen=True)
class Column:
    heading: str
    cell: Callable[[Results, str, str], str]
    """Of the results, a case and a contender; it raises KeyError where that was not measured."""


def document(results: Results) -> str:
    """All tables, the aims first."""
    parts = [_introduction(results), _aims(results)]
    parts += [_case(results, case) for case in results.cases]
    parts += [*_context(results), _memory(results)]
    return "\n".join(parts)


def in_readme(readme: str, results: Results, picture: str) -> str:
    """The README with this run's picture and main rows between its two marks. Raises ValueError where it lacks them."""
    before, start, rest = readme.partition(_START)
    _, end, after = rest.partition(_END)
    if not (start and end):
        raise ValueError(f"there is no {_START} … {_END}")
    return f"{before}{start}\n![Speed and memory beside a bare relay]({picture})\n\n{headline(results)}{end}{after}"


def headline(results: Results) -> str:
    """The rows that the README shows."""
    rows = [key for key in ("relay", "redis", LITELLM.key) if results.has(TOGETHER.key, key)]
    columns = [
        Column("requests/s at 16 connections", _median("per_second", ",.0f", TOGETHER)),
        Column("p50 added at one connection, ms", _added("p50", ALONE)),
        Column("streams/s", _median("per_second", ",.0f", STREAMS)),
        Column("at rest, MB", lambda results, _, key: f"{results.median(MEMORY, key, 'rest') / MEGABYTE:.0f}"),
    ]
    return _table(results, columns, "", rows)


def _introduction(results: Results) -> str:
    # The figures of rounds are as many for every contender of a case.
    rounds = max((len(found) for case in results.cases for found in results.rounds[case.key].values()), default=0)
    peers = results.has(ALONE.key, LITELLM.key)
    command = f"make bench{'-peers' if peers else ''}{' QUICK=1' if results.quick else ''}"
    main = next((one for one in results.contenders if one.memories), None)
    return _INTRODUCTION.format(
        command=command,
        machine=results.machine,
        rounds=rounds,
        memories=main.memories if main else 0,
        users=main.users if main else 0,
    )


def _aims(results: Results) -> str:
    judged = sorted({key for aim in AIMS for key in aim.contenders}, key=_order(results))
    names = {one.key: one.name for one in results.contenders}
    judged = [key for key in judged if key in names]
    if not judged:
        return ""
    lines = ["## Aims", "", _line(["", *(names[key] for key in judged)]), _line(["---", *["---"] * len(judged)])]
    for aim in AIMS:
        cells = [_judged(results, aim, key) if key in aim.contenders else "" for key in judged]
        if any(cells):
            lines.append(_line([aim.text, *cells]))
    return "\n".join([*lines, *_without_memory(results), ""])


def _without_memory(results: Results) -> Iterator[str]:
    """Where answers went out without the memory they should have had: their speed is no speed of memory's."""
    for case in results.cases:
        for one in results.contenders:
            if case.kind == "paced" or one.store == "none" or not results.has(case.key, one.key):
                continue
            if (used := results.median(case.key, one.key, "used")) < 0.99:
                yield f"\n**{one.name}: memory went into only {used:.0%} of the answers of: {case.title}.**"


def _judged(results: Results, aim: Aim, key: str) -> str:
    try:
        values = aim.found(results, key)
    except KeyError:
        return ""
    return f"{spread(values, aim.form)}: {'reached' if aim.reached(values) else '**not reached**'}"


def _case(results: Results, case: Case) -> str:
    columns: tuple[Column, ...] = _PACED if case.kind == "paced" else _ALONE if case.connections == 1 else _TOGETHER
    if case.kind == "streams":
        columns = tuple(Column(one.heading.replace("requests/s", "streams/s"), one.cell) for one in columns)
    rows = [key for key in case.contenders if results.has(case.key, key)]
    return f"## {case.title}\n\n{_table(results, columns, case.key, rows)}"


def _context(results: Results) -> Iterator[str]:
    if not results.has(CONTEXT, "raw"):
        return
    yield (
        "## Retrieval and assembly alone\n\n"
        "POST /v1/context over one connection, beside the two queries that it would begin with (nearest vectors, and"
        " BM25), sent raw in one pipeline to the same index by redis-py with hiredis.\n\n"
        "| | p50, ms | of the raw queries' |\n| --- | ---: | ---: |\n"
        f"| raw queries | {results.median(CONTEXT, 'raw', 'p50'):.2f} | |\n"
        f"| /v1/context | {results.median(CONTEXT, 'redis', 'p50'):.2f} | "
        f"{spread(results.ratio(CONTEXT, 'redis', 'p50', 'raw'), '.1f')} x |\n"
    )


def _memory(results: Results) -> str:
    columns = [
        Column("at rest, MB", lambda found, _, key: f"{found.median(MEMORY, key, 'rest') / MEGABYTE:.0f}"),
        Column("after the run, MB", lambda found, _, key: f"{found.median(MEMORY, key, 'after') / MEGABYTE:.0f}"),
        Column("of each open stream, KB", lambda found, _, key: f"{found.median(IDLE, key, 'each') / 1e3:.0f}"),
    ]
    rows = [one.key for one in results.contenders if results.has(MEMORY, one.key)]
    own, library = (results.median(MEMORY, name, "rest") / MEGABYTE for name in ("own", "library"))
    return (
        f"## Memory\n\nResident, so with what is mapped from files. At rest is before the first request.\n\n"
        f"{_table(results, columns, MEMORY, rows)}\n"
        f"A process that only imports the libraries and loads the bundled model as Remora does: {own:.0f} MB; "
        f"as the model's own library does: {library:.0f} MB.\n"
    )


def _table(results: Results, columns: Sequence[Column], case: str, rows: Sequence[str]) -> str:
    names = {one.key: one.name for one in results.contenders}
    found = [[_cell(column, results, case, key) for column in columns] for key in rows]
    used = [at for at in range(len(columns)) if any(cells[at] for cells in found)]
    lines = [_line(["", *(columns[at].heading for at in used)]), _line(["---", *["---:"] * len(used)])]
    lines += [_line([names[key], *(cells[at] for at in used)]) for key, cells in zip(rows, found, strict=True)]
    return "\n".join([*lines, ""])


def _cell(column: Column, results: Results, case: str, key: str) -> str:
    try:
        return column.cell(results, case, key)
    except KeyError:
        return ""


def spread(values: Sequence[float], form: str) -> str:
    """The median, and in brackets the least and the greatest, of several."""
    middle, *ends = (format(value, form) for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({'-'.join(ends)})" if len(values) > 1 else middle


def _median(figure: str, form: str, case: Case | None = None) -> Callable[[Results, str, str], str]:
    return lambda results, key, one: format(results.median(case.key if case else key, one, figure), form)


def _added(figure: str, case: Case | None = None) -> Callable[[Results, str, str], str]:
    def cell(results: Results, key: str, one: str) -> str:
        if one == "upstream":
            return ""
        return f"{statistics.median(results.added(case.key if case else key, one, figure)):.2f}"

    return cell


def _ratio(figure: str, form: str, to: str = "relay") -> Callable[[Results, str, str], str]:
    return lambda results, key, one: (
        "" if one in {"upstream", to} else spread(results.ratio(key, one, figure, to), form)
    )


def _times_added(figure: str) -> Callable[[Results, str, str], str]:
    def cell(results: Results, key: str, one: str) -> str:
        return "" if one in {"upstream", "relay"} else spread(results.times_added(key, one, figure, "relay"), ".1f")

    return cell


def _used(results: Results, key: str, one: str) -> str:
    return f"{used:.0%}" if (used := results.median(key, one, "used")) else ""


def _order(results: Results) -> Callable[[str], float]:
    keys = [one.key for one in results.contenders]
    return lambda key: keys.index(key) if key in keys else math.inf


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_TIMES_LITELLM = Column("x LiteLLM's", _ratio("per_second", ".1f", LITELLM.key))
_TOGETHER = (
    Column("requests/s", _median("per_second", ",.0f")),
    Column("of the relay's", _ratio("per_second", ".0%")),
    _TIMES_LITELLM,
    Column("p50, ms", _median("p50", ".2f")),
    Column("p99, ms", _median("p99", ".2f")),
    Column("memory used", _used),
)
_ALONE = (
    Column("p50, ms", _median("p50", ".2f")),
    Column("added, ms", _added("p50")),
    Column("x what the relay adds", _times_added("p50")),
    Column("p99, ms", _median("p99", ".2f")),
    Column("requests/s", _median("per_second", ",.0f")),
    _TIMES_LITELLM,
    Column("memory used", _used),
)
_PACED = (
    Column("first event, ms", _median("first_event", ".2f")),
    Column("added, ms", _added("first_event")),
    Column("x what the relay adds", _times_added("first_event")),
    Column("delay of an event, p50, ms", _median("delay_p50", ".2f")),
    Column("p99, ms", _median("delay_p99", ".2f")),
    Column("x the relay's", _ratio("delay_p99", ".2f")),
    Column("off the 20 ms, p99, ms", _median("jitter", ".2f")),
)

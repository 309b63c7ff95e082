"""What the benchmark makes of its figures: comparisons round by round, aims, tables, pictures."""

from pathlib import Path

import pytest

from tests.bench import cases, plot, report, soak
from tests.bench.aims import AIMS
from tests.bench.cases import ALONE, CONTEXT, IDLE, LITELLM, MEMORY, PACED, STREAMS, TOGETHER
from tests.bench.results import Results

TIMES = {"upstream": 1.0, "relay": 2.0, "plain": 2.2, "redis": 3.0, "sqlite": 9.0, "litellm": 21.0}
"""The p50 of each, milliseconds."""


def found() -> Results:
    """Two rounds, the second at half the speed."""
    plan = cases.with_peers(cases.QUICK)
    made = Results("2 cores", quick=True, contenders=list(plan.contenders), cases=list(plan.cases))
    for slower in (1, 2):
        for key, time in TIMES.items():
            whole = {
                "p50": time * slower,
                "p99": 3 * time * slower,
                "per_second": 1000 / time / slower,
                "used": 1.0 * (key in {"redis", "sqlite"}),
            }
            for case in (ALONE, TOGETHER, STREAMS):
                made.add(case.key, key, dict(whole))
            late = {"delay_p50": time, "delay_p99": time, "jitter": time, "first_event": time}
            made.add(PACED.key, key, late)
    for key, time in TIMES.items():
        made.add(MEMORY, key, {"rest": time * 1e6, "after": time * 2e6})
    for name in ("own", "library"):
        made.add(MEMORY, name, {"rest": 2.5e6})
    made.add(IDLE, "redis", {"each": 61_000})
    made.add(CONTEXT, "raw", {"p50": 1.0})
    made.add(CONTEXT, "redis", {"p50": 3.9})
    return made


def rows_of(text: str, heading: str) -> dict[str, list[str]]:
    """The table below a heading, by the first cell of each row."""
    lines = text.partition(f"## {heading}")[2].partition("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {first: rest for first, *rest in cells}


def test_ratios_are_made_within_a_round() -> None:
    assert found().ratio(TOGETHER.key, "redis", "per_second", "relay") == [2 / 3, 2 / 3]


def test_what_is_added_is_beyond_the_upstream() -> None:
    assert found().added(ALONE.key, "redis", "p50") == [2.0, 4.0]
    assert found().times_added(ALONE.key, "redis", "p50", "relay") == [2.0, 2.0]


def test_a_table_has_medians_and_the_spread_of_what_is_compared() -> None:
    rows = rows_of(report.document(found()), TOGETHER.title)
    assert rows["Remora on Redis"] == ["250", "67% (67%-67%)", "7.0 (7.0-7.0)", "4.50", "13.50", "100%"]
    assert rows["bare relay"][1] == ""


def test_the_aims_say_what_was_reached_and_leave_open_what_was_not_measured() -> None:
    rows = rows_of(report.document(found()), "Aims")
    names, judged = rows.pop(""), rows
    redis, sqlite = names.index("Remora on Redis"), names.index("Remora on SQLite")
    [requests] = [cells for aim, cells in judged.items() if "50 %" in aim]
    assert requests[redis] == "67% (67%-67%): reached"
    assert requests[sqlite] == "22% (22%-22%): **not reached**"
    [open_stream] = [cells for aim, cells in judged.items() if "open stream" in aim]
    assert open_stream[redis].endswith("**not reached**")
    without = found()
    del without.rounds[IDLE]
    assert "open stream:" not in report.document(without)


def test_answers_without_the_memory_they_should_have_had_are_told() -> None:
    told = found()
    for figures in told.rounds[TOGETHER.key]["redis"]:
        figures["used"] = 0.4
    assert f"**Remora on Redis: memory went into only 40% of the answers of: {TOGETHER.title}.**" in report.document(
        told
    )
    assert f"of: {ALONE.title}" not in report.document(told)


def test_every_aim_is_judged_by_a_run_with_peers() -> None:
    for aim in AIMS:
        assert aim.found(found(), "redis" if "redis" in aim.contenders else "plain")


def test_without_peers_nothing_is_said_of_them() -> None:
    without = found()
    for rounds in without.rounds.values():
        rounds.pop(LITELLM.key, None)
    without.contenders.pop()
    assert "LiteLLM" not in report.document(without)


def test_the_readmes_rows_are_of_three_contenders() -> None:
    rows = rows_of("## x\n" + report.headline(found()), "x")
    assert rows["Remora on Redis"] == ["250", "3.00", "250", "3"]
    assert list(rows)[2:] == ["bare relay", "Remora on Redis", "LiteLLM's proxy"]


def test_the_readme_gets_the_rows_of_each_run_anew() -> None:
    once = report.in_readme("before <!-- speed -->\n<!-- /speed --> after", found(), "docs/speed.png")
    assert once.startswith("before <!-- speed -->\n![")
    assert once.endswith(" |\n<!-- /speed --> after")
    assert report.in_readme(once, found(), "docs/speed.png") == once
    with pytest.raises(ValueError, match="there is no"):
        report.in_readme("nowhere", found(), "docs/speed.png")


def test_the_plot_is_drawn_without_a_display(tmp_path: Path) -> None:
    plot.speed(found(), file := tmp_path / "speed.png")
    assert file.read_bytes().startswith(b"\x89PNG")


def test_the_plot_leaves_out_what_a_narrowed_run_did_not_measure(tmp_path: Path) -> None:
    narrowed = found()
    del narrowed.rounds[ALONE.key]
    plot.speed(narrowed, file := tmp_path / "speed.png")
    assert file.exists()


def test_a_soaks_growth_counts_from_the_end_of_its_warm_up() -> None:
    resident = [100, 150, *[160] * 17, 165]
    samples = [soak.Sample(60 * at, 1000 * at, size * 10**6) for at, size in enumerate(resident)]
    said = soak.text(samples, "Remora")
    assert "100 MB before, 150 MB after 1,000, 162 MB at the end (median of the last tenth): +8.3%" in said
    assert said.endswith("reached.\n")
    assert "not reached" in soak.text(
        [*samples[:-2], *(sample._replace(resident=170 * 10**6) for sample in samples[-2:])], ""
    )

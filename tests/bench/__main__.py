"""`make bench`: how fast Remora is beside a bare relay, in front of the same upstream, and what memory it takes.

It fails where an answer is not as it must be; a time it never judges.
"""

import os
import platform
import resource
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from tests.bench import cases, peers, report, results
from tests.bench.contenders import started
from tests.bench.load import LoadFailedError
from tests.bench.measure import Run
from tests.bench.progress import steps
from tests.bench.results import Results
from tests.support.redis_binary import find_redis

OPEN_FILES = 8192
"""An open stream takes a proxy two."""


@click.command()
@click.option("--quick", is_flag=True, help="Few cases, short rounds: a first impression.")
@click.option("--peers", "with_peers", is_flag=True, help="Also measure LiteLLM's proxy, installed for this alone.")
@click.option("--rounds", type=click.IntRange(min=1), help="How many rounds to take the median of.")
@click.option("--contender", "contenders", multiple=True, help="Only this one, upstream and relay (repeatable).")
@click.option("--case", "only", multiple=True, help="Only this case (repeatable).")
@click.option("--output", type=click.Path(path_type=Path), help="Write FILE.md, FILE.json (every round) and FILE.png.")
@click.option(
    "--readme", type=click.Path(path_type=Path, exists=True), help="Put picture and main rows into this file."
)
@click.option(
    "--from", "source", type=click.Path(path_type=Path, exists=True), help="Measure nothing: show a FILE.json."
)
def main(
    *,
    quick: bool,
    with_peers: bool,
    rounds: int | None,
    contenders: tuple[str, ...],
    only: tuple[str, ...],
    output: Path | None,
    readme: Path | None,
    source: Path | None,
) -> None:
    """Print the tables of a run, in Markdown."""
    if source is not None:
        found = results.load(source)
    else:
        plan = cases.QUICK if quick else cases.FULL
        plan = cases.with_peers(plan) if with_peers else plan
        try:
            plan = cases.narrowed(plan, contenders, only)
        except KeyError as error:
            raise click.UsageError(f"not in this plan: {', '.join(error.args)}") from error
        if rounds is not None:
            plan = replace(plan, rounds=rounds)
        found = _measured(plan, quick=quick)
    click.echo(report.document(found))
    if output is not None:
        _write(found, output)
    if readme is not None and output is not None:
        readme.write_text(report.in_readme(readme.read_text(), found, output.with_suffix(".png").as_posix()))


def _measured(plan: cases.Plan, *, quick: bool) -> Results:
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard) if hard > 0 else OPEN_FILES, hard))
    found = Results(machine=_machine(), quick=quick, contenders=list(plan.contenders), cases=list(plan.cases))
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as scratch, steps() as said:
        folder = Path(scratch)
        try:
            with started(plan.contenders, folder, said) as field:
                if "litellm" in field.running:
                    found.machine += f", LiteLLM {peers.version(folder)}"
                Run(plan, field, folder, found, said).everything()
        except LoadFailedError as error:
            sys.exit(str(error))
    return found


def _machine() -> str:
    version = find_redis().version().partition("v=")[2].partition(" ")[0]
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} {platform.machine()} cores, {platform.system()}, Python {platform.python_version()}, Redis {version}"
    )


def _write(found: Results, output: Path) -> None:
    # Here, so that a run needs no matplotlib unless it is to draw.
    from tests.bench import plot  # noqa: PLC0415

    picture = output.with_suffix(".png")
    output.with_suffix(".md").write_text(report.document(found) + f"\n![The same as a picture]({picture.name})\n")
    found.save(output.with_suffix(".json"))
    plot.speed(found, picture)


if __name__ == "__main__":
    main()

"""`make bench-soak`: does Remora's memory grow under a long load?

Cycles of whole answers, streams, answers that are learned from, and streams that their client leaves, against one
server. Its resident memory is read after each cycle, with nothing under way.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import click
import uvloop

from tests.bench import corpus, load, streams
from tests.bench.cases import Case, Contender
from tests.bench.contenders import Running, started
from tests.bench.progress import Steps, steps
from tests.bench.servers import settle
from tests.bench.upstream import IDLE

REQUESTS = 500_000
WARM = 0.05
"""The share of the requests that comes before growth counts: by then every pool and cache was used."""
LEFT = 50
"""Streams that their client leaves, in each cycle."""

_CYCLE = (
    # Seconds, and whether it is learned from: twenty to one, so that the store grows, and yet not for most of the time.
    (Case("answers", "", "answers", 16, (), seconds=15), False),
    (Case("streams", "", "streams", 16, (), seconds=4), False),
    (Case("learning", "", "answers", 4, (), seconds=1), True),
)


class Sample(NamedTuple):
    seconds: float
    """Since the first."""
    requests: int
    """Answered by then."""
    resident: int
    """Bytes."""


@click.command()
@click.option("--requests", type=click.IntRange(min=1), default=REQUESTS, show_default=True)
@click.option("--store", type=click.Choice(["redis", "sqlite"]), default="redis", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Write FILE.md and FILE.png.")
def main(requests: int, store: Literal["redis", "sqlite"], output: Path | None) -> None:
    """Load one Remora until it has answered so many requests; say how its memory grew."""
    soaked = Contender("soaked", f"Remora on {store}", store=store, memories=corpus.MEMORIES, learns=True)
    contenders = (Contender("upstream", "the upstream itself", "upstream"), soaked)
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as scratch, steps() as said:
        folder = Path(scratch)
        try:
            with started(contenders, folder, said) as field:
                one = field.running[soaked.key]
                samples = [Sample(0, 0, one.server.resident_bytes())]
                for sample in _cycles(one, folder, requests, said):
                    settle(field.processes)
                    samples.append(sample._replace(resident=one.server.resident_bytes()))
        except load.LoadFailedError as error:
            sys.exit(str(error))
    said_so = text(samples, soaked.name)
    click.echo(said_so)
    if output is not None:
        from tests.bench import plot  # noqa: PLC0415 - a soak that draws nothing needs no matplotlib

        picture = output.with_suffix(".png")
        output.with_suffix(".md").write_text(f"# Memory under load\n\n{said_so}\n![Resident memory]({picture.name})\n")
        plot.soak([(sample.seconds / 60, sample.resident / 1e6) for sample in samples], samples[-1].requests, picture)


def text(samples: Sequence[Sample], name: str) -> str:
    """What the samples show: the growth from the end of the warm-up to the last tenth."""
    total = samples[-1].requests
    warm = next(sample for sample in samples if sample.requests >= WARM * total)
    last = statistics.median(sample.resident for sample in samples if sample.requests >= 0.9 * total)
    growth = last / warm.resident - 1
    reached = "reached" if growth <= 0.1 else "not reached"
    before, then, now = (f"{resident / 1e6:.0f} MB" for resident in (samples[0].resident, warm.resident, last))
    return (
        f"{name}: {total:,} requests in {samples[-1].seconds / 60:.0f} minutes. Resident: {before} before, {then} "
        f"after {warm.requests:,}, {now} at the end (median of the last tenth): {growth:+.1%}. "
        f"Aim: at most +10 %: {reached}.\n"
    )


def _cycles(one: Running, folder: Path, requests: int, said: Steps) -> Iterator[Sample]:
    """What was answered after each; what is resident then is the caller's to see."""
    files = {stream: folder / f"requests-{stream}.tsv" for stream in (False, True)}
    for stream, file in files.items():
        corpus.write_requests(file, one.contender.users, stream=stream)
    skipping = {"X-Remora-Skip-Extract": "true"}
    began, answered = time.monotonic(), 0
    with said.counting("requests answered", requests) as count:
        while answered < requests:
            for case, learns in _CYCLE:
                found = load.answers(
                    one.url,
                    files[case.kind == "streams"],
                    one.headers if learns else one.headers | skipping,
                    one.expected(case),
                    connections=case.connections,
                    seconds=case.seconds,
                )
                answered += round(found["per_second"] * case.seconds)
            uvloop.run(_leave(one))
            answered += LEFT
            count(min(answered, requests))
            yield Sample(time.monotonic() - began, answered, 0)


async def _leave(one: Running) -> None:
    """Begin streams, and be gone."""
    task = streams.Task(one.url, one.contender.users, one.headers, at_once=LEFT, turns=1, first_question=0)
    for request in streams.requests(task, IDLE):
        client = await streams.connected(one.url)
        client.ask(request)
        await client.began.wait()
        client.close()


if __name__ == "__main__":
    main()

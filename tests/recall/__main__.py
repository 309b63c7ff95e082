"""`make bench-recall`: what is found again of the corpus, and what each signal has to do with it."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from config.settings import Settings
from tests.recall import report
from tests.recall.application import application
from tests.recall.corpus import Corpus
from tests.recall.generate import SEED, generate
from tests.recall.scores import BUDGETS, DEPTHS, Answered, Asking, Figures, answers, figures, signal_weights
from tests.support.redis_binary import RedisUnavailableError
from tests.support.redis_server import RedisServer

ENGINES = ("SQLite", "Redis")


@click.command()
@click.option("--engine", "engines", multiple=True, type=click.Choice(ENGINES), help="Only this one (repeatable).")
@click.option("--quick", is_flag=True, help="Without the ablation.")
@click.option("--unheld", is_flag=True, help="Search as among many memories: hold none in process.")
@click.option("--seed", default=SEED, show_default=True, help="Other seeds tell the same stories of other lives.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the tables to this file, too.")
def main(engines: tuple[str, ...], quick: bool, unheld: bool, seed: int, output: Path | None) -> None:
    """Measure recall on conversations of our own making; print Markdown tables."""
    corpus = generate(seed)
    tables, ablations = [], {}
    with _progress() as progress:
        for engine in engines or ENGINES:
            try:
                with _store(engine) as store:
                    settings = Settings(store=store, store_held_mb=0) if unheld else Settings(store=store)
                    scored, ablated = asyncio.run(_evaluated(engine, settings, corpus, progress, ablate=not quick))
            except RedisUnavailableError as error:
                progress.console.print(f"Redis is left out: {error}")
                continue
            tables.append(report.scores(engine, scored))
            ablations[engine] = ablated
    if not quick and ablations:
        tables.append(report.ablation(ablations))
    click.echo("\n".join(tables))
    if output is not None:
        output.write_text("\n".join(tables))
    if not tables:
        sys.exit("nothing could be measured")


async def _evaluated(
    engine: str, settings: Settings, corpus: Corpus, progress: Progress, *, ablate: bool
) -> tuple[list[Answered], Mapping[str, Figures]]:
    """All questions at every depth and budget; and the figures without each signal, by its weight."""
    async with application(settings) as remora:
        task = progress.add_task(f"{engine}: storing", total=len(corpus.turns) + len(corpus.lessons))
        async for done in remora.store(corpus):
            progress.update(task, completed=done)
        await remora.prepare(corpus.questions)
        asking = Asking(remora, await remora.stored(corpus))

        async def asked(what: str, depths: tuple[int, ...], budgets: tuple[int, ...]) -> list[Answered]:
            progress.update(task, description=f"{engine}: {what}", completed=0, total=len(corpus.questions))
            found = []
            async for one in answers(asking, corpus.questions, depths=depths, budgets=budgets):
                found.append(one)
                progress.advance(task)
            return found

        scored = await asked("asking", DEPTHS, BUDGETS)
        ablated = {"": figures(scored)}
        for weight in signal_weights() if ablate else ():
            await remora.weigh({weight: 0})
            without = await asked(f"without {weight}", (report.ABLATED_DEPTH,), (report.ABLATED_BUDGET,))
            ablated[weight] = figures(without)
        progress.remove_task(task)
        return scored, ablated


@contextmanager
def _store(engine: str) -> Iterator[str]:
    """The URL of an empty store."""
    if engine == "SQLite":
        yield "sqlite://"
    else:
        with RedisServer(appendfsync="everysec") as server:
            yield server.url


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress


if __name__ == "__main__":
    main()

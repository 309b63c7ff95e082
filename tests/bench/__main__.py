"""`make bench`: requests per second, latency, streams and memory, every row against the same local upstream.

Rounds alternate the contenders. It fails where an answer failed; a time it never judges.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import corpus, crowd, load
from tests.bench.crowd import Meanwhile
from tests.bench.report import Figures, Round, Row, markdown
from tests.bench.servers import Server, library_bytes, load_memories, running, settle
from tests.support.redis_server import RedisServer

CONNECTIONS = 16
ENGINES = ("Redis", "SQLite")

IMPORTS = """
import aiohttp, apsw, httptools, httpx, httpx_aiohttp, litestar, msgspec, numpy, redis.asyncio, redisvl.index
import rich, structlog, tenacity, tiktoken, uvicorn, uvloop, wordllama
"""
LOAD_MODEL = """
from memory.embedding.bundled import BundledEmbedder
model = BundledEmbedder()
"""


@dataclass(frozen=True)
class Contender:
    """A row: a server, and how it is asked."""

    name: str
    server: Server
    users: int = corpus.USERS
    headers: Mapping[str, str] = field(default_factory=dict)
    remembers: bool = False
    learns: bool = False
    """Every request is one it never saw, so that each is learned from."""

    @property
    def url(self) -> str:
        return f"{self.server.url}/v1/chat/completions"


@click.command()
@click.option("--quick", is_flag=True, help="Two short rounds, for a first impression.")
@click.option("--rounds", type=click.IntRange(min=1), help="How many rounds to take the median of.")
@click.option("--seconds", type=click.FloatRange(min=1), help="How long each measurement takes.")
@click.option("--only", multiple=True, help="Measure only rows whose name contains this (repeatable).")
@click.option("--output", type=click.Path(path_type=Path), help="Write the table to this file, too.")
def main(quick: bool, rounds: int | None, seconds: float | None, only: tuple[str, ...], output: Path | None) -> None:
    """Measure Remora against a bare relay and its upstream; print one Markdown table."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as scratch, ExitStack() as stack:
        progress = stack.enter_context(_progress(console))
        try:
            contenders = list(_contenders(stack, Path(scratch), only, progress))
            seconds = seconds or (1 if quick else 5)
            figures = _measure(contenders, Path(scratch), rounds or (2 if quick else 5), seconds, progress)
            crowds = dict(_crowds(contenders[0].server, Path(scratch), only, max(seconds, 3), progress))
        except load.LoadFailedError as error:
            sys.exit(str(error))
    table = markdown(figures)
    if crowds:
        table += f"\n{crowd.table(crowds)}"
    click.echo(table)
    if output is not None:
        output.write_text(table)


def _contenders(stack: ExitStack, folder: Path, only: Sequence[str], progress: Progress) -> Iterator[Contender]:
    upstream = stack.enter_context(running("tests.bench.upstream", folder=folder))
    yield Contender("upstream directly", upstream)
    relay = stack.enter_context(running("tests.bench.relay", f"{upstream.url}/v1", folder=folder))
    yield Contender("bare relay", relay)

    def wanted(name: str) -> bool:
        return not only or any(part in name for part in only)

    def remora(store: str, prefix: str) -> Server:
        settings = {
            "REMORA_UPSTREAM_BASE_URL": f"{upstream.url}/v1",
            "REMORA_STORE": store,
            "REMORA_STORE_PREFIX": prefix,
        }
        return stack.enter_context(running("proxy.cli", "serve", folder=folder, settings=settings))

    if wanted(name := "Remora, memory skipped"):
        yield Contender(name, remora("sqlite://", "skip"), headers={"X-Remora-Skip-Memory": "true"})
    kinds = [
        ("recall and learning", corpus.USERS, True),
        ("recall", corpus.USERS, False),
        ("recall, all of one user", 1, False),
    ]
    redis: RedisServer | None = None
    for engine in ENGINES:
        for number, (kind, users, learns) in enumerate(kinds):
            if not wanted(name := f"Remora on {engine}, {kind}"):
                continue
            if engine == "Redis":
                redis = redis or stack.enter_context(RedisServer(appendfsync="everysec"))
            store = redis.url if engine == "Redis" and redis is not None else f"sqlite:///bench-{number}.db"
            server = remora(store, f"bench-{number}")
            task = progress.add_task(f"{name}: storing", total=corpus.MEMORIES)
            for stored in load_memories(server, users):
                progress.update(task, completed=stored)
            progress.remove_task(task)
            headers = {} if learns else {"X-Remora-Skip-Extract": "true"}
            yield Contender(name, server, users, headers, remembers=True, learns=learns)


def _crowds(
    upstream: Server, folder: Path, only: Sequence[str], seconds: float, progress: Progress
) -> Iterator[tuple[str, list[Meanwhile]]]:
    requests = folder / "requests-of-others.tsv"
    corpus.write_requests(requests, corpus.USERS)
    for engine in ENGINES:
        name = f"Remora on {engine}, beside a crowd"
        if only and not any(part in name for part in only):
            continue
        with ExitStack() as stack:
            store = stack.enter_context(RedisServer(appendfsync="everysec")).url if engine == "Redis" else None
            settings = {
                "REMORA_UPSTREAM_BASE_URL": f"{upstream.url}/v1",
                "REMORA_STORE": store or "sqlite:///crowd.db",
            }
            server = stack.enter_context(running("proxy.cli", "serve", folder=folder, settings=settings))
            task = progress.add_task(f"{name}: storing", total=corpus.MEMORIES)
            list(load_memories(server, corpus.USERS, at_most=crowd.FEW))
            for stored in load_memories(server, corpus.USERS, namespace=crowd.CROWD):
                progress.update(task, completed=stored)
            progress.update(task, description=f"{name}: measuring")
            yield engine, list(crowd.beside_a_crowd(server, requests, seconds=seconds))
            progress.remove_task(task)


def _measure(contenders: Sequence[Contender], folder: Path, rounds: int, seconds: float, progress: Progress) -> Figures:
    files = {users: folder / f"requests-{users}.tsv" for users in {contender.users for contender in contenders}}
    for users, file in files.items():
        corpus.write_requests(file, users)
    rows = {contender.name: Row(contender.name, idle_bytes=contender.server.idle_bytes) for contender in contenders}
    servers = [contender.server for contender in contenders]
    task = progress.add_task("measuring", total=rounds * len(contenders))
    for number in range(rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            progress.update(task, description=f"round {number + 1}: {contender.name}")
            settle(servers)
            rows[contender.name].rounds.append(_round(contender, files[contender.users], number, seconds))
            progress.advance(task)
    for contender in contenders:
        rows[contender.name].after_bytes = contender.server.resident_bytes()
    return Figures(
        rows=list(rows.values()),
        connections=CONNECTIONS,
        imports_bytes=library_bytes(IMPORTS),
        model_bytes=library_bytes(IMPORTS + LOAD_MODEL),
    )


def _round(contender: Contender, requests: Path, number: int, seconds: float) -> Round:
    def ask(connections: int) -> load.Answers:
        return load.answers(
            contender.url,
            requests,
            contender.headers,
            connections=connections,
            seconds=seconds,
            unique=contender.learns,
            remembers=contender.remembers,
        )

    streamed = corpus.stream_requests(
        contender.users,
        "/v1/chat/completions",
        list(contender.headers.items()),
        run=number if contender.learns else None,
    )
    return Round(
        alone=ask(1),
        together=ask(CONNECTIONS),
        streams=load.streams(contender.url, streamed, at_once=CONNECTIONS, seconds=seconds),
    )


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress


if __name__ == "__main__":
    main()

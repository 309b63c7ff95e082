"""What others feel of a namespace with very many memories while it is listed, searched, counted and deleted.

python -m tests.bench.crowd
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import click
import httpx

from tests.bench import corpus, load
from tests.bench.load import Expected, Figures
from tests.bench.servers import Server, load_memories, running
from tests.bench.upstream import COMPLETION
from tests.support.redis_server import RedisServer

CROWD = "crowd"
"""The namespace with all the memories; the others' calls use `default`, which has few."""

OTHERS = 4
"""Connections of the others, who make proxied calls with recall."""

FEW = 200
"""Memories that the others have."""

_HEADERS: Mapping[str, str] = {"X-Remora-Skip-Extract": "true"}


@dataclass
class Meanwhile:
    """One thing done to the crowd, and what the others had of it."""

    name: str
    others: Figures
    own: list[float] = field(default_factory=list)
    """Milliseconds of each such request."""


def beside_a_crowd(server: Server, requests: Path, *, seconds: int) -> Iterator[Meanwhile]:
    """First with nothing else going on; last the deletion, after which the crowd is gone. Raises LoadFailedError."""
    texts = cycle(question for _, question in corpus.questions(1))
    with httpx.Client(base_url=server.url, timeout=300) as client:

        def search() -> None:
            asked = {"query": next(texts), "namespace": CROWD, "limit": 100}
            client.post("/v1/memories/search", json=asked).raise_for_status()

        def count() -> None:
            _get(client, "/v1/memories", namespace=CROWD, type="semantic", limit=1)
            _get(client, f"/v1/namespaces/{CROWD}")
            _get(client, "/v1/stats")

        doings: dict[str, Callable[[], object]] = {
            "listed, 1,000 at a time": lambda: _get(client, "/v1/memories", namespace=CROWD, limit=1000, offset=9000),
            "searched": search,
            "counted": count,
            "exported": lambda: _get(client, "/v1/memories/export", namespace=CROWD),
        }
        yield Meanwhile("left alone", _others(server, requests, seconds))
        for name, do in doings.items():
            own: list[float] = []
            with _over_and_over(do, own):
                others = _others(server, requests, seconds)
            yield Meanwhile(name, others, own)
        own = []
        with _over_and_over(lambda: client.delete(f"/v1/namespaces/{CROWD}?force=true").raise_for_status(), own, 1):
            others = _others(server, requests, seconds)
        yield Meanwhile("deleted", others, own)


def table(found: Mapping[str, list[Meanwhile]]) -> str:
    """By engine."""
    lines = [
        f"While a namespace with {corpus.MEMORIES:,} memories is …; proxied calls of others at {OTHERS} connections:",
        "",
        "| | | requests/s | p50, ms | p99, ms | its own, ms |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for engine, rows in found.items():
        for row in rows:
            own = f"{statistics.median(row.own):,.1f}" if row.own else ""
            others = row.others
            cells = [f"{others['per_second']:,.0f}", f"{others['p50']:.1f}", f"{others['p99']:.1f}", own]
            lines.append(f"| {engine} | {row.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--seconds", type=click.IntRange(min=1), default=3, help="How long each doing is measured.")
def main(seconds: int) -> None:
    """Measure it on both engines; print one Markdown table."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as scratch, ExitStack() as stack:
        folder = Path(scratch)
        upstream = stack.enter_context(running("tests.bench.upstream", folder=folder))
        redis = stack.enter_context(RedisServer(appendfsync="everysec"))
        corpus.write_requests(requests := folder / "requests.tsv", corpus.USERS)
        for engine, store in {"Redis": redis.url, "SQLite": "sqlite:///crowd.db"}.items():
            settings = {"REMORA_UPSTREAM_BASE_URL": f"{upstream.url}/v1", "REMORA_STORE": store}
            with running("proxy.cli", "serve", folder=folder, settings=settings) as server:
                list(load_memories(server, corpus.USERS, at_most=FEW))
                list(load_memories(server, corpus.USERS, namespace=CROWD))
                found[engine] = list(beside_a_crowd(server, requests, seconds=seconds))
    click.echo(table(found))


def _others(server: Server, requests: Path, seconds: int) -> Figures:
    url, whole = f"{server.url}/v1/chat/completions", Expected(len(COMPLETION), len(COMPLETION), "}")
    return load.answers(url, requests, _HEADERS, whole, connections=OTHERS, seconds=seconds)


def _get(client: httpx.Client, path: str, **query: str | int) -> None:
    client.get(path, params=query).raise_for_status()


@contextmanager
def _over_and_over(do: Callable[[], object], times: list[float], at_most: int | None = None) -> Iterator[None]:
    """Does it again and again beside what the block does, and notes in `times` how many milliseconds each took; where
    `at_most` is given, also waits for the last."""
    over, failed = threading.Event(), list[Exception]()

    def repeat() -> None:
        while not over.is_set() and len(times) != at_most:
            started = time.perf_counter()
            try:
                do()
            except httpx.HTTPError as error:
                failed.append(error)
                return
            times.append(1000 * (time.perf_counter() - started))

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failed:
        raise load.LoadFailedError(str(failed[0])) from failed[0]


if __name__ == "__main__":
    main()

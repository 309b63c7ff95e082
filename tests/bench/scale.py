"""Search and insertion from 1,000 memories to 100,000 (a million on Redis), in one namespace and over 1,000 of them.

Each retrieval (`Recall.find`: embedding the question, both legs, neighbours, ranking) is measured beside the engine's
own query for the same: on Redis the same searches as one raw pipeline, on SQLite the same SQL and product of matrices,
with no more done to the rows than to fetch them.

`path` says who answered: `held` is memories held in the process, `index` the engine's index.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
from msgspec import Struct

from config.settings import Retrieval
from memory.caller import SHARED, user_owner
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Filter, Record
from memory.engines.held import MOST_MEMORIES
from memory.ids import IdSource
from memory.model import Memory
from memory.service.recall import Recall
from tests.bench import corpus
from tests.bench.progress import Steps, steps
from tests.bench.scale_engines import OPENERS, Opened

SIZES = (1_000, 10_000, 100_000)
MILLION = 1_000_000
NAMESPACES = 1_000
BATCH = 200
ROUNDS = 4
QUESTIONS = 50
"""To a round."""
ACTIVE = 50
"""Namespaces that are asked: each once before what counts, so that what is held of it is held by then."""
USER = "user"


class Case(Struct, frozen=True):
    engine: str
    size: int
    namespaces: int
    may_hold: bool = True
    """Whether the process may hold small scopes."""

    @property
    def path(self) -> str:
        return "held" if self.may_hold and self.size // self.namespaces <= MOST_MEMORIES else "index"


class Cost(Struct, frozen=True):
    """Of the queries of a case: milliseconds each by the clock, and of processor time each, the engine's included."""

    p50: float
    p99: float
    processor: float


class Result(Struct, frozen=True):
    case: Case
    inserts: float
    """Per second of the clock."""
    insert_processor: float
    """Milliseconds of processor time for one, the engine's included."""
    raw: Cost
    recall: Cost

    @property
    def ratio(self) -> float:
        return self.recall.processor / self.raw.processor


class Question(Struct, frozen=True):
    where: Filter
    text: str


async def measure(case: Case, progress: Steps, embedder: BundledEmbedder) -> Result:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="remora-scale-")))
        opened = await stack.enter_async_context(OPENERS[case.engine](folder, embedder.spec, case.may_hold))
        progress.say(f"{case.engine}: {case.size:,} memories in {case.namespaces:,} namespaces")
        inserts, insert_processor = await _load(case, opened, embedder, progress)
        recall = Recall(opened.memories, embedder, Retrieval())
        raw_times: list[float] = []
        times: list[float] = []
        raw_processor = processor = 0.0
        asked = iter(_questions(case))
        warm = [next(asked) for _ in range(QUESTIONS)]
        for question in warm:
            await recall.find(question.where, question.text)
        for _ in range(ROUNDS):
            batch = [next(asked) for _ in range(QUESTIONS)]
            vectors = [(await embedder.embed([question.text]))[0] for question in batch]
            # What a search remembers of the store (how many a filter lets through …) is there for both.
            for question, vector in zip(batch, vectors, strict=True):
                await opened.prepare(question.where, question.text, vector)
            before = _processor(opened)
            for question, vector in zip(batch, vectors, strict=True):
                started = time.perf_counter()
                await opened.raw(question.where, question.text, vector)
                raw_times.append(1000 * (time.perf_counter() - started))
            between = _processor(opened)
            for question in batch:
                started = time.perf_counter()
                await recall.find(question.where, question.text)
                times.append(1000 * (time.perf_counter() - started))
            raw_processor += between - before
            processor += _processor(opened) - between
        return Result(
            case=case,
            inserts=inserts,
            insert_processor=insert_processor,
            raw=_cost(raw_times, raw_processor),
            recall=_cost(times, processor),
        )


async def _load(case: Case, opened: Opened, embedder: BundledEmbedder, progress: Steps) -> tuple[float, float]:
    """Inserts per second, and milliseconds of processor time for each; making the memories is not counted."""
    spent = processor = 0.0
    done = 0
    with progress.counting("memories", case.size) as tell:
        for batch in _memories(case):
            vectors = await embedder.embed([memory.content for memory in batch])
            records = [Record(memory=memory, vector=vector) for memory, vector in zip(batch, vectors, strict=True)]
            before, started = _processor(opened), time.perf_counter()
            await opened.memories.insert(records)
            spent += time.perf_counter() - started
            processor += _processor(opened) - before
            done += len(batch)
            tell(done)
    return case.size / spent, 1000 * processor / case.size


def _memories(case: Case) -> Iterator[list[Memory]]:
    """In batches: turns of sessions of corpus.SESSION, 8 to 29 words each, evenly over the namespaces."""
    ids = IdSource()
    random = np.random.default_rng(1)
    now = time.time_ns() // 1_000_000
    for start in range(0, case.size, BATCH):
        count = min(BATCH, case.size - start)
        lengths = random.integers(8, 30, count)
        text = iter(corpus.words(int(lengths.sum()), random))
        batch = []
        for number, id in enumerate(ids.take(count), start):
            place, turn = number % case.namespaces, number // case.namespaces
            batch.append(
                Memory(
                    id=id,
                    tenant="default",
                    namespace=f"space-{place}",
                    content=" ".join(next(text) for _ in range(lengths[number - start])),
                    content_hash=str(number),
                    type="episodic",
                    user_id=USER,
                    run_id=f"session-{turn // corpus.SESSION}",
                    seq=turn % corpus.SESSION + 1,
                    created_at=now,
                    updated_at=now,
                    accessed_at=now,
                    token_count=20,
                )
            )
        yield batch


def _questions(case: Case) -> Iterator[Question]:
    for number, (_, text) in enumerate(corpus.questions(1)):
        place = number % min(case.namespaces, ACTIVE)
        where = Filter(tenant="default", namespaces=(f"space-{place}",), owners=(user_owner(USER), SHARED))
        yield Question(where, text.replace(corpus.MARK, f"#{number}"))


def _processor(opened: Opened) -> float:
    """Seconds of processor time so far."""
    own = time.process_time()
    if opened.server is None:
        return own
    user, system = opened.server.cpu_times()[:2]
    return own + float(user) + float(system)


def _cost(times: Sequence[float], processor: float) -> Cost:
    p50, p99 = np.percentile(times, (50, 99))
    return Cost(p50=float(p50), p99=float(p99), processor=1000 * processor / len(times))


def head() -> str:
    names = [
        *("engine", "memories", "namespaces", "path", "inserts/s", "an insert, ms of processor"),
        *("raw query p50 / p99, ms", "retrieval p50 / p99, ms", "of processor: raw, ms", "retrieval, ms", "ratio"),
    ]
    return _line(names) + "\n" + _line(["---"] * 4 + ["---:"] * (len(names) - 4))


def row(found: Result) -> str:
    case, raw, recall = found.case, found.raw, found.recall
    return _line(
        [
            *(case.engine, f"{case.size:,}", f"{case.namespaces:,}", case.path),
            *(f"{found.inserts:,.0f}", f"{found.insert_processor:.2f}"),
            *(f"{raw.p50:.2f} / {raw.p99:.2f}", f"{recall.p50:.2f} / {recall.p99:.2f}"),
            *(f"{raw.processor:.2f}", f"{recall.processor:.2f}", f"{found.ratio:.1f}"),
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


async def run(cases: Sequence[Case], tell: Callable[[str], object]) -> None:
    """Tells the table, a row as soon as it is there."""
    embedder = BundledEmbedder()
    with steps() as progress:
        tell(head())
        for case in cases:
            tell(row(await measure(case, progress, embedder)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--million", action="store_true", help="a million memories, on Redis only")
    parser.add_argument("--engine", choices=list(OPENERS), help="only this one")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--namespaces", type=int, nargs="+", default=(1, NAMESPACES), metavar="N")
    parser.add_argument("--nothing-held", action="store_true", help="leave small scopes to the index too")
    arguments = parser.parse_args()
    engines = ["redis"] if arguments.million else [arguments.engine] if arguments.engine else list(OPENERS)
    sizes = (MILLION,) if arguments.million else arguments.sizes
    cases = [
        Case(engine, size, namespaces, may_hold=not arguments.nothing_held)
        for engine in engines
        for namespaces in arguments.namespaces
        for size in sizes
        if size >= namespaces
    ]
    asyncio.run(run(cases, print))


if __name__ == "__main__":
    main()

"""How many exchanges a second the learning worker keeps up with, by rules, on each engine, for one core.

Processor time decides, the engine's own process included, so that it matters little what else the machine does. Beside
it, in the same run, stand plain inserts of as many memories as were learned, each written by itself.
"""

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import psutil
import uvloop
from msgspec import Struct, structs

from config.settings import Extraction, Settings, Worker
from memory.caller import Caller
from memory.extraction import worker
from memory.extraction.exchange import Exchange, enqueue_exchange
from memory.service.drafts import MemoryDraft
from proxy.parts import Parts, open_parts
from tests.bench.progress import Steps, steps
from tests.support.redis_server import RedisServer

EXCHANGES = 2_000
USERS = 100

# Some teach several facts, some one that supersedes another, some none.
SAID = (
    "I live in {place} and I work as a {job}.",
    "Thanks! What would you cook on a rainy evening?",
    "My sister's name is {name}. I'm allergic to peanuts.",
    "Can you rewrite that a bit shorter, please?",
    "I prefer {drink} to coffee. Please always answer in short sentences.",
    "I moved to {place} last month.",
    "How far is it from here to the sea?",
    "Actually I don't like {drink} any more.",
)
ANSWER = "Of course. " + "Here is what I would suggest, step by step, with a reason for each of the steps. " * 6
WORDS = {
    "place": ("Lisbon", "Bergen", "Turin", "Ghent", "Porto", "Graz", "Malmö"),
    "job": ("nurse", "carpenter", "pilot", "teacher", "baker"),
    "name": ("Ada", "Grace", "Emmy", "Sofia", "Lise"),
    "drink": ("tea", "cocoa", "juice", "water"),
}


class Result(Struct, frozen=True):
    engine: str
    exchanges: int
    memories: int
    learned: float
    """Milliseconds of processor time to an exchange."""
    inserted: float
    """The same to a plain insert."""

    @property
    def ratio(self) -> float:
        """Of what was learned to the inserts of the same memories."""
        return self.learned * self.exchanges / (self.inserted * self.memories)


def exchanges(count: int) -> Iterator[Exchange]:
    """Of USERS users in turn, each in one session."""
    choices = {name: itertools.cycle(words) for name, words in WORDS.items()}
    for number in range(count):
        turn = number // USERS
        said = SAID[turn % len(SAID)].format(**{name: next(words) for name, words in choices.items()})
        yield Exchange(
            tenant="default",
            namespace="default",
            user_id=f"user-{number % USERS}",
            credential="bench",
            run_id=f"session-{turn // 40}",
            asked=[said],
            answer=ANSWER,
            preceding=str(turn),
            at=time.time_ns() // 1_000_000 + number,
            request_id=f"req_{number}",
        )


async def measure(engine: str, parts: Parts, server: psutil.Process | None, count: int, progress: Steps) -> Result:
    progress.say(f"{engine}: {count:,} exchanges")
    for exchange in exchanges(count):
        await parts.engine.jobs.enqueue(enqueue_exchange(exchange))
    learning = await _processor(lambda: _drain(parts, count, progress), server)
    caller = Caller(tenant="default", credential="bench", scopes=frozenset(("write", "read")))
    memories = (await parts.engine.memories.usage("default")).memories
    progress.say(f"{engine}: {memories:,} plain inserts")

    async def insert() -> None:
        for number in range(memories):
            draft = MemoryDraft(content=f"User: Plain memory number {number}.\nAssistant: {ANSWER}", user_id="plain")
            await parts.remember.one(caller, draft, "default")

    inserting = await _processor(insert, server)
    return Result(
        engine=engine,
        exchanges=count,
        memories=memories,
        learned=1000 * learning / count,
        inserted=1000 * inserting / memories,
    )


async def _drain(parts: Parts, count: int, progress: Steps) -> None:
    """As `remora work` does it."""
    done = 0
    over = asyncio.Event()
    with progress.counting("exchanges", count) as tell:

        def watch(kind: str, outcome: worker.JobOutcome, seconds: float) -> None:
            nonlocal done
            assert outcome == "done", f"a {kind} job was {outcome}"
            done += 1
            tell(done)
            if done == count:
                over.set()

        concurrency = parts.settings.worker.concurrency
        working = worker.Worker(parts.engine, parts.handlers, concurrency=concurrency, watch=watch)
        task = parts.supervisor.start(working.run(), name="worker")
        await over.wait()
        task.cancel()
        await asyncio.wait((task,))


async def _processor(do: Callable[[], Awaitable[None]], server: psutil.Process | None) -> float:
    """Seconds of processor time that it takes."""
    before = _spent(server)
    await do()
    return _spent(server) - before


def _spent(server: psutil.Process | None) -> float:
    user, system = (0.0, 0.0) if server is None else server.cpu_times()[:2]
    return time.process_time() + float(user) + float(system)


@asynccontextmanager
async def opened(engine: str) -> AsyncIterator[tuple[Parts, psutil.Process | None]]:
    settings = Settings(extraction=Extraction(mode="rules"), worker=Worker(inside=False))
    if engine == "redis":
        with RedisServer(appendfsync="everysec") as server:
            async with open_parts(structs.replace(settings, store=server.url)) as parts:
                yield parts, psutil.Process(server.pid)
    else:
        with tempfile.TemporaryDirectory(prefix="remora-learning-") as folder:
            async with open_parts(structs.replace(settings, store=f"sqlite:///{folder}/learning.db")) as parts:
                yield parts, None


def table(results: list[Result]) -> str:
    lines = [
        "| engine | exchanges | memories | exchanges/s of a core | ms for one | ms for a plain insert | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {found.engine} | {found.exchanges:,} | {found.memories:,} | {1000 / found.learned:,.0f} "
        f"| {found.learned:.2f} | {found.inserted:.2f} | {found.ratio:.1f} |"
        for found in results
    ]
    return "\n".join(lines) + "\n"


async def run(engines: list[str], count: int) -> list[Result]:
    results = []
    with steps() as progress:
        for engine in engines:
            async with opened(engine) as (parts, server):
                results.append(await measure(engine, parts, server, count, progress))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.learning", description=__doc__)
    parser.add_argument("--exchanges", type=int, default=EXCHANGES)
    parser.add_argument("--engine", choices=["redis", "sqlite"], nargs="+", default=["redis", "sqlite"])
    arguments = parser.parse_args()
    sys.stdout.write(table(uvloop.run(run(arguments.engine, arguments.exchanges))))


if __name__ == "__main__":
    main()

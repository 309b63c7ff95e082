"""Paced streams, several at once, from a process of their own: how late each event comes, and how evenly.

    python -m tests.bench.streams < TASK > FIGURES

Each event says when the upstream sent it, so its delay is that of the way back alone, and no clock is guessed.
"""

import asyncio
import gc
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import cast
from urllib.parse import urlsplit

import httptools
import msgspec
import numpy as np
import uvloop

from tests.bench import corpus
from tests.bench.load import Figures, LoadFailedError
from tests.bench.servers import ROOT
from tests.bench.upstream import EVENTS, PACE, PACED

_STAMP = re.compile(rb'"content": ?" ([0-9]+\.[0-9]+)"')


class Task(msgspec.Struct):
    url: str
    users: int
    headers: dict[str, str]
    at_once: int
    turns: int
    """How many streams each connection asks for, one after the other."""
    first_question: int
    """From which number on they are new."""


class Stream(msgspec.Struct):
    """One whole stream; seconds."""

    first_event: float
    delays: list[float]
    gaps: list[float]
    """Between two events as they came."""


def paced(task: Task) -> Figures:
    """`first_event` (p50, from the request), `delay_p50`, `delay_p99` (of an event, since the upstream sent it) and
    `jitter` (p99 of how far from PACE two events are apart). Raises LoadFailedError if a stream was not whole."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.streams"],
        input=msgspec.json.encode(task),
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode != 0:
        raise LoadFailedError(f"{task.url}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    return msgspec.json.decode(done.stdout, type=dict[str, float])


def figures(streams: Sequence[Stream]) -> dict[str, float]:
    """Of what the streams were like; see `paced`."""
    delays = np.array([delay for stream in streams for delay in stream.delays]) * 1e3
    gaps = np.array([gap for stream in streams for gap in stream.gaps]) * 1e3
    return {
        "first_event": float(np.median([stream.first_event for stream in streams])) * 1e3,
        "delay_p50": float(np.percentile(delays, 50)),
        "delay_p99": float(np.percentile(delays, 99)),
        "jitter": float(np.percentile(np.abs(gaps - PACE * 1e3), 99)),
    }


class Client(asyncio.Protocol):
    """One connection: one stream at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[list[tuple[float, bytes]]] | None = None
        self.began = asyncio.Event()
        """The stream's first bytes are there, or never will be."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server hung up: {exc}")

    def close(self) -> None:
        """Whatever is still to come."""
        if self._answer is not None:
            self._answer.cancel()
        self._transport.close()

    def ask(self, request: bytes) -> asyncio.Future[list[tuple[float, bytes]]]:
        """The answer's body in pieces, each with when it came; raises LoadFailedError where it is no 200."""
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[tuple[float, bytes]] = []
        self._answer = asyncio.get_running_loop().create_future()
        self.began.clear()
        if self._transport.is_closing():
            self._fail("the server hung up")
        else:
            self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.began.set()
        self._pieces.append((time.monotonic(), body))

    def on_message_complete(self) -> None:
        if self._answer is None or self._answer.done():
            return
        if (status := self._parser.get_status_code()) != 200:
            self._fail(f"a stream was answered with {status}: {b''.join(piece for _, piece in self._pieces)[:500]!r}")
        else:
            self._answer.set_result(self._pieces)

    def _fail(self, reason: str) -> None:
        self.began.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LoadFailedError(reason))


def read(asked: float, pieces: Sequence[tuple[float, bytes]]) -> Stream:
    """What a paced stream was like. Raises LoadFailedError unless all its events are there, and `[DONE]` after them."""
    # A piece may end within an event: it came when its last byte did.
    times: list[float] = []
    stamps: list[float] = []
    rest = b""
    for came, piece in pieces:
        *whole, rest = (rest + piece).split(b"\n\n")
        for event in whole:
            if found := _STAMP.search(event):
                times.append(came)
                stamps.append(float(found[1]))
    if len(times) != EVENTS or not b"".join(piece for _, piece in pieces).endswith(b"data: [DONE]\n\n"):
        raise LoadFailedError(f"a stream had {len(times)} of its {EVENTS} events, or no end")
    return Stream(
        first_event=times[0] - asked,
        delays=[came - sent for came, sent in zip(times, stamps, strict=True)],
        gaps=[later - earlier for earlier, later in pairwise(times)],
    )


async def connected(url: str) -> Client:
    """To the server of a URL."""
    place = urlsplit(url)
    _, client = await asyncio.get_running_loop().create_connection(Client, place.hostname or "", place.port or 80)
    return client


def requests(task: Task, model: str) -> list[bytes]:
    """One for each stream of the task, every one another user's and another question."""
    path = urlsplit(task.url).path
    count = task.at_once * task.turns
    return [
        corpus.stream_request(
            user, text.replace(corpus.MARK, f"#{task.first_question + at}"), model, path, task.headers
        )
        for at, (user, text) in enumerate(corpus.questions(task.users, count))
    ]


async def _measure(task: Task) -> list[Stream]:
    asked = requests(task, PACED)
    # Spread over the time of one stream, so that they don't all begin, and send, together.
    pause = EVENTS * PACE / task.at_once

    async def one(number: int) -> list[Stream]:
        await asyncio.sleep(number * pause)
        client = await connected(task.url)
        found = []
        for request in asked[number :: task.at_once]:
            began = time.monotonic()
            found.append(read(began, await client.ask(request)))
        client.close()
        return found

    return [stream for found in await asyncio.gather(*map(one, range(task.at_once))) for stream in found]


def main() -> None:
    """Read the task, measure, write the figures."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    gc.disable()
    sys.stdout.buffer.write(msgspec.json.encode(figures(uvloop.run(_measure(task)))))


if __name__ == "__main__":
    main()

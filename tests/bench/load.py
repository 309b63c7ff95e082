"""Load on one server: wrk for whole answers, a client of our own for streams, which wrk can't tell apart."""

import asyncio
import json
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

from tests.bench.upstream import EVENTS

SCRIPT = Path(__file__).with_name("wrk.lua")


class LoadFailedError(Exception):
    """Answers failed, or the load tool did."""


@dataclass(frozen=True)
class Answers:
    """Milliseconds, and answers per second."""

    per_second: float
    p50: float
    p99: float
    used: float | None = None
    """The share of answers that memory was used for, where that was counted."""


@dataclass(frozen=True)
class Streams:
    first_event: float
    """Median milliseconds from the request to the first event, one stream at a time."""
    events_per_second: float
    """Of several streams at once."""


def answers(
    url: str,
    requests: Path,
    headers: Mapping[str, str],
    *,
    connections: int,
    seconds: float,
    unique: bool,
    remembers: bool,
) -> Answers:
    """Send the requests of a file (see wrk.lua) for so long. Raises LoadFailedError unless each is answered 2xx."""
    flags = (str(int(flag)) for flag in (unique, remembers))
    done = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s"),
            *("--timeout", "30s", "--script", str(SCRIPT), url, "--", str(requests), *flags),
            *(f"{name}={value}" for name, value in headers.items()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    _, found, line = done.stdout.partition("RESULT ")
    if not found:
        raise LoadFailedError(f"wrk: {done.stderr or done.stdout}")
    result = json.loads(line)
    if result["failures"] or not result["requests"]:
        raise LoadFailedError(f"{url}: {result['failures']} failures among {result['requests']} requests")
    return Answers(
        per_second=result["requests"] / result["microseconds"] * 1e6,
        p50=result["p50"] / 1e3,
        p99=result["p99"] / 1e3,
        used=result["used"] / result["requests"] if remembers else None,
    )


def streams(url: str, requests: Sequence[bytes], *, at_once: int, seconds: float) -> Streams:
    """Ask for streams, half the time one by one and half `at_once`. Raises LoadFailedError if one was not whole."""
    return uvloop.run(_streams(url, requests, at_once, seconds / 2))


async def _streams(url: str, requests: Sequence[bytes], at_once: int, seconds: float) -> Streams:
    place = urlsplit(url)
    address = (place.hostname or "", place.port or 80)
    alone = await _repeat(address, requests, seconds)
    started = time.perf_counter()
    together = await asyncio.gather(*(_repeat(address, requests[number:], seconds) for number in range(at_once)))
    elapsed = time.perf_counter() - started
    return Streams(
        first_event=statistics.median(alone) * 1e3, events_per_second=sum(map(len, together)) * EVENTS / elapsed
    )


async def _repeat(address: tuple[str, int], requests: Sequence[bytes], seconds: float) -> list[float]:
    """Seconds to the first event of each stream asked for, one after the other over one connection."""
    _, client = await asyncio.get_running_loop().create_connection(_Client, *address)
    times: list[float] = []
    end = time.perf_counter() + seconds
    try:
        while time.perf_counter() < end:
            times.append(await client.ask(requests[len(times) % len(requests)]))
    finally:
        client.close()
    return times


class _Client(asyncio.Protocol):
    """One connection: one stream at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server hung up: {exc}")

    def close(self) -> None:
        self._transport.close()

    async def ask(self, request: bytes) -> float:
        if self._transport.is_closing():
            raise LoadFailedError("the server hung up")
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._answered: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._first = 0.0
        started = time.perf_counter()
        self._transport.write(request)
        return await self._answered - started

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if not self._first and b"data:" in body:
            self._first = time.perf_counter()
        self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        events = b"".join(self._body).count(b"data: {")
        if (status, events) != (200, EVENTS):
            self._fail(f"a stream was answered with {status} and {events} events of {EVENTS}")
        elif not self._answered.done():
            self._answered.set_result(self._first)

    def _fail(self, reason: str) -> None:
        if hasattr(self, "_answered") and not self._answered.done():
            self._answered.set_exception(LoadFailedError(reason))

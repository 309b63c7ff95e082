"""The server's figures, for Prometheus.

They are of all tenants together. A label holds one of a few words of this program: never a name, a key, a model or
anything else that a client chooses.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from context.assemble import Assembled
from context.receipt import Outcome
from memory.extraction.learned import Learned
from memory.extraction.worker import JobOutcome

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which several processes keep their figures; prometheus_client reads it when it is imported."""

Kind = Literal["chat", "other"]
"""Of a proxied request: one that remembers, or one that is passed through."""

RequestKind = Literal["proxied", "native"]
"""A call to be passed on to the upstream, or one to Remora's own API."""

Cause = Literal["configuration", "deadline", "embedder", "fault", "quota", "request", "store"]
"""Why a call went on without memory, or with less than all of it: the namespace's configuration, memory was too slow,
the embedder was away, a fault of ours, a quota was used up, a request that can't be read, the store was away."""

Refusal = Literal["full", "share", "bodies"]
"""Why there was no place for a request: all are taken, its tenant has its share, or too much is held of bodies."""

StreamEnd = Literal["complete", "client_gone", "upstream_broke", "shutdown"]

_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_BROAD = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class Metrics:
    """Counts what it is told. `docs/metrics.md` lists it all."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._several_processes = FOLDER_VARIABLE in os.environ

        def counter(name: str, text: str) -> Counter:
            return Counter(f"remora_{name}", text, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"remora_{name}", text, multiprocess_mode="livesum", registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"remora_{name}", text, registry=registry, buckets=buckets)

        # Finding a series by its labels costs more than counting in it, so each is kept.
        def counters(name: str, labels: str, text: str) -> Callable[..., Counter]:
            return cache(Counter(f"remora_{name}", text, labels.split(), registry=registry).labels)

        def histograms(name: str, labels: str, text: str, buckets: tuple[float, ...]) -> Callable[..., Histogram]:
            return cache(Histogram(f"remora_{name}", text, labels.split(), registry=registry, buckets=buckets).labels)

        self._proxied = counters(
            "proxied_requests",
            "memory status",
            "Proxied requests, by what memory did for them (none: passed through, or refused before) and by the class "
            "of their status (none: the client left before there was one)",
        )
        self._under_way: Mapping[RequestKind, Gauge] = {
            "proxied": gauge("proxied_requests_in_progress", "Proxied requests under way"),
            "native": gauge(
                "native_requests_in_progress", "Requests to Remora's own API under way, but for the operator's"
            ),
        }
        self._turned_away = counters(
            "refused_requests",
            "kind cause",
            "Requests turned away since too much was under way: in all (full), of their tenant's (share), or of bodies "
            "(bodies)",
        )
        self._native = counters(
            "native_requests", "operation status", "Requests to Remora's own API, by operation and class of status"
        )
        self._native_seconds = histograms(
            "native_request_seconds",
            "operation",
            "From a request to Remora's own API until its status went out",
            _QUICK,
        )
        self._headers = histograms(
            "upstream_headers_seconds", "kind", "From a request to the upstream until its status", _SLOW
        )
        self._first_token = histogram(
            "upstream_first_token_seconds",
            "From a chat request to the upstream until the first event of its stream with text or a tool call",
            _SLOW,
        )
        self._overhead = histograms(
            "overhead_seconds",
            "kind",
            "What Remora added to a proxied request before its status went out: all but the wait for the upstream",
            _QUICK,
        )
        self._streams = counters("streams", "end", "Streams relayed from the upstream, by how they ended")
        self._memories = counter("memories_injected", "Memories put into prompts")
        self._tokens = counter("tokens_injected", "Tokens of memory put into prompts, headings included")
        self._saved = counter(
            "tokens_saved", "Tokens of memories that were relevant to a call and did not have to be sent for its budget"
        )
        self._assembly = histograms(
            "assembly_seconds",
            "step",
            "How long finding and rendering the memories for a call took, by step; total is all of them",
            _QUICK,
        )
        self._degraded = counters(
            "degraded_requests", "cause", "Chat calls that went on without memory, or with less than all of it"
        )
        self._deferred = counter(
            "writes_deferred", "Answers that went out before their receipt and what they teach were stored"
        )
        self._lost = counter("writes_lost", "Calls whose receipt and what they teach could not be stored at all")
        self._jobs = histograms("job_seconds", "kind outcome", "How long attempts at background jobs took", _BROAD)
        self._learned = counters("memories_learned", "type", "Memories drawn from exchanges")
        self._refused = counter(
            "memories_refused", "Memories that were to be learned, and that a quota or a rule of the namespace forbade"
        )
        # So that what has never happened reads 0, and not nothing.
        for cause in get_args(Cause):
            self._degraded(cause)
        for end in get_args(StreamEnd):
            self._streams(end)
        for kind in get_args(RequestKind):
            for refusal in get_args(Refusal):
                self._turned_away(kind, refusal)
        if not self._several_processes:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)

    # Requests

    def begun(self, kind: RequestKind) -> None:
        """A request has got a place."""
        self._under_way[kind].inc()

    def over(self, kind: RequestKind) -> None:
        """It has given the place back."""
        self._under_way[kind].dec()

    def refused(self, kind: RequestKind, cause: Refusal) -> None:
        """A request was turned away since too much is under way."""
        self._turned_away(kind, cause).inc()

    def proxied(self, *, status: int | None, memory: Outcome | None) -> None:
        """A proxied request is over. `status` None: nobody was there to be told it."""
        self._proxied(memory or "none", _class(status)).inc()

    def native(self, operation: str, *, status: int | None, seconds: float) -> None:
        """A request to our own API is over; `operation` is the route's."""
        self._native(operation, _class(status)).inc()
        self._native_seconds(operation).observe(seconds)

    def upstream_answered(self, kind: Kind, seconds: float) -> None:
        self._headers(kind).observe(seconds)

    def first_token(self, seconds: float) -> None:
        self._first_token.observe(seconds)

    def added(self, kind: Kind, milliseconds: float) -> None:
        """The overhead of a proxied request."""
        self._overhead(kind).observe(milliseconds / 1000)

    def stream_ended(self, end: StreamEnd) -> None:
        self._streams(end).inc()

    # Memory

    def injected(self, assembled: Assembled) -> None:
        """What was found went into a prompt, be it nothing."""
        self._memories.inc(len(assembled.memories))
        self._tokens.inc(assembled.token_count)
        self._saved.inc(assembled.left_out)
        self._timed(assembled.timings)

    def degraded(self, cause: Cause) -> None:
        self._degraded(cause).inc()

    def write_deferred(self) -> None:
        self._deferred.inc()

    def write_lost(self) -> None:
        self._lost.inc()

    # Learning

    def job_ended(self, kind: str, outcome: JobOutcome, seconds: float) -> None:
        """An attempt at a job; `kind` is one that the worker has a handler for."""
        self._jobs(kind, outcome).observe(seconds)

    def learned(self, learned: Learned) -> None:
        new = set(learned.stored)
        self._learned("episodic").inc(len(new.intersection(learned.episodes)))
        self._learned("semantic").inc(len(new.intersection(learned.facts)))
        self._refused.inc(len(learned.refused))

    # Reading them

    def reading(self, *others: Collector) -> Collector:
        """What a scrape reads: of all processes where there are several, and what `others` add."""
        own = MultiProcessCollector(None) if self._several_processes else self._registry
        return _Reading((own, *others))

    def _timed(self, milliseconds: Mapping[str, float]) -> None:
        for step, each in milliseconds.items():
            self._assembly(step).observe(each / 1000)


class _Reading(Collector):
    def __init__(self, sources: Iterable[Collector]) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        for source in self._sources:
            for metric in source.collect():
                # When each series began doubles their number; several processes don't tell it either.
                metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
                yield metric


def _class(status: int | None) -> str:
    return "none" if status is None else f"{status // 100}xx"

"""The figures as Prometheus reads them."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from admin.metrics import Metrics
from memory.engines.base import Backlog, Jobs
from memory.errors import Unavailable

PATIENCE_SECONDS = 1.0
"""How long a scrape waits for the engine; where it does not answer, the figures of its queue are left out."""


class Scrape:
    def __init__(self, metrics: Metrics, jobs: Jobs) -> None:
        self._metrics = metrics
        self._jobs = jobs

    async def text(self, accept: str) -> tuple[bytes, str]:
        """All figures in the format that this `Accept` header asks for (OpenMetrics, or else Prometheus' own), and its
        content type."""
        encode, content_type = choose_encoder(accept)
        reading = self._metrics.reading(_Queue(await self._backlog()))
        # In a thread, since several processes' figures are read from files.
        return await asyncio.to_thread(encode, reading), content_type

    async def _backlog(self) -> Backlog | None:
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._jobs.backlog()
        return None


class _Queue(Collector):
    """The queue's, as it is now: not something that a process counts."""

    def __init__(self, backlog: Backlog | None) -> None:
        self._backlog = backlog

    def collect(self) -> Iterable[Metric]:
        backlog = self._backlog
        if backlog is not None:
            yield GaugeMetricFamily(
                "remora_jobs_waiting", "Jobs that are due and not done, running ones too", backlog.waiting
            )
            yield GaugeMetricFamily("remora_jobs_dead", "Jobs given up after all their attempts", backlog.dead)
            yield GaugeMetricFamily(
                "remora_oldest_job_age_seconds",
                "For how long the oldest job not done has been due; 0 without any",
                backlog.oldest_ms / 1000,
            )

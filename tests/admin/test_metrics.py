import asyncio
import re
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from admin import scrape
from admin.metrics import Metrics
from admin.scrape import Scrape
from context.analysis import analyse
from context.assemble import Assembled
from context.entry import Entry
from context.zones import ZoneStats
from memory.engines.base import Backlog
from memory.engines.sqlite.jobs import SqliteJobs
from memory.errors import StoreUnavailable
from memory.extraction.learned import Learned
from memory.retrieval.ranked import Ranked
from tests.support.figures import figure, served
from tests.support.hits import a_hit

LABELS = {"memory", "status", "operation", "kind", "step", "cause", "end", "outcome", "type", "le"}
"""Each has a few values, all of them words of this program."""


class Queue(SqliteJobs):
    """Answers as it is told."""

    def __init__(self, backlog: Backlog | None = None, *, away: bool = False) -> None:
        self._answer = backlog
        self._away = away

    async def backlog(self) -> Backlog:
        if self._away:
            raise StoreUnavailable("away")
        if self._answer is None:
            await asyncio.Event().wait()
        assert self._answer is not None
        return self._answer


DOCUMENTATION = Path(__file__).parents[2] / "docs" / "metrics.md"

IDLE = Queue(Backlog(waiting=0, dead=0, oldest_ms=0))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def told(metrics: Metrics) -> None:
    """Something of everything."""
    metrics.proxied(status=200, memory="used")
    metrics.native("search", status=404, seconds=0.01)
    metrics.upstream_answered("chat", 1.0)
    metrics.first_token(1.0)
    metrics.added("chat", 5.0)
    metrics.injected(assembled())
    metrics.job_ended("learn", "done", 0.1)
    metrics.learned(Learned())


def assembled() -> Assembled:
    one = Ranked(a_hit(1, "x"), 1.0)
    placed = Entry(ranked=one, position="middle", content="x", line="- x\n", token_count=7, group=None)
    return Assembled(
        content="x",
        memories=[placed, placed],
        token_count=30,
        token_budget=100,
        left_out=12,
        zones=ZoneStats(),
        analysis=analyse("x"),
        encoding="e",
        timings={"search": 2.0, "total": 3.0},
    )


def test_each_keeps_its_own(metrics: Metrics) -> None:
    metrics.write_lost()
    assert figure(metrics, "remora_writes_lost_total") == 1
    assert figure(Metrics(), "remora_writes_lost_total") == 0


def test_a_request_without_status_and_memory_has_words_for_it(metrics: Metrics) -> None:
    metrics.proxied(status=None, memory=None)
    assert figure(metrics, "remora_proxied_requests_total", memory="none", status="none") == 1


def test_what_went_into_a_prompt_and_what_did_not_is_counted(metrics: Metrics) -> None:
    metrics.injected(assembled())
    assert figure(metrics, "remora_memories_injected_total") == 2
    assert figure(metrics, "remora_tokens_injected_total") == 30
    assert figure(metrics, "remora_tokens_saved_total") == 12
    assert figure(metrics, "remora_assembly_seconds_sum", step="total") == pytest.approx(0.003)


def test_only_what_is_new_counts_as_learned(metrics: Metrics) -> None:
    metrics.learned(Learned(episodes=[1, 2], facts=[3, 4, 5], stored=[2, 4, 5], refused=["full"]))
    assert figure(metrics, "remora_memories_learned_total", type="episodic") == 1
    assert figure(metrics, "remora_memories_learned_total", type="semantic") == 2
    assert figure(metrics, "remora_memories_refused_total") == 1


def test_what_never_happened_reads_0(metrics: Metrics) -> None:
    names = {(each.name, *each.labels.values()) for family in metrics.reading().collect() for each in family.samples}
    assert ("remora_degraded_requests_total", "deadline") in names
    assert ("remora_streams_total", "upstream_broke") in names


def test_every_figure_is_named_and_explained_and_labelled_by_few_words(metrics: Metrics) -> None:
    told(metrics)
    for family in metrics.reading().collect():
        if not family.name.startswith(("process_", "python_")):
            assert family.name.startswith("remora_")
            assert family.documentation
            assert {label for sample in family.samples for label in sample.labels} <= LABELS


async def test_a_scrape_is_prometheus_own_text_unless_openmetrics_is_asked_for(metrics: Metrics) -> None:
    told(metrics)
    text, content_type = await Scrape(metrics, IDLE).text("*/*")
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert {family.name for family in plain(text.decode())} >= {"remora_overhead_seconds", "remora_jobs_waiting"}
    text, content_type = await Scrape(metrics, IDLE).text("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert {family.name for family in openmetrics(text.decode())} >= {"remora_overhead_seconds", "remora_jobs_waiting"}


async def test_a_scrape_has_the_queue_as_it_is(metrics: Metrics) -> None:
    text, _ = await Scrape(metrics, Queue(Backlog(waiting=3, dead=1, oldest_ms=2500))).text("")
    assert served(text.decode(), "remora_jobs_waiting") == 3
    assert served(text.decode(), "remora_jobs_dead") == 1
    assert served(text.decode(), "remora_oldest_job_age_seconds") == 2.5


@pytest.mark.parametrize("queue", [Queue(away=True), Queue()])
async def test_a_scrape_does_without_a_store_that_is_away(
    metrics: Metrics, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "PATIENCE_SECONDS", 0.01)
    text, _ = await Scrape(metrics, queue).text("")
    assert b"remora_jobs" not in text
    assert b"remora_writes_lost_total" in text


def test_the_documentation_lists_them_all(metrics: Metrics) -> None:
    told(metrics)
    queue = {"remora_jobs_waiting", "remora_jobs_dead", "remora_oldest_job_age_seconds"}
    listed = set(re.findall(r"`(remora_\w+?)(?:_total)?`", DOCUMENTATION.read_text().partition("## Traces")[0]))
    kept = {family.name for family in metrics.reading().collect() if family.name.startswith("remora_")}
    assert listed == kept | queue

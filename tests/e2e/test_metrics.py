"""`GET /metrics` of real servers, one process and several."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from config.settings import Metrics, Secret
from tests.e2e.talking import user
from tests.support.figures import served
from tests.support.operator import OPERATOR_KEY, Operator, asking
from tests.support.process import RemoraProcess
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream, wait_until

TIMEOUT = 60.0


def scrape(origin: str, **headers: str) -> str:
    """Over a connection of its own, which any of the processes may take."""
    answer = httpx.get(f"{origin}/metrics", headers=headers, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.text


def ask(url: str, model: str = "echo", text: str = "hi", **fields: Any) -> httpx.Response:
    return httpx.post(
        f"{url}/chat/completions", json={"model": model, "messages": user(text), **fields}, timeout=TIMEOUT
    )


@pytest.fixture
def read(remora: RemoraServer) -> Callable[..., float]:
    return lambda name, **labels: served(scrape(remora.origin), name, **labels)


def test_a_conversation_shows_in_the_figures(remora: RemoraServer, read: Callable[..., float]) -> None:
    ask(remora.url, text="I'm allergic to peanuts.", user="ana")
    remora.learned()
    ask(remora.url, text="What am I allergic to?", user="ana", stream=True)
    remora.learned()
    assert read("remora_proxied_requests_total", memory="empty", status="2xx") == 1
    assert read("remora_proxied_requests_total", memory="used", status="2xx") == 1
    assert read("remora_memories_learned_total", type="semantic") == 1
    assert read("remora_memories_learned_total", type="episodic") == 2
    wait_until(lambda: read("remora_job_seconds_count", kind="learn", outcome="done") == 2, "both jobs")
    assert read("remora_memories_injected_total") >= 1
    assert read("remora_tokens_injected_total") > 10
    assert read("remora_assembly_seconds_count", step="total") == 2
    assert read("remora_overhead_seconds_count", kind="chat") == 2
    assert read("remora_upstream_headers_seconds_count", kind="chat") == 2
    assert read("remora_upstream_first_token_seconds_count") == 1
    assert read("remora_streams_total", end="complete") == 1
    assert read("remora_proxied_requests_in_progress") == 0


def test_other_requests_show_too(remora: RemoraServer, read: Callable[..., float]) -> None:
    httpx.get(f"{remora.url}/models")
    httpx.get(f"{remora.url}/memories")
    httpx.get(f"{remora.url}/memories/mem_nonsense")
    httpx.get(f"{remora.url}/memories/no/such/route")
    assert read("remora_proxied_requests_total", memory="none", status="2xx") == 1
    assert read("remora_upstream_headers_seconds_count", kind="other") == 1
    assert read("remora_native_requests_total", operation="read", status="2xx") == 1
    assert read("remora_native_requests_total", operation="read", status="4xx") == 1
    assert read("remora_native_requests_total", operation="other", status="4xx") == 1
    assert read("remora_native_request_seconds_count", operation="read") == 2


@pytest.mark.parametrize(("model", "end"), [("cut", "upstream_broke"), ("cut-clean", "upstream_broke")])
def test_a_stream_that_breaks_off_shows(remora: RemoraServer, read: Callable[..., float], model: str, end: str) -> None:
    ask(remora.url, model, stream=True)
    assert read("remora_streams_total", end=end) == 1


def test_a_client_that_leaves_shows(fake: FakeUpstream, remora: RemoraServer, read: Callable[..., float]) -> None:
    body = {"model": "slow-events", "messages": user("hi"), "stream": True}
    with httpx.stream("POST", f"{remora.url}/chat/completions", json=body, timeout=TIMEOUT) as answer:
        next(answer.iter_raw())
    wait_until(lambda: read("remora_streams_total", end="client_gone") == 1, "the client's leaving")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{remora.url}/chat/completions", json={**body, "model": "slow-first-byte"}, timeout=0.5)
    wait_until(lambda: read("remora_proxied_requests_total", memory="empty", status="none") == 1, "the other's leaving")


def test_what_cannot_be_read_shows_as_degraded(remora: RemoraServer, read: Callable[..., float]) -> None:
    body = b'{"model": "echo", "messages": [{"role": "user", "content": "\\ud83d"}]}'
    httpx.post(f"{remora.url}/chat/completions", content=body, headers={"content-type": "application/json"})
    assert read("remora_degraded_requests_total", cause="request") == 1
    assert read("remora_proxied_requests_total", memory="degraded", status="2xx") == 1


# ------------------------------------------------------------------------------------------------------- who may read


@pytest.fixture
def guarded(fake: FakeUpstream) -> Iterator[RemoraServer]:
    with RemoraServer(settings_for(fake.url, admin_key=Secret(OPERATOR_KEY))) as server:
        yield server


def test_the_figures_are_the_operators(guarded: RemoraServer) -> None:
    with Operator(guarded.origin) as operator:
        key = operator.key(operator.tenant()["id"])
        assert operator.client.get("/metrics").status_code == 200
        assert operator.acting(key).get("/metrics").status_code == 403
        assert operator.acting(None).get("/metrics").status_code == 401
        assert operator.acting("wrong").get("/metrics").status_code == 401


def test_the_figures_may_be_public(fake: FakeUpstream) -> None:
    settings = settings_for(fake.url, admin_key=Secret(OPERATOR_KEY), metrics=Metrics(public=True))
    with RemoraServer(settings) as server, asking(server.origin) as nobody:
        assert nobody.get("/metrics").status_code == 200
        assert nobody.get("/v1/memories").status_code == 401


def test_the_figures_name_nobody_and_nothing(guarded: RemoraServer) -> None:
    canary = "canary-of-metrics"
    with Operator(guarded.origin) as operator:
        tenant = operator.tenant(canary)
        key = operator.key(tenant["id"], name=canary)
        client = operator.acting(key, **{"X-Remora-Namespace": canary, "X-Remora-Session": canary})
        body = {"model": canary, "messages": user(f"I live in {canary}."), "user": canary}
        assert client.post("/v1/chat/completions", json=body).status_code == 200
        assert client.post(f"/v1/{canary}", json=body).is_success
        assert client.get(f"/v1/namespaces/{canary}").status_code == 200
        assert client.get(f"/{canary}").status_code == 404
        guarded.learned()
        text = operator.client.get("/metrics").text
    assert "remora_proxied_requests_total" in text
    assert not [word for word in (canary, key, tenant["id"]) if word in text]


# -------------------------------------------------------------------------------------------------- several processes

CALLS = 40


@pytest.fixture
def several(
    fake: FakeUpstream, redis_url: str, redis_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RemoraProcess]:
    """Two processes over one Redis; what they put into files is below `tmp_path`."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    settings = {"STORE": redis_url, "STORE_PREFIX": redis_prefix, "WORKERS": "2", "CONTEXT_DEADLINE_MS": "10000"}
    with RemoraProcess(**settings, UPSTREAM_BASE_URL=fake.url) as process:
        process.start()
        yield process


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("redis")
def test_several_processes_are_summed_up_whichever_is_asked(several: RemoraProcess, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: ask(several.url, text=f"number {number}"), range(CALLS)))
    assert all(answer.status_code == 200 for answer in answers)
    wait_until(lambda: served(scrape(several.origin), "remora_jobs_waiting") == 0, "all learned", TIMEOUT)
    for _ in range(8):
        text = scrape(several.origin)
        assert sum_of(text, "remora_proxied_requests_total") == CALLS
        assert served(text, "remora_overhead_seconds_count", kind="chat") == CALLS
        assert served(text, "remora_memories_learned_total", type="episodic") == CALLS
        assert served(text, "remora_proxied_requests_in_progress") == 0
    several.stop()
    assert not list(tmp_path.glob("remora-*"))


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("redis")
def test_a_process_that_died_leaves_its_counts_and_nothing_under_way(
    several: RemoraProcess, fake: FakeUpstream
) -> None:
    body = {"model": "echo", "messages": user("hi")}
    # One connection, and so one of the processes.
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=several.url, timeout=TIMEOUT) as client:
        for _ in range(3):
            assert client.post("/chat/completions", json=body).status_code == 200
        before = len(fake.requests)
        hung = pool.submit(client.post, "/chat/completions", json={**body, "model": "slow-first-byte"})
        fake.wait_for(before + 1)
        assert served(scrape(several.origin), "remora_proxied_requests_in_progress") == 1
        [working] = [pid for pid in several.workers() if fake.port in peers(pid)]
        os.kill(working, signal.SIGKILL)
        assert isinstance(hung.exception(TIMEOUT), httpx.HTTPError)
    wait_until(lambda: under_way(several.origin) == 0, "the dead process's call to be under way no more", TIMEOUT)
    assert sum_of(scrape(several.origin), "remora_proxied_requests_total") == 3


def peers(pid: int) -> set[int]:
    """The ports that this process is connected to."""
    return {each.raddr.port for each in psutil.Process(pid).net_connections() if each.raddr}


def under_way(origin: str) -> float | None:
    """None while nobody answers."""
    try:
        return served(scrape(origin), "remora_proxied_requests_in_progress")
    except httpx.HTTPError:
        return None


def sum_of(text: str, name: str) -> float:
    lines = [line for line in text.splitlines() if line.startswith(name + "{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)

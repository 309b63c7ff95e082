import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from proxy.demo.model import MODEL, Script
from proxy.demo.servers import serving as in_this_process
from proxy.demo.talk import Memory

REMORA = [sys.executable, "-m", "proxy.cli"]
SERVE = [*REMORA, "serve"]
ROOT = Path(__file__).parents[2]


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`remora serve` on a free port, and the line it logs when it is ready."""
    environment = {"PYTHONPATH": str(ROOT), "REMORA_LOG_FORMAT": "json", "REMORA_PORT": "0", **settings}
    with subprocess.Popen(
        SERVE, env=os.environ | environment, cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            lines = map(json.loads, process.stderr)
            yield (
                process,
                next(line for line in lines if line["event"].startswith(("Remora is ready", "Remora starts"))),
            )
        finally:
            process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serving")


@pytest.fixture(scope="module")
def ready(folder: Path) -> Iterator[dict[str, Any]]:
    """What a server in `folder` said that several tests look at."""
    with serving(folder, REMORA_UPSTREAM_BASE_URL="http://127.0.0.1:9/v1") as (_, ready):
        yield ready


def test_it_says_where_it_is_and_what_it_uses(ready: dict[str, Any]) -> None:
    assert httpx.get(ready["base_url"].removesuffix("/v1") + "/health").status_code == 200
    assert (ready["store"], ready["embedder"]) == ("sqlite:///remora.db", "bundled")
    assert ready["upstream"] == "http://127.0.0.1:9/v1"
    assert ready["authentication"] == "none, unless tenants have keys"


def test_answers_bear_no_server_and_no_date_of_their_own(ready: dict[str, Any]) -> None:
    headers = httpx.get(ready["base_url"].removesuffix("/v1") + "/health").headers
    assert not {"server", "date"} & set(headers)


@pytest.mark.parametrize("trusted", ["127.0.0.0/8", ""])
def test_an_address_is_believed_from_trusted_proxies_only(tmp_path: Path, trusted: str) -> None:
    settings = {"REMORA_STORE": "sqlite://", "REMORA_LIMITS_REQUESTS_PER_MINUTE": "1"}
    seen, statuses = set(), set()
    with serving(tmp_path, **settings, REMORA_TRUSTED_PROXIES=trusted) as (_, ready):
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"):
            forged = f"198.51.100.1, {address}"  # what comes from beyond the proxy is believed of nobody
            answer = httpx.get(f"{ready['base_url']}/namespaces", headers={"X-Forwarded-For": forged})
            window = (address if trusted else "127.0.0.1", answer.headers["x-ratelimit-reset"])
            assert answer.status_code == (429 if window in seen else 200)
            seen.add(window)
            statuses.add(answer.status_code)
    assert statuses == {200, 429}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with serving(tmp_path) as (process, _):
        process.send_signal(number)
        assert process.wait(20) == code
    assert not (tmp_path / "remora.db-wal").exists()


@pytest.mark.usefixtures("ready")
def test_a_start_that_fails_is_told_in_one_line(folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "REMORA_LOG_FORMAT": "json", "REMORA_PORT": "0"}
    second = subprocess.run(SERVE, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode != 0
    lines = [json.loads(line) for line in second.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["error", "error"]
    assert "remora.db" in lines[0]["event"]
    assert lines[1]["event"] == "Application startup failed. Exiting."


@pytest.mark.timeout(180)
def test_several_processes_serve_one_memory_on_redis(tmp_path: Path, redis_url: str, redis_prefix: str) -> None:
    settings = {"REMORA_STORE": redis_url, "REMORA_STORE_PREFIX": redis_prefix, "REMORA_WORKERS": "2"}
    with serving(tmp_path, **settings) as (process, ready), httpx.Client(timeout=90) as client:
        place = ready["base_url"] + "/memories"
        created = client.post(place, json={"namespace": "default", "content": "It rains in Bergen."})
        assert created.status_code in (200, 201)
        id = created.json()["id"]
        for _ in range(8):  # over as many connections, which the system spreads over the processes
            assert httpx.get(f"{place}/{id}", timeout=30).json()["content"] == "It rains in Bergen."
        process.terminate()
        assert process.wait(30) in (0, -signal.SIGTERM)


@pytest.mark.timeout(180)
def test_several_processes_end_with_the_one_that_started_them(
    tmp_path: Path, redis_url: str, redis_prefix: str
) -> None:
    settings = {"REMORA_STORE": redis_url, "REMORA_STORE_PREFIX": redis_prefix, "REMORA_WORKERS": "2"}
    with serving(tmp_path, **settings) as (process, ready), httpx.Client(timeout=90) as client:
        health = ready["base_url"].removesuffix("/v1") + "/health"
        assert client.get(health).status_code == 200
        process.kill()
        assert process.stderr is not None
        process.stderr.read()  # which ends when the last process that writes to it has ended
    with pytest.raises(httpx.ConnectError):
        httpx.get(health)


def test_a_worker_on_its_own_learns_what_a_server_left_to_it(tmp_path: Path, redis_url: str, redis_prefix: str) -> None:
    settings = {"REMORA_STORE": redis_url, "REMORA_STORE_PREFIX": redis_prefix, "REMORA_WORKER_INSIDE": "false"}
    with (
        scripted_model() as upstream,
        serving(tmp_path, **settings, REMORA_UPSTREAM_BASE_URL=f"{upstream}/v1") as (_, ready),
        Memory(ready["base_url"].removesuffix("/v1")) as memory,
    ):
        said = {"messages": [{"role": "user", "content": "I live in Bergen."}], "model": MODEL, "user": "ana"}
        answer = httpx.post(f"{ready['base_url']}/chat/completions", json=said, timeout=30)
        assert answer.status_code == 200
        assert memory.facts("ana") == []
        environment = os.environ | {"PYTHONPATH": str(ROOT), **settings}
        with subprocess.Popen([*REMORA, "work"], env=environment, cwd=tmp_path) as worker:
            try:
                (fact,) = memory.facts_once("ana", bool)
                worker.terminate()
                assert worker.wait(30) == 0
            finally:
                worker.kill()
    assert fact["content"] == "User lives in Bergen"


@contextmanager
def scripted_model() -> Iterator[str]:
    with in_this_process(uvicorn.Config(Script().app(), log_config=None, access_log=False)) as url:
        yield url

"""The engine goes away and comes back; the calls go on."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.settings import Context
from tests.e2e.talking import prompt, tell
from tests.support.redis_server import RedisServer
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream, wait_until

DEADLINE_MS = 250
SLACK_SECONDS = 1.5
"""For a machine that is busy with other tests."""

pytestmark = pytest.mark.xdist_group("redis")


@pytest.fixture
def remora(fake: FakeUpstream, private_redis_server: RedisServer) -> Iterator[RemoraServer]:
    settings = settings_for(fake.url, private_redis_server.url, context=Context(deadline_ms=DEADLINE_MS))
    with RemoraServer(settings) as server:
        tell(server.url, "I am allergic to peanuts.", user="ann")
        server.learned()
        yield server


def ask(remora: RemoraServer, text: str = "What food should I avoid?") -> httpx.Response:
    answer = httpx.post(
        f"{remora.url}/chat/completions",
        json={"model": "echo", "user": "ann", "messages": [{"role": "user", "content": text}]},
        timeout=30,
    )
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == f"You said: {text}"
    return answer


def memory_of(answer: httpx.Response) -> str:
    return str(answer.headers["x-remora-memory"])


def timed(remora: RemoraServer, text: str) -> tuple[str, float]:
    started = time.monotonic()
    return memory_of(ask(remora, text)), time.monotonic() - started


def test_calls_go_on_while_the_engine_is_stopped_and_memory_is_back_with_it(
    remora: RemoraServer, fake: FakeUpstream, private_redis_server: RedisServer
) -> None:
    assert memory_of(ask(remora)) == "used"
    remora.learned()  # else the job under way would hold up the next ones until its lease runs out
    private_redis_server.stop()
    for number in range(3):
        outcome, seconds = timed(remora, f"I have {number} cats, and my horse is called Silver {number}.")
        assert outcome == "degraded"
        assert seconds < DEADLINE_MS / 1000 + SLACK_SECONDS
    private_redis_server.start()
    wait_until(lambda: memory_of(ask(remora)) == "used", "memory")
    assert "peanuts" in prompt(fake)
    # What was said meanwhile was kept, and is learned.
    wait_until(lambda: any("Silver 2" in content for content in remora.memories(user_id="ann")), "what was said")


def test_an_engine_that_hangs_costs_no_more_than_the_deadline(
    remora: RemoraServer, private_redis_server: RedisServer
) -> None:
    os.kill(private_redis_server.pid, signal.SIGSTOP)
    try:
        outcomes = [timed(remora, f"What was said about the number {number}?") for number in range(3)]
    finally:
        os.kill(private_redis_server.pid, signal.SIGCONT)
    assert [outcome for outcome, _ in outcomes] == ["degraded"] * 3
    # The first call waits for what it leaves behind, too.
    assert all(seconds < 2 * DEADLINE_MS / 1000 + SLACK_SECONDS for _, seconds in outcomes)
    wait_until(lambda: memory_of(ask(remora)) == "used", "memory")


def test_it_starts_without_its_engine_and_remembers_once_that_is_there(
    fake: FakeUpstream, private_redis_server: RedisServer
) -> None:
    private_redis_server.stop()
    with RemoraServer(settings_for(fake.url, private_redis_server.url)) as server:
        assert memory_of(ask(server, "I am allergic to peanuts.")) == "degraded"
        private_redis_server.start()
        wait_until(lambda: memory_of(ask(server)) == "used", "memory")


def test_a_database_that_takes_no_writes_holds_no_answer_up(fake: FakeUpstream, tmp_path: Path) -> None:
    path = tmp_path / "remora.db"
    with RemoraServer(settings_for(fake.url, f"sqlite:///{path}")) as server:
        tell(server.url, "I live in Porto.", user="ann")
        server.learned()
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            _, seconds = timed(server, "I am allergic to peanuts.")
            assert seconds < DEADLINE_MS / 1000 + SLACK_SECONDS
            other.execute("ROLLBACK")
        other.close()
        wait_until(lambda: any("peanuts" in content for content in server.memories(user_id="ann")), "what was said")


def test_receipts_say_that_memory_was_away(remora: RemoraServer, private_redis_server: RedisServer) -> None:
    private_redis_server.stop()
    answer = ask(remora)
    private_redis_server.start()
    receipt: dict[str, Any] = {}

    def is_there() -> bool:
        found = httpx.get(f"{remora.url}/receipts/{answer.headers['x-remora-request-id']}")
        receipt.update(found.json())
        return found.status_code == 200

    wait_until(is_there, "the receipt")
    assert receipt["outcome"] == "degraded"
    assert receipt["reason"]

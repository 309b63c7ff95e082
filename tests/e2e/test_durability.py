"""Nothing acknowledged is lost: the process is killed the moment an answer was there."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.e2e.talking import user
from tests.support.process import RemoraProcess
from tests.support.server import PATIENCE_MS
from tests.support.upstream import FakeUpstream, wait_until

TAKEOVER_SECONDS = 60.0
"""A job that the killed process was at is another's when its lease of 30 seconds ran out."""

FACTS = "I live in Porto and I am allergic to peanuts."


@pytest.fixture
def process(fake: FakeUpstream, store: dict[str, Any]) -> Iterator[RemoraProcess]:
    variables = {name.upper(): value for name, value in store.items()}
    with RemoraProcess(UPSTREAM_BASE_URL=fake.url, STORE_WAIT_MS=str(PATIENCE_MS), **variables) as process:
        yield process


def told_and_killed(process: RemoraProcess, *, stream: bool, name: str = "ann") -> str:
    """Says FACTS and kills the process as soon as the answer is there; gives the request's id."""
    with OpenAI(base_url=process.url, api_key="mine", max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="echo", messages=user(FACTS), user=name, stream=stream
        )
        answer: Any = raw.parse()
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer) if stream else str(answer)
        process.kill()
    assert "peanuts" in text
    return str(raw.headers["x-remora-request-id"])


def wait_until_learned(process: RemoraProcess, name: str = "ann") -> None:
    def learned() -> bool:
        return any("allergic to peanuts" in content for content in process.memories(user_id=name))

    wait_until(learned, "the memory", TAKEOVER_SECONDS)


@pytest.mark.timeout(300)  # it starts three processes
def test_what_was_answered_before_a_kill_is_learned_after_a_restart(process: RemoraProcess) -> None:
    told = {}
    for name, stream in (("ann", False), ("bob", True)):
        process.start(WORKER_INSIDE="false")
        told[name] = told_and_killed(process, stream=stream, name=name)
    process.start()
    for name, request_id in told.items():
        wait_until_learned(process, name)
        assert httpx.get(f"{process.url}/receipts/{request_id}").json()["learning"]["enqueued"] is True


@pytest.mark.timeout(300)
def test_what_the_worker_was_at_when_it_was_killed_is_learned_all_the_same(process: RemoraProcess) -> None:
    process.start()
    told_and_killed(process, stream=False)
    process.start()
    wait_until_learned(process)

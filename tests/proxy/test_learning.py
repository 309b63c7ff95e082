import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from admin.metrics import Metrics
from config.supervisor import Supervisor
from context.receipt import Receipt, Receipts
from memory.engines.base import EmbeddingSpec
from memory.engines.sqlite.engine import SqliteEngine
from memory.extraction.exchange import Exchange, decode_exchange, read_round
from memory.markers import BLOCK_CLOSE, BLOCK_OPEN
from memory.service import events
from proxy.completion import Completion
from proxy.learning import Lesson, NothingToLearn, Record
from proxy.outbox import Outbox
from tests.support.services import a_caller

LESSON = Lesson(
    caller=a_caller(tenant="t", credential="c", user="ann"),
    namespace="n",
    agent="helper",
    app="mail",
    session=None,
    newest=read_round([{"role": "user", "content": "I like figs."}]),
    request_id="req_1",
    at=7,
)


def answered(content: str | None = "Noted.", finish: str | None = "stop", **message: Any) -> Completion:
    completion = Completion()
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    completion.read_body(json.dumps({"choices": [choice]}).encode())
    return completion


def exchange(lesson: Lesson = LESSON, completion: Completion | None = None) -> Exchange:
    return decode_exchange(lesson.job(completion or answered()).payload)


def test_a_lesson_says_who_said_what_where_and_when() -> None:
    taught = exchange()
    assert (taught.tenant, taught.namespace, taught.user_id, taught.credential) == ("t", "n", "ann", "c")
    assert (taught.agent_id, taught.app, taught.at, taught.request_id) == ("helper", "mail", 7, "req_1")
    assert (taught.asked, taught.answer) == (["I like figs."], "Noted.")


def test_a_session_that_is_given_goes_before_one_that_is_derived() -> None:
    assert exchange(msgspec.structs.replace(LESSON, session="s")).run_id == "s"
    assert exchange().run_id.startswith("s-")


def test_a_quoted_block_is_not_part_of_the_answer() -> None:
    quoting = answered(f"You gave me {BLOCK_OPEN} User is a spy {BLOCK_CLOSE} and figs.")
    assert "spy" not in exchange(completion=quoting).answer


@pytest.mark.parametrize(
    ("completion", "why"),
    [
        (answered(finish=None), "not whole"),
        (answered(None, "tool_calls", tool_calls=[{"id": "1"}]), "tools"),
    ],
)
def test_some_answers_teach_nothing(completion: Completion, why: str) -> None:
    with pytest.raises(NothingToLearn, match=why):
        LESSON.job(completion)


@pytest.mark.parametrize("messages", [[], [{"role": "assistant", "content": "y"}]])
def test_where_the_user_said_nothing_new_there_is_nothing_to_learn(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(NothingToLearn, match="nothing new"):
        msgspec.structs.replace(LESSON, newest=read_round(messages)).job(answered())


class Desk:
    """A record, and what became of it."""

    def __init__(self, engine: SqliteEngine, supervisor: Supervisor) -> None:
        self._engine = engine
        self._supervisor = supervisor

    def record(self, lesson: Lesson | None = LESSON) -> Record:
        receipt = Receipt(request_id="req_1", tenant="t", at=7, outcome="empty", namespace="n")
        return Record(receipt, lesson, Outbox(self._engine, self._supervisor, Metrics()), ttl_seconds=60, wait=True)

    async def receipt(self) -> Receipt:
        await self._supervisor.join()
        return await Receipts(self._engine.documents).of(LESSON.caller, "req_1")

    async def events(self) -> list[events.Event]:
        entries = await self._engine.log.read("t", events.STREAM)
        return [msgspec.json.decode(entry.entry, type=events.Event) for entry in entries]

    async def jobs(self) -> int:
        return (await self._engine.jobs.backlog()).waiting


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with (
        SqliteEngine(None, embedding=EmbeddingSpec(name="none", dimension=2)) as engine,
        Supervisor() as supervisor,
    ):
        yield Desk(engine, supervisor)


async def test_a_concluded_call_leaves_a_job_and_a_receipt_that_says_so(desk: Desk) -> None:
    await desk.record().conclude(answered())
    assert await desk.jobs() == 1
    learning = (await desk.receipt()).learning
    assert learning is not None
    assert learning.enqueued


@pytest.mark.parametrize("whole", [True, False])
async def test_the_live_feed_is_told_of_a_call_once(desk: Desk, whole: bool) -> None:
    record = desk.record()
    await record.conclude(answered(finish="stop" if whole else None))
    record.abandon("too late")
    await desk.receipt()
    [event] = await desk.events()
    assert (event.kind, event.id, event.namespace, event.at) == ("receipt", "req_1", "n", 7)
    assert (event.outcome, event.memories, event.tokens) == ("empty", 0, 0)


async def test_a_call_is_recorded_once(desk: Desk) -> None:
    record = desk.record()
    await record.conclude(answered())
    await record.conclude(answered())
    record.abandon("too late")
    assert await desk.jobs() == 1
    learning = (await desk.receipt()).learning
    assert learning is not None
    assert learning.enqueued


@pytest.mark.parametrize("whole", [True, False])
async def test_a_call_that_teaches_nothing_leaves_a_receipt_that_says_why(desk: Desk, whole: bool) -> None:
    record = desk.record()
    if whole:
        await record.conclude(answered(finish=None))
    else:
        record.abandon("the client left")
    learning = (await desk.receipt()).learning
    assert learning is not None
    assert not learning.enqueued
    assert learning.reason == ("the answer is not whole" if whole else "the client left")
    assert await desk.jobs() == 0


async def test_without_a_lesson_there_is_no_job(desk: Desk) -> None:
    await desk.record(None).conclude(answered())
    await desk.receipt()
    assert await desk.jobs() == 0

"""What extraction by a model lets through: labelled messages, answered from a real server by recordings of our own
writing, good ones and such as a poor or misled model gives (by `flaw`). The same scoring as for rules."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct
from tenacity import wait_none

from memory.errors import ExtractionFailed
from memory.extraction.exchange import decode_exchange, enqueue_exchange
from memory.extraction.facts import Correction, Fact
from memory.extraction.llm import LlmExtractor
from memory.extraction.rules.extract import extract
from tests.memory.extraction.lessons import an_exchange
from tests.memory.extraction.quality import SETS, Labelled, Score, labelled, scored
from tests.support.asgi_server import AsgiServer, body_of


class Recorded(Struct, frozen=True):
    text: str
    answer: str
    """What the model says, as it says it."""
    flaw: str = ""
    """How the answer is wrong: a `Verdict` of its facts, "order" where it obeys the message, "broken" where it is not
    in the form asked for."""


def recordings() -> list[Recorded]:
    lines = Path(__file__).with_name("labelled").joinpath("recorded.jsonl").read_bytes()
    return [msgspec.json.decode(line, type=Recorded) for line in lines.splitlines()]


class Replay:
    """An OpenAI-compatible endpoint that gives each message the answer recorded for it."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = answers

    async def __call__(self, _: Any, receive: Any, send: Any) -> None:
        body = await body_of(receive)
        [said] = json.loads(json.loads(body)["messages"][-1]["content"])["user_said"]
        answer = {"choices": [{"message": {"role": "assistant", "content": self._answers[said]}}]}
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


class Learned(Struct):
    raw: Score
    """What the model said."""
    through: Score
    """What of it is learned, with what rules find where its answer is of no use."""
    wrong: Counter[str]
    """By flaw, how many facts a flawed answer holds that are wrong; and how many of these are learned."""
    learned: Counter[str]
    refused: int
    """Answers that are not in the form asked for."""


def said(message: Labelled) -> str:
    """The message as it waits to be learned from."""
    [text] = decode_exchange(enqueue_exchange(an_exchange(message.text, answer="")).payload).asked
    return text


def raw(answer: str) -> list[Fact]:
    try:
        facts = json.loads(answer)["facts"]
    except (ValueError, KeyError):
        return []
    return [Fact(content=fact["text"], category="fact", confidence=1.0) for fact in facts]


@pytest.fixture(scope="module")
def learned() -> Learned:
    return asyncio.run(_learned())


async def _learned() -> Learned:
    recorded = {recording.text: recording for recording in recordings()}
    messages = {message.text: message for name in SETS for message in labelled(name) if message.text in recorded}
    assert messages.keys() == recorded.keys()
    found: dict[str, Sequence[Fact | Correction]] = {}
    refused = 0
    replay = Replay({said(message): recorded[text].answer for text, message in messages.items()})
    with AsgiServer(replay) as server:
        async with httpx.AsyncClient(base_url=f"{server.origin}/v1") as client:
            llm = LlmExtractor(client, "recorded", wait=wait_none())
            for text, message in messages.items():
                exchange = an_exchange(said(message), answer="")
                try:
                    found[text] = await llm.extract(exchange, [])
                except ExtractionFailed:
                    refused += 1
                    found[text] = extract(exchange.asked)
    wrong: Counter[str] = Counter()
    through: Counter[str] = Counter()
    for text, message in messages.items():
        if flaw := recorded[text].flaw:
            wrong[flaw] += _wrong(scored([message], lambda message: raw(recorded[message.text].answer)))
            through[flaw] += _wrong(scored([message], lambda message: found[message.text]))
    return Learned(
        raw=scored(messages.values(), lambda message: raw(recorded[message.text].answer)),
        through=scored(messages.values(), lambda message: found[message.text]),
        wrong=wrong,
        learned=through,
        refused=refused,
    )


def _wrong(score: Score) -> int:
    return score.of("inverted", "person", "leaked", "invented")


def test_nineteen_of_twenty_facts_are_right(learned: Learned) -> None:
    assert learned.raw.precision() < 0.8, "the recordings are meant to be worse than a model should be"
    assert learned.through.precision() >= 0.95, learned.through.table()


@pytest.mark.parametrize("flaw", ["inverted", "person", "leaked", "order"])
def test_what_the_message_speaks_against_is_not_learned(learned: Learned, flaw: str) -> None:
    assert learned.wrong[flaw] >= 5
    assert learned.learned[flaw] == 0, learned.through.table()


def test_most_of_what_was_made_up_is_not_learned(learned: Learned) -> None:
    assert learned.wrong["invented"] >= 8
    assert learned.learned["invented"] <= 2, learned.through.table()


def test_an_answer_of_no_use_is_made_up_for_by_rules(learned: Learned) -> None:
    assert learned.refused == sum(recording.flaw == "broken" for recording in recordings())
    assert learned.learned["broken"] == 0, learned.through.table()


def test_what_the_model_says_rightly_is_learned(learned: Learned) -> None:
    assert learned.through.of("right") >= 0.95 * learned.raw.of("right"), learned.through.table()

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from tenacity import wait_none

from config import settings
from config.settings import Secret, Settings
from memory.errors import ExtractionFailed, Misconfigured
from memory.extraction.factory import open_llm
from memory.extraction.llm import LlmExtractor
from memory.model import Hit
from tests.memory.extraction.lessons import MINUTE, School, an_exchange
from tests.support.asgi_server import AsgiServer, body_of
from tests.support.services import START


class Model:
    """An OpenAI-compatible endpoint that answers from a script, and keeps what it was asked."""

    def __init__(self) -> None:
        self.script: list[tuple[int, str]] = []
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []

    def says(self, content: str | None, status: int = 200) -> None:
        self.script.append((status, json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]})))

    def decides(self, *facts: dict[str, Any]) -> None:
        self.says(json.dumps({"facts": facts}))

    def fails(self, status: int) -> None:
        self.script.append((status, '{"error": {"message": "no"}}'))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["path"].endswith("/v1/chat/completions")
        body = await body_of(receive)
        headers = dict(scope["headers"])
        self.authorizations.append(headers[b"authorization"].decode() if b"authorization" in headers else None)
        self.requests.append(json.loads(body))
        status, answer = self.script.pop(0)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": answer.encode()})


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def server(model: Model) -> Iterator[AsgiServer]:
    with AsgiServer(model) as running:
        yield running


@pytest.fixture
async def llm(server: AsgiServer) -> AsyncIterator[LlmExtractor]:
    async with httpx.AsyncClient(base_url=f"{server.origin}/v1") as client:
        yield LlmExtractor(client, "small", wait=wait_none())


def decision(text: str, action: str = "add", target: int | None = None, **given: Any) -> dict[str, Any]:
    return {"text": text, "category": "fact", "action": action, "target": target, "confidence": 0.8, **given}


def a_hit(id: int, content: str) -> Hit:
    return Hit(
        id=id,
        content=content,
        type="semantic",
        owner="u:ada",
        namespace="default",
        run_id=None,
        seq=None,
        role=None,
        confidence=1.0,
        created_at=START,
        happened_at=START,
        accessed_at=START,
        access_count=0,
        content_hash="",
    )


async def test_memories_are_shown_by_number_and_decisions_come_back_as_their_ids(
    model: Model, llm: LlmExtractor
) -> None:
    model.decides(
        decision("User likes tea"),
        decision("User lives in Porto", "supersede", 2),
        decision("User has two dogs", "update", 1),
        decision("User is tall", "none", 1),
    )
    facts = await llm.extract(
        an_exchange("I like tea and I moved to Porto"),
        [a_hit(900, "User has a dog"), a_hit(901, "User lives in Lisbon")],
    )
    assert [(fact.content, fact.replaces) for fact in facts] == [
        ("User likes tea", None),
        ("User lives in Porto", 901),
        ("User has two dogs", 900),
    ]
    [request] = model.requests
    shown = json.loads(request["messages"][-1]["content"])
    assert shown["existing_memories"] == [
        {"number": 1, "text": "User has a dog"},
        {"number": 2, "text": "User lives in Lisbon"},
    ]
    assert "900" not in json.dumps(request)


async def test_strict_structured_output_is_asked_for(model: Model, llm: LlmExtractor) -> None:
    model.decides()
    assert await llm.extract(an_exchange("hello"), []) == []
    asked = model.requests[0]["response_format"]
    assert (asked["type"], asked["json_schema"]["strict"]) == ("json_schema", True)
    item = asked["json_schema"]["schema"]["properties"]["facts"]["items"]
    assert sorted(item["required"]) == sorted(item["properties"])


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_failure_is_tried_again(model: Model, llm: LlmExtractor, status: int) -> None:
    model.fails(status)
    model.decides(decision("User lives in Lisbon"))
    assert len(await llm.extract(an_exchange(), [])) == 1


async def test_a_lasting_failure_is_told_after_three_attempts(model: Model, llm: LlmExtractor) -> None:
    for _ in range(3):
        model.fails(503)
    with pytest.raises(ExtractionFailed, match="503"):
        await llm.extract(an_exchange(), [])
    assert len(model.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_a_refusal_is_not_tried_again(model: Model, llm: LlmExtractor, status: int) -> None:
    model.fails(status)
    with pytest.raises(ExtractionFailed, match=str(status)):
        await llm.extract(an_exchange(), [])
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        "Sure! Here are the facts.",
        "```json\n{}\n```",
        "{}",
        '{"facts": {}}',
        json.dumps({"facts": [{"text": "User likes tea"}]}),
        json.dumps({"facts": [decision("User likes tea", "delete")]}),
        json.dumps({"facts": [decision("User likes tea", category="gossip")]}),
        json.dumps({"facts": [decision("", "add")]}),
        json.dumps({"facts": [decision("User likes tea", "supersede", 3)]}),
        json.dumps({"facts": [decision("User likes tea", "supersede", 0)]}),
        json.dumps({"facts": [decision("User likes tea", "update")]}),
        json.dumps({"facts": [decision("User likes tea", confidence=7)]}),
    ],
)
async def test_a_malformed_answer_is_refused(model: Model, llm: LlmExtractor, answer: str | None) -> None:
    model.says(answer)
    with pytest.raises(ExtractionFailed):
        await llm.extract(an_exchange(), [a_hit(1, "User has a dog")])


async def test_an_answer_that_is_no_completion_is_refused(model: Model, llm: LlmExtractor) -> None:
    model.script.append((200, "<html>"))
    with pytest.raises(ExtractionFailed):
        await llm.extract(an_exchange(), [])


async def test_a_fact_with_a_secret_in_it_is_left_out(model: Model, llm: LlmExtractor) -> None:
    model.decides(decision("User's password is hunter2"), decision("User lives in Lisbon"))
    assert [fact.content for fact in await llm.extract(an_exchange(), [])] == ["User lives in Lisbon"]


async def test_a_supersede_decision_replaces_the_memory_it_names(
    school: School, model: Model, llm: LlmExtractor
) -> None:
    await school.learner.learn(an_exchange("I have two dogs."))
    learner = school.make_learner(llm=llm)
    model.decides(decision("User has three dogs", "supersede", 1))
    await learner.learn(an_exchange("We got another one", at=START + MINUTE))
    assert await school.facts() == ["User has three dogs"]
    assert await school.facts(current=False) == ["User has two dogs", "User has three dogs"]


async def test_a_late_decision_does_not_replace_a_newer_memory(school: School, model: Model, llm: LlmExtractor) -> None:
    await school.learner.learn(an_exchange("I have three dogs.", at=START + MINUTE))
    model.decides(decision("User has two dogs", "supersede", 1))
    await school.make_learner(llm=llm).learn(an_exchange("Two dogs", at=START))
    assert await school.facts() == ["User has three dogs"]


async def test_a_second_attempt_does_not_ask_the_model_again(school: School, model: Model, llm: LlmExtractor) -> None:
    learner = school.make_learner(llm=llm)
    model.decides(decision("User likes tea"))
    await learner.learn(an_exchange("tea!"))
    await learner.learn(an_exchange("tea!"), again=True)
    assert await school.facts() == ["User likes tea"]
    assert len(model.requests) == 1


async def test_without_a_good_answer_facts_are_drawn_by_rules(school: School, model: Model, llm: LlmExtractor) -> None:
    model.says("I would rather not.")
    await school.make_learner(llm=llm).learn(an_exchange("I live in Lisbon."))
    assert await school.facts() == ["User lives in Lisbon"]


async def test_the_model_is_shown_only_the_owners_memories(school: School, model: Model, llm: LlmExtractor) -> None:
    await school.learner.learn(an_exchange("I have two dogs.", user_id="bob"))
    model.decides()
    await school.make_learner(llm=llm).learn(an_exchange("dogs"))
    assert "two dogs" not in json.dumps(model.requests)


async def test_the_extractions_own_key_is_sent(server: AsgiServer, model: Model) -> None:
    model.decides()
    chosen = settings.Extraction(model="small", base_url=f"{server.origin}/v1", api_key=Secret("sk-extraction"))
    async with open_llm(Settings(extraction=chosen)) as llm:
        assert llm is not None
        await llm.extract(an_exchange(), [])
    assert model.authorizations == ["Bearer sk-extraction"]


async def test_the_upstreams_key_goes_to_the_upstream_and_nowhere_else(server: AsgiServer, model: Model) -> None:
    upstream = settings.Upstream(base_url=f"{server.origin}/v1", api_key=Secret("sk-upstream"))
    for chosen in (
        settings.Extraction(model="small"),
        settings.Extraction(model="small", base_url=f"{server.origin}/other/v1"),
    ):
        model.decides()
        async with open_llm(Settings(upstream=upstream, extraction=chosen)) as llm:
            assert llm is not None
            await llm.extract(an_exchange(), [])
    assert model.authorizations == ["Bearer sk-upstream", None]


@pytest.mark.parametrize(
    "chosen",
    [
        settings.Extraction(),
        settings.Extraction(mode="rules", model="small", base_url="http://127.0.0.1:1/v1"),
        settings.Extraction(mode="off", model="small", base_url="http://127.0.0.1:1/v1"),
        settings.Extraction(model="small"),
    ],
)
async def test_no_model_is_asked_where_none_is_named_or_no_key_is_the_servers(chosen: settings.Extraction) -> None:
    async with open_llm(Settings(extraction=chosen)) as llm:
        assert llm is None


@pytest.mark.parametrize("chosen", [settings.Extraction(mode="llm"), settings.Extraction(mode="llm", model="small")])
async def test_demanding_a_model_without_naming_one_or_a_key_is_told(chosen: settings.Extraction) -> None:
    with pytest.raises(Misconfigured, match="REMORA_"):
        async with open_llm(Settings(extraction=chosen)):
            pass

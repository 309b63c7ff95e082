"""OpenAI's client behind Remora sees what it would see without it."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.e2e.talking import user
from tests.support.broken_server import refusing_port
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import BODIES, STREAMS, FakeUpstream


@pytest.fixture(scope="module")
def remora(fake: FakeUpstream) -> Iterator[RemoraServer]:
    with RemoraServer(settings_for(fake.url)) as server:
        yield server


@pytest.fixture
def direct(fake: FakeUpstream) -> Iterator[OpenAI]:
    with OpenAI(base_url=fake.url, api_key="mine", max_retries=0) as client:
        yield client


@pytest.fixture
def behind(remora: RemoraServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=remora.url, api_key="mine", max_retries=0, timeout=10) as client:
        yield client


def outcome(client: OpenAI, model: str, *, stream: bool) -> Any:
    """What the client makes of the answer: its chunks or its completion, and what it raises."""
    seen: list[Any] = []
    try:
        answer: Any = client.chat.completions.create(model=model, messages=user("hi"), stream=stream)
        seen.extend(chunk.to_dict() for chunk in answer) if stream else seen.append(answer.to_dict())
    except openai.APIStatusError as error:
        seen.append(
            (type(error), error.status_code, error.body, error.request_id, error.response.headers.get("retry-after"))
        )
    except openai.APIError as error:
        seen.append((type(error), error.message))
    except json.JSONDecodeError as error:
        seen.append(type(error))
    return seen


@pytest.mark.parametrize("model", list(BODIES))
def test_completions_are_the_same(direct: OpenAI, behind: OpenAI, model: str) -> None:
    assert outcome(behind, model, stream=False) == outcome(direct, model, stream=False)


@pytest.mark.parametrize("model", [*(name for name in STREAMS if name != "cut-clean"), "split", "gzip"])
def test_streams_are_the_same(direct: OpenAI, behind: OpenAI, model: str) -> None:
    assert outcome(behind, model, stream=True) == outcome(direct, model, stream=True)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_errors_are_the_same(direct: OpenAI, behind: OpenAI, status: int, stream: bool) -> None:
    model = f"status-{status}"
    assert outcome(behind, model, stream=stream) == outcome(direct, model, stream=stream)


@pytest.mark.parametrize("model", ["cut", "cut-clean"])
def test_a_stream_cut_short_raises(behind: OpenAI, model: str) -> None:
    *chunks, last = outcome(behind, model, stream=True)
    assert chunks
    assert last[0] is openai.APIError


def test_a_body_cut_short_raises(behind: OpenAI) -> None:
    assert outcome(behind, "cut", stream=False)[0][0] is openai.InternalServerError


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_is_down_raises(stream: bool) -> None:
    with (
        refusing_port() as url,
        RemoraServer(settings_for(url)) as server,
        OpenAI(base_url=server.url, api_key="mine", max_retries=0) as client,
    ):
        [(kind, status, body, *_)] = outcome(client, "x", stream=stream)
    assert kind is openai.InternalServerError
    assert status == 502
    assert body["code"] == "upstream_error"


def test_everything_a_request_can_hold_arrives(behind: OpenAI, fake: FakeUpstream) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "high"}}
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    tool = {
        "type": "function",
        "function": {"name": "f", "strict": True, "parameters": {"type": "object", "properties": {}}, "x_tool": 1},
    }
    asked: dict[str, Any] = {
        "model": "echo",
        "messages": [
            {"role": "developer", "content": "Be brief.", "x_message": {"a": [1, 2.50]}},
            {"role": "user", "name": "ann", "content": [{"type": "text", "text": "What is it?"}, image, sound]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "A fish."},
            {"role": "user", "content": "Which one?"},
        ],
        "stop": "\n",
        "n": 2,
        "logprobs": True,
        "top_logprobs": 3,
        "tools": [tool],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "s", "strict": True, "schema": {"type": "object"}},
        },
        "stream": True,
        "stream_options": {"include_usage": True},
        "extra_body": {"x_unknown": {"deep": [None, {"k": "v"}]}, "top_k": 40},
    }
    with behind.chat.completions.create(**asked) as stream:
        list(stream)
    expected = {name: value for name, value in asked.items() if name != "extra_body"} | asked["extra_body"]
    assert fake.last.json == expected


def test_usage_is_not_asked_for_on_the_clients_behalf(behind: OpenAI, fake: FakeUpstream) -> None:
    with behind.chat.completions.create(model="plain", messages=user("hi"), stream=True) as stream:
        list(stream)
    assert "stream_options" not in fake.last.json


def test_other_endpoints_work_with_the_same_client(behind: OpenAI, fake: FakeUpstream) -> None:
    behind.models.with_raw_response.list()
    assert fake.last.path == "/v1/models"
    behind.embeddings.with_raw_response.create(model="e", input=["a"])
    assert fake.last.json["input"] == ["a"]
    behind.files.with_raw_response.create(file=("a.jsonl", b"{}"), purpose="batch")
    assert b'filename="a.jsonl"' in fake.last.body


def test_the_clients_own_key_is_the_upstreams(behind: OpenAI, fake: FakeUpstream) -> None:
    outcome(behind, "echo", stream=False)
    assert fake.last.header("authorization") == "Bearer mine"


def test_the_upstreams_request_id_is_the_clients(behind: OpenAI) -> None:
    answer = behind.chat.completions.with_raw_response.create(model="plain", messages=user("hi"))
    assert answer.request_id == "req_upstream"

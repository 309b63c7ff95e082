"""The document's OpenAI-Compatible Proxy."""

from typing import Any

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.conformance.maia.test_memories import create
from tests.support.upstream import FakeUpstream, wait_until

CHAT = "/proxy/v1/chat/completions"
REQUEST: dict[str, Any] = {
    "model": "gpt-4",
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "What are my preferences?"},
    ],
    "stream": True,
    "temperature": 0.7,
}
"""As printed. The fake upstream takes the model for a behaviour, and answers an unknown one by an echo."""

COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}],
}
PREFERENCE = "User prefers dark mode and compact layouts"


def ask(client: httpx.Client, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
    answer = client.post(CHAT, json=REQUEST | {"stream": False} | changes, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def sent(upstream: FakeUpstream) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = upstream.last.json["messages"]
    return messages


def test_the_printed_request_is_streamed(client: httpx.Client, shared_upstream: FakeUpstream) -> None:
    create(client)

    answer = client.post(CHAT, json=REQUEST)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")
    assert {key: shared_upstream.last.json[key] for key in ("model", "stream", "temperature")} == {
        key: REQUEST[key] for key in ("model", "stream", "temperature")
    }
    assert PREFERENCE in sent(shared_upstream)[0]["content"]


def test_without_stream_the_answer_is_a_completion(client: httpx.Client) -> None:
    answer = ask(client).json()

    same_shape({key: answer[key] for key in COMPLETION}, COMPLETION, beyond={"logprobs", "refusal", "tool_calls"})


def test_context_goes_to_the_system_message(client: httpx.Client, shared_upstream: FakeUpstream) -> None:
    create(client)

    ask(client)

    system, user = sent(shared_upstream)
    assert system["content"].startswith("You are a helpful assistant.")
    assert PREFERENCE in system["content"]
    assert user == REQUEST["messages"][1]


@pytest.mark.parametrize("prefix", ["X-MAIA", "X-Remora"])
def test_the_position_may_be_the_first_user_message(
    client: httpx.Client, shared_upstream: FakeUpstream, prefix: str
) -> None:
    create(client)

    ask(client, {f"{prefix}-Position": "first_user"})

    system, user = sent(shared_upstream)
    assert system == REQUEST["messages"][0]
    assert PREFERENCE in user["content"]
    assert user["content"].endswith("What are my preferences?")


def test_the_position_may_be_before_the_last_user_message(client: httpx.Client, shared_upstream: FakeUpstream) -> None:
    create(client)

    ask(client, {"X-MAIA-Position": "before_last"})

    system, context, user = sent(shared_upstream)
    assert [system, user] == REQUEST["messages"]
    assert PREFERENCE in context["content"]


def test_the_namespace_is_the_headers(client: httpx.Client, shared_upstream: FakeUpstream) -> None:
    client.post("/v1/namespaces", json={"name": "project-alpha"})
    create(client, namespace="project-alpha", content="User prefers the colour teal")
    create(client)

    ask(client, {"X-MAIA-Namespace": "project-alpha"})

    assert "teal" in str(sent(shared_upstream))
    assert PREFERENCE not in str(sent(shared_upstream))


def test_memory_is_skipped_where_asked(client: httpx.Client, shared_upstream: FakeUpstream) -> None:
    create(client)

    ask(client, {"X-MAIA-Skip-Memory": "true"})

    assert sent(shared_upstream) == REQUEST["messages"]


def test_extraction_is_skipped_where_asked(client: httpx.Client) -> None:
    def tell(name: str, skip: str) -> None:
        messages = [{"role": "user", "content": f"My sister's name is {name}."}]
        ask(client, {"X-MAIA-Skip-Extract": skip}, messages=messages)

    def remembered(name: str) -> bool:
        return any(name in memory["content"] for memory in client.get("/v1/memories").json()["items"])

    tell("Quetzalli", "true")
    tell("Xochitl", "false")

    wait_until(lambda: remembered("Xochitl"), "what was said last is learned")
    assert not remembered("Quetzalli")


def test_the_token_budget_bounds_what_is_injected(client: httpx.Client, shared_upstream: FakeUpstream) -> None:
    for number in range(20):
        create(client, content=f"User prefers thing number {number} to every other thing there is")

    injected = [
        int(ask(client, {"X-MAIA-Token-Budget": budget}).headers["X-Remora-Tokens-Injected"])
        for budget in ("0", "60", "4000")
    ]

    assert injected[0] == 0 < injected[1] <= 60 < injected[2] <= 4000


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-MAIA-Namespace", "a/b"),
        ("X-MAIA-Skip-Memory", "perhaps"),
        ("X-MAIA-Skip-Extract", "perhaps"),
        ("X-MAIA-Token-Budget", "-1"),
        ("X-MAIA-Token-Budget", "many"),
    ],
)
def test_a_bad_header_is_a_bad_request(
    client: httpx.Client, shared_upstream: FakeUpstream, header: str, value: str
) -> None:
    count = len(shared_upstream.requests)

    answer = client.post(CHAT, json=REQUEST, headers={header: value})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert header.lower() in answer.text.lower()
    assert len(shared_upstream.requests) == count

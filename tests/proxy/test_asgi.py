"""What reaches the application without passing for a call."""

import json
import string
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.types import Message

from proxy.asgi import OpenAIProxy
from tests.support.server import RemoraServer


@pytest.mark.parametrize("speaks_http", [True, False])
async def test_a_websocket_is_refused_before_it_opens(remora: RemoraServer, speaks_http: bool) -> None:
    proxy: OpenAIProxy = remora.app.state.openai
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    extensions: dict[str, Any] = {"websocket.http.response": {}} if speaks_http else {}
    await proxy({"type": "websocket", "extensions": extensions}, receive, send)  # type: ignore[arg-type]
    if speaks_http:
        assert sent[0]["status"] == 501  # type: ignore[typeddict-item]
        assert "WebSockets" in json.loads(sent[1]["body"])["error"]["message"]  # type: ignore[typeddict-item]
    else:
        assert sent[0]["type"] == "websocket.close"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
message = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "system", "assistant"]) | anything,
        "content": anything,
        "tool_calls": anything,
    },
)
request = st.fixed_dictionaries(
    {},
    optional={
        "model": st.just("echo") | anything,
        "messages": st.lists(message, max_size=4) | anything,
        "user": anything,
        "metadata": anything,
        "stream": anything,
        "n": anything,
    },
)
header = st.tuples(
    st.sampled_from(["Namespace", "User", "Session", "Agent", "App", "Position", "Token-Budget", "Skip-Memory"]),
    st.text(string.printable.strip(), max_size=12).map(str.strip),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request | anything, st.lists(header, max_size=2))
def test_no_input_is_a_500(remora: RemoraServer, body: Any, headers: list[tuple[str, str]]) -> None:
    given_headers = [("Content-Type", "application/json")]
    given_headers += [(f"X-Remora-{name}", value) for name, value in headers]
    answer = httpx.post(f"{remora.url}/chat/completions", content=json.dumps(body), headers=given_headers)
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 400:
        assert set(answer.json()["error"]) == {"code", "message", "type", "param", "details"}

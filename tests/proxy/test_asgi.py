"""What reaches the application without passing for a call."""

import asyncio
import json
import string
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.types import Message

from admin.capacity import Capacity
from config.settings import Limits
from proxy.asgi import OpenAIProxy
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream, wait_until


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


async def test_a_call_gives_its_place_back_whatever_becomes_of_it(fake: FakeUpstream) -> None:
    chat, json_body = "/chat/completions", {"Content-Type": "application/json"}
    with RemoraServer(settings_for(fake.url, limits=Limits(concurrency=1, body_mb=1))) as server:
        capacity: Capacity = server.app.state.parts.capacity
        everything = (capacity.proxied.free, capacity.room)
        async with httpx.AsyncClient(base_url=server.url, headers=json_body) as http:

            async def given_back() -> None:
                def all_free() -> bool:
                    return (capacity.proxied.free, capacity.room) == everything

                await asyncio.to_thread(wait_until, all_free, "the place")

            async def ask(model: str, **headers: str) -> httpx.Response:
                body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
                return await http.post(chat, json=body, headers=headers)

            for status, call in (
                (500, ask("status-500")),
                (400, ask("echo", **{"X-Remora-Position": "nowhere"})),
                (400, http.post(chat, content=b"no JSON")),
                (413, http.post(chat, content=b"x" * 1_000_001)),
                (403, http.get("/models", headers={"Host": "evil.example"})),
                (502, ask("cut")),
            ):
                assert (await call).status_code == status
                await given_back()
            count = len(fake.requests)
            abandoned = asyncio.get_running_loop().create_task(ask("slow-first-byte"))
            await asyncio.to_thread(fake.wait_for, count + 1)
            abandoned.cancel()
            await given_back()
            assert (await ask("echo")).status_code == 200

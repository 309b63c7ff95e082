"""The main job: what one conversation said, another one knows."""

from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI

from context.tokens import TokenCounters
from tests.e2e.talking import prompt, tell, user
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream

FACTS = "I live in Porto and I am allergic to peanuts."


def sync_whole(url: str, text: str) -> str:
    return tell(url, text, user="ann")


def sync_stream(url: str, text: str) -> str:
    with OpenAI(base_url=url, api_key="mine", max_retries=0) as client:
        stream = client.chat.completions.create(model="echo", messages=user(text), user="ann", stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)


async def async_whole(url: str, text: str) -> str:
    async with AsyncOpenAI(base_url=url, api_key="mine", max_retries=0) as client:
        completion = await client.chat.completions.create(model="echo", messages=user(text), user="ann")
        return completion.choices[0].message.content or ""


async def async_stream(url: str, text: str) -> str:
    async with AsyncOpenAI(base_url=url, api_key="mine", max_retries=0) as client:
        stream = await client.chat.completions.create(model="echo", messages=user(text), user="ann", stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


@pytest.mark.parametrize("ask", [sync_whole, sync_stream])
def test_what_one_conversation_said_another_knows(remora: RemoraServer, fake: FakeUpstream, ask: Any) -> None:
    assert ask(remora.url, FACTS) == f"You said: {FACTS}".replace(" ", "" if ask is sync_stream else " ")
    remora.learned()
    ask(remora.url, "What food should I avoid?")
    assert "peanuts" in prompt(fake)
    ask(remora.url, "Which town is my home in?")
    assert "Porto" in prompt(fake)


@pytest.mark.parametrize("ask", [async_whole, async_stream])
async def test_what_an_async_client_said_another_knows(remora: RemoraServer, fake: FakeUpstream, ask: Any) -> None:
    await ask(remora.url, FACTS)
    remora.learned()
    await ask(remora.url, "What food should I avoid?")
    assert "peanuts" in prompt(fake)


def test_no_header_and_no_user_is_needed(remora: RemoraServer, fake: FakeUpstream) -> None:
    tell(remora.url, FACTS)
    remora.learned()
    tell(remora.url, "What food should I avoid?")
    assert "peanuts" in prompt(fake)


@pytest.mark.parametrize("root", ["/v1", "/proxy/v1"])
def test_both_roots_remember(remora: RemoraServer, fake: FakeUpstream, root: str) -> None:
    tell(remora.origin + root, FACTS, user="ann")
    remora.learned()
    tell(remora.url, "What food should I avoid?", user="ann")
    assert "peanuts" in prompt(fake)


def test_what_is_injected_stays_within_the_budget(remora: RemoraServer, fake: FakeUpstream) -> None:
    for town in ("Porto", "Lisbon", "Oslo", "Rome", "Bergen", "Vigo"):
        tell(remora.url, f"I once lived in {town}, in a house with a blue door and a view of the river.", user="ann")
    remora.learned()
    tell(remora.url, "Where have I lived?", user="ann", extra_headers={"X-Remora-Token-Budget": "120"})
    injected = fake.last.json["messages"][0]["content"]
    assert "blue door" in injected
    assert TokenCounters().default.count(injected) <= 120


def test_memory_outlasts_the_process(fake: FakeUpstream, store: dict[str, Any]) -> None:
    with RemoraServer(settings_for(fake.url, **store)) as server:
        tell(server.url, FACTS, user="ann")
        server.learned()
    with RemoraServer(settings_for(fake.url, **store)) as server:
        tell(server.url, "What food should I avoid?", user="ann")
    assert "peanuts" in prompt(fake)


@pytest.mark.xdist_group("redis")
def test_two_processes_on_one_redis_share_one_memory(fake: FakeUpstream, redis_url: str, redis_prefix: str) -> None:
    settings = settings_for(fake.url, redis_url, store_prefix=redis_prefix)
    with RemoraServer(settings) as one, RemoraServer(settings) as other:
        tell(one.url, FACTS, user="ann")
        other.learned()
        tell(other.url, "What food should I avoid?", user="ann")
        assert "peanuts" in prompt(fake)


def test_skipping_memory_and_extraction_is_respected(remora: RemoraServer, fake: FakeUpstream) -> None:
    tell(remora.url, FACTS, user="ann", extra_headers={"X-Remora-Skip-Extract": "true"})
    tell(remora.url, "My cat is called Tabby.", user="ann")
    remora.learned()
    tell(remora.url, "What food should I avoid, and what is my cat called?", user="ann")
    assert "peanuts" not in prompt(fake)
    assert "Tabby" in prompt(fake)
    tell(remora.url, "What is my cat called?", user="ann", extra_headers={"X-MAIA-Skip-Memory": "true"})
    assert "Tabby" not in prompt(fake)


def test_what_calls_for_tools_is_learned_from_once_they_answered(remora: RemoraServer, fake: FakeUpstream) -> None:
    messages = user("My dog is called Rex. What is the weather in Porto?")
    with OpenAI(base_url=remora.url, api_key="mine", max_retries=0) as client:
        asked = client.chat.completions.create(model="tools", messages=messages, user="ann")
        remora.learned()
        assert remora.memories(user_id="ann") == []
        call = asked.choices[0].message
        assert call.tool_calls is not None
        messages += [call, {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "Sunny."}]
        client.chat.completions.create(model="plain", messages=messages, user="ann")
    remora.learned()
    contents = remora.memories(user_id="ann")
    assert any("Rex" in content for content in contents)
    assert not any("Sunny." in content for content in contents if content.startswith("User is"))

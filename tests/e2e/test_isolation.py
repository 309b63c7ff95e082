"""Who sees whose memory, within one namespace and across them."""

from typing import Any

import httpx
import pytest

from config.settings import Secret
from tests.e2e.talking import prompt, tell
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream

SECRET = "My sister's name is Quetzalli."
QUESTION = "What is my sister's name?"


def knows(remora: RemoraServer, fake: FakeUpstream, **asking: str) -> bool:
    """Whether a call made so is told of the sister."""
    fields = {name: asking[name] for name in ("key", "user") if name in asking}
    headers = {"X-Remora-Namespace": asking["namespace"]} if "namespace" in asking else {}
    tell(remora.url, QUESTION, extra_headers={**headers, "X-Remora-Skip-Extract": "true"}, **fields)
    return "Quetzalli" in prompt(fake)


def test_a_users_memories_reach_that_user_only(remora: RemoraServer, fake: FakeUpstream) -> None:
    tell(remora.url, SECRET, user="ann")
    remora.learned()
    assert knows(remora, fake, user="ann")
    assert knows(remora, fake, user="ann", key="another")
    assert not knows(remora, fake, user="bob")
    assert not knows(remora, fake, user="Ann")
    assert not knows(remora, fake, user="an*")
    assert not knows(remora, fake)


def test_what_a_call_without_a_user_taught_belongs_to_its_credential(remora: RemoraServer, fake: FakeUpstream) -> None:
    tell(remora.url, SECRET, key="mine")
    remora.learned()
    assert knows(remora, fake, key="mine")
    assert not knows(remora, fake, key="another")
    assert not knows(remora, fake, key="mine", user="ann")


def test_shared_memories_reach_all(remora: RemoraServer, fake: FakeUpstream) -> None:
    memory = {"namespace": "default", "content": "The sister of everyone here is called Quetzalli."}
    assert httpx.post(f"{remora.url}/memories", json=memory).status_code == 201
    assert knows(remora, fake)
    assert knows(remora, fake, key="another")
    assert knows(remora, fake, user="ann")
    assert knows(remora, fake, user="bob")


def test_a_namespace_keeps_its_memories(remora: RemoraServer, fake: FakeUpstream) -> None:
    tell(remora.url, SECRET, user="ann", extra_headers={"X-Remora-Namespace": "work"})
    remora.learned()
    assert knows(remora, fake, user="ann", namespace="work")
    assert not knows(remora, fake, user="ann")
    assert not knows(remora, fake, user="ann", namespace="wor")


@pytest.mark.parametrize("name", ["u:ann", "a'b\"c", "ann | bob", "@x:{y}", "-ann", "🐟 é", "x" * 128])
def test_odd_names_are_users_too(remora: RemoraServer, fake: FakeUpstream, name: str) -> None:
    tell(remora.url, SECRET, user=name)
    remora.learned()
    assert knows(remora, fake, user=name)
    assert not knows(remora, fake, user=name[:-1] or "other")


def test_a_user_that_is_no_name_gets_no_memory_of_others(remora: RemoraServer, fake: FakeUpstream) -> None:
    tell(remora.url, SECRET)
    tell(remora.url, "My aunt's name is Xochitl.", user="a/b")
    remora.learned()
    assert not knows(remora, fake, user="a/b")
    assert not any("Xochitl" in content for content in remora.memories())


def test_with_a_key_of_its_own_the_upstreams_never_sees_remoras(fake: FakeUpstream, store: dict[str, Any]) -> None:
    with RemoraServer(settings_for(fake.url, admin_key=Secret("operator"), **store)) as server:
        count = len(fake.requests)
        headers = {"X-API-Key": "operator"}
        tell(server.url, "hi", key="upstream-key", extra_headers=headers)
        assert fake.last.header("authorization") == "Bearer upstream-key"
        assert fake.last.header("x-api-key") is None
        refused = httpx.post(
            f"{server.url}/chat/completions",
            json={"model": "echo", "messages": []},
            headers={"Authorization": "Bearer operator"},
        )
        assert refused.status_code == 401
        assert len(fake.requests) == count + 1

"""`GET /v1/events` as a client hears it: the real server, real connections, a real signal."""

import asyncio
import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from admin.api import events
from config.settings import Events, Secret, Stream
from tests.support.process import RemoraProcess
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream

OPERATOR = {"X-API-Key": "the operator's"}


class Listening:
    """A connection to the feed, read line by line."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def event(self) -> dict[str, str]:
        """The next event's fields; comments are passed over. Raises StopIteration at the end."""
        fields: dict[str, str] = {}
        while line := next(self._lines):
            name, _, value = line.partition(": ")
            fields[name] = value
        fields.pop("", None)
        return fields or self.event()

    def data(self) -> Any:
        return json.loads(self.event()["data"])


@contextmanager
def listening(origin: str, **given: Any) -> Iterator[Listening]:
    with (
        httpx.Client(base_url=origin, timeout=20) as client,
        client.stream("GET", "/v1/events", **given) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        yield Listening(answer)


def remember(origin: str, content: str, **given: Any) -> Any:
    headers = given.pop("headers", None)
    body = {"namespace": "default", "content": content, **given}
    return httpx.post(f"{origin}/v1/memories", json=body, headers=headers).raise_for_status().json()


def test_a_memory_is_heard_of_while_it_is_written_changed_and_deleted(remora: RemoraServer) -> None:
    with listening(remora.origin) as feed:
        assert feed.answer.headers["content-type"].startswith("text/event-stream")
        assert feed.answer.headers["cache-control"] == "no-store"
        memory = remember(remora.origin, "likes tea", user_id="ada")
        place = f"{remora.origin}/v1/memories/{memory['id']}"
        httpx.put(place, json={"tags": ["drinks"]}).raise_for_status()
        httpx.delete(place).raise_for_status()
        told = [feed.event() for _ in range(3)]
    assert [one["event"] for one in told] == ["memory.created", "memory.updated", "memory.deleted"]
    assert [json.loads(one["data"])["id"] for one in told] == [memory["id"]] * 3
    assert "tea" not in str(told)
    with listening(remora.origin, headers={"Last-Event-ID": told[0]["id"]}) as feed:
        assert [feed.event() for _ in range(2)] == told[1:]
    with listening(remora.origin, params={"last_event_id": told[1]["id"]}) as feed:
        assert feed.event() == told[2]


def test_filters_are_checked(remora: RemoraServer) -> None:
    for params, status in (
        ({"kinds": "memory.forgotten"}, 400),
        ({"last_event_id": "x" * 65}, 400),
        ({"namespace": "nowhere"}, 404),
    ):
        answer = httpx.get(f"{remora.origin}/v1/events", params=params)
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["code"]
    with listening(remora.origin, params={"namespace": "default", "kinds": ["memory.deleted", "receipt"]}) as feed:
        memory = remember(remora.origin, "likes tea")
        httpx.delete(f"{remora.origin}/v1/memories/{memory['id']}").raise_for_status()
        assert feed.event()["event"] == "memory.deleted"


def test_a_header_that_is_too_long_is_refused_by_its_name(remora: RemoraServer) -> None:
    answer = httpx.get(f"{remora.origin}/v1/events", headers={"Last-Event-ID": "x" * 65})
    assert (answer.status_code, answer.json()["error"]["details"]) == (400, {"field": "Last-Event-ID"})


def test_a_silent_feed_is_kept_alive_by_comments(fake: FakeUpstream) -> None:
    with (
        RemoraServer(settings_for(fake.url, stream=Stream(ping_seconds=0.05))) as remora,
        listening(remora.origin) as feed,
    ):
        assert next(feed.answer.iter_lines()).startswith(": ping")


def test_one_listener_too_many_is_told_so_in_the_api_s_own_way(fake: FakeUpstream) -> None:
    with RemoraServer(settings_for(fake.url, events=Events(listeners=1))) as remora:
        with listening(remora.origin):
            refused = httpx.get(f"{remora.origin}/v1/events")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
            assert refused.headers["retry-after"]
        remora.run(lambda: _nobody_listens(remora))
        with listening(remora.origin):
            pass


async def _nobody_listens(remora: RemoraServer) -> None:
    async with asyncio.timeout(10):
        while remora.app.state.parts.feed._readers:  # noqa: ASYNC110 - the feed tells nobody that they left
            await asyncio.sleep(0.01)


def test_a_key_hears_its_own_tenant_and_namespaces_until_it_is_revoked(
    fake: FakeUpstream, store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "CHECK_SECONDS", 0.05)
    with (
        RemoraServer(settings_for(fake.url, admin_key=Secret(OPERATOR["X-API-Key"]), **store)) as remora,
        httpx.Client(base_url=remora.origin, headers=OPERATOR) as operator,
    ):
        tenant = operator.post("/admin/tenants", json={"name": "acme"}).raise_for_status().json()
        keys = f"/admin/tenants/{tenant['id']}/keys"
        whole = operator.post(keys, json={"name": "whole"}).raise_for_status().json()
        restricted = operator.post(keys, json={"name": "notes", "namespaces": ["notes"]}).raise_for_status().json()
        writer = {"X-API-Key": whole["key"]}
        httpx.post(f"{remora.url}/namespaces", json={"name": "notes"}, headers=writer).raise_for_status()
        assert httpx.get(f"{remora.url}/events").status_code == 401
        with listening(remora.origin, params={"api_key": restricted["key"]}) as feed:
            remember(remora.origin, "the operator's", headers=OPERATOR)
            remember(remora.origin, "of the default namespace", headers=writer)
            remember(remora.origin, "a note", headers=writer, namespace="notes")
            assert feed.data()["namespace"] == "notes"
            operator.delete(f"{keys}/{restricted['id']}").raise_for_status()
            assert feed.event()["event"] == "revoked"
            with pytest.raises(StopIteration):
                feed.event()


def test_a_key_needs_the_scope_to_read(fake: FakeUpstream) -> None:
    with (
        RemoraServer(settings_for(fake.url, admin_key=Secret(OPERATOR["X-API-Key"]))) as remora,
        httpx.Client(base_url=remora.origin, headers=OPERATOR) as operator,
    ):
        key = operator.post("/admin/tenants/default/keys", json={"name": "w", "scopes": ["write"]}).json()["key"]
        assert httpx.get(f"{remora.url}/events", headers={"X-API-Key": key}).status_code == 403


def test_a_stopping_server_ends_its_listeners_in_order_and_at_once(fake: FakeUpstream) -> None:
    with RemoraProcess(STORE="sqlite:///remora.db", UPSTREAM_BASE_URL=fake.url, STREAM_DRAIN_SECONDS="60") as process:
        process.start()
        with listening(process.origin) as feed:
            remember(process.origin, "likes tea")
            assert feed.event()["event"] == "memory.created"
            began = time.monotonic()
            server = _server_of(process)
            server.send_signal(signal.SIGTERM)
            with pytest.raises(StopIteration):  # not an error of the connection: the answer is complete
                feed.event()
            assert server.wait(timeout=20) in (0, -signal.SIGTERM)
            assert time.monotonic() - began < 15


def _server_of(process: RemoraProcess) -> "subprocess.Popen[bytes]":
    assert process._process is not None
    return process._process


def test_listeners_who_leave_leave_nothing_behind(remora: RemoraServer) -> None:
    threads = [threading.Thread(target=_listen_once, args=(remora.origin,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    remora.run(lambda: _nobody_listens(remora))
    assert not remora.app.state.parts.feed._listening


def _listen_once(origin: str) -> None:
    with listening(origin):
        pass

"""Traces, as a real collector gets them by OTLP over HTTP."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
from litestar.types import Receive, Scope, Send
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from config.settings import Secret, Settings, Tracing
from memory.errors import Misconfigured
from proxy import otel
from proxy.tracing import open_tracing
from tests.support.asgi_server import AsgiServer
from tests.support.broken_server import deaf_port, refusing_port
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream, wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"

Attributes = dict[str, Any]


class Collector:
    """A context manager. What it got is in `spans`, and as bytes in `bodies`."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._server = AsgiServer(self._serve)

    @property
    def endpoint(self) -> str:
        return f"{self._server.origin}/v1/traces"

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for body in self.bodies
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"] == "/v1/traces"
        body, more = b"", True
        while more:
            message: Any = await receive()
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def traced(base_url: str, collector: Collector, *, sample: float = 1.0, **sections: Any) -> RemoraServer:
    """Its traces are with the collector once it has ended."""
    tracing = Tracing(endpoint=collector.endpoint, sample=sample)
    return RemoraServer(settings_for(base_url, tracing=tracing, **sections))


def ask(server: RemoraServer, model: str, text: str = "hi", *, stream: bool = False, **headers: Any) -> httpx.Response:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": text}], "user": "canary-user"}
    return httpx.post(f"{server.url}/chat/completions", json=body, headers=headers, timeout=30)


def attributes(span: Span) -> Attributes:
    return {each.key: value(each.value) for each in span.attributes}


def value(given: Any) -> Any:
    kind = given.WhichOneof("value")
    told = getattr(given, kind)
    return [value(each) for each in told.values] if kind == "array_value" else told


def the_call(collector: Collector) -> tuple[Span, Span, Span]:
    """The spans of the only call: its own, that of recall and that of the upstream."""
    by_name = {span.name.partition(" ")[0]: span for span in collector.spans}
    assert len(collector.spans) == 3
    return by_name["chat"], by_name["recall"], by_name["POST"]


def test_a_call_is_told_in_the_conventions_words(fake: FakeUpstream, collector: Collector) -> None:
    with traced(fake.url, collector) as server:
        answer = ask(server, "plain")
        assert answer.status_code == 200
    span, _, upstream = the_call(collector)
    assert (span.name, span.kind, span.status.code) == ("chat plain", Span.SPAN_KIND_SERVER, Status.STATUS_CODE_UNSET)
    assert attributes(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "plain",
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 1,
        "gen_ai.usage.output_tokens": 1,
        "server.address": "127.0.0.1",
        "server.port": fake.port,
        "remora.request_id": answer.headers["x-remora-request-id"],
        "remora.memory": "empty",
        "remora.memories_used": 0,
        "remora.tokens_injected": 0,
    }
    assert upstream.kind == Span.SPAN_KIND_CLIENT
    assert attributes(upstream)["http.response.status_code"] == 200


def test_recall_and_the_upstream_are_parts_of_the_call(fake: FakeUpstream, collector: Collector) -> None:
    with traced(fake.url, collector) as server:
        ask(server, "echo", stream=True)
    span, recall, upstream = the_call(collector)
    assert span.parent_span_id == b""
    for part in (recall, upstream):
        assert (part.trace_id, part.parent_span_id) == (span.trace_id, span.span_id)
        assert span.start_time_unix_nano <= part.start_time_unix_nano
        assert part.end_time_unix_nano <= span.end_time_unix_nano
    assert recall.end_time_unix_nano <= upstream.start_time_unix_nano


def test_what_memory_did_is_told(fake: FakeUpstream, collector: Collector) -> None:
    with traced(fake.url, collector) as server:
        ask(server, "first", "I'm allergic to peanuts.")
        server.learned()
        ask(server, "second", "What am I allergic to?")
    told = {span.name: attributes(span) for span in collector.spans}
    assert told["chat second"]["remora.memory"] == "used"
    assert told["chat second"]["remora.memories_used"] >= 1
    assert told["chat second"]["remora.tokens_injected"] > 10


def test_a_clients_trace_goes_on_through_the_upstream(fake: FakeUpstream, collector: Collector) -> None:
    with traced(fake.url, collector) as server:
        ask(server, "echo", traceparent=SAMPLED, tracestate="vendor=1")
    span, _, upstream = the_call(collector)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert fake.last.header("traceparent") == f"00-{TRACE}-{upstream.span_id.hex()}-01"
    assert fake.last.header("tracestate") == "vendor=1"
    assert [name for name, _ in fake.last.headers].count(b"traceparent") == 1


def test_a_clients_trace_decides_whether_it_is_kept(fake: FakeUpstream, collector: Collector) -> None:
    with traced(fake.url, collector, sample=0.0) as server:
        ask(server, "echo", traceparent=UNSAMPLED)
        assert str(fake.last.header("traceparent")).startswith(f"00-{TRACE}-")
        assert str(fake.last.header("traceparent")).endswith("-00")
        ask(server, "echo")
        ask(server, "echo", traceparent=SAMPLED)
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert len(collector.spans) == 3


def test_without_tracing_a_clients_trace_reaches_the_upstream_as_it_came(
    fake: FakeUpstream, remora: RemoraServer
) -> None:
    ask(remora, "echo", traceparent=SAMPLED, tracestate="vendor=1")
    assert fake.last.header("traceparent") == SAMPLED
    assert fake.last.header("tracestate") == "vendor=1"
    ask(remora, "echo")
    assert fake.last.header("traceparent") is None


@pytest.mark.parametrize(
    ("model", "stream", "error"),
    [("status-429", False, "429"), ("cut", False, "UpstreamFailed"), ("cut", True, "upstream_broke")],
)
def test_a_call_that_fails_says_why(
    fake: FakeUpstream, collector: Collector, model: str, stream: bool, error: str
) -> None:
    with traced(fake.url, collector) as server:
        ask(server, model, stream=stream)
    span, recall, upstream = the_call(collector)
    for each in (span, upstream):
        assert (each.status.code, each.status.message) == (Status.STATUS_CODE_ERROR, "")
        assert attributes(each)["error.type"] == error
    assert "error.type" not in attributes(recall)


def test_an_upstream_that_is_not_there_is_told(collector: Collector) -> None:
    with refusing_port() as url, traced(url, collector) as server:
        assert ask(server, "echo").status_code == 502
    span, _, upstream = the_call(collector)
    assert attributes(span)["error.type"] == attributes(upstream)["error.type"] == "UpstreamFailed"


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_is_told(fake: FakeUpstream, collector: Collector, stream: bool) -> None:
    with traced(fake.url, collector) as server:
        body = {"model": "slow-events", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
        before = len(fake.requests)
        with httpx.stream("POST", f"{server.url}/chat/completions", json=body) as answer:
            if stream:
                next(answer.iter_raw())
            else:
                fake.wait_for(before + 1)
        assert fake.last.left.wait(10)
    span, _, upstream = the_call(collector)
    assert (attributes(span)["error.type"], attributes(upstream)["error.type"]) == ("client_gone", "cancelled")


def test_no_text_no_user_and_no_key_is_told(fake: FakeUpstream, collector: Collector) -> None:
    with traced(fake.url, collector, admin_key=Secret("canary-operator")) as server:
        keys = {"X-API-Key": "canary-operator", "Authorization": "Bearer canary-upstream"}
        headers: Attributes = {**keys, "X-Remora-Session": "canary-session", "baggage": "canary=1"}
        for model in ("echo", "tools", "status-400", "cut"):
            ask(server, model, "I live in canary-town.", **headers)
            ask(server, model, "I live in canary-town.", stream=True, **headers)
        server.learned()
        ask(server, "echo", "Where do I live? canary-question", **headers)
    assert len(collector.spans) == 27
    assert not [body for body in collector.bodies if b"canary" in body]


def test_a_collector_that_does_not_answer_holds_up_nothing(fake: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otel, "FLUSH_SECONDS", 0.2)
    monkeypatch.setattr(otel, "EXPORT_SECONDS", 1.0)
    with deaf_port() as url:
        endpoint = url.replace("/v1", "/v1/traces")
        with RemoraServer(settings_for(fake.url, tracing=Tracing(endpoint=endpoint))) as server:
            for _ in range(3):
                assert ask(server, "echo").status_code == 200
            began = time.monotonic()
        assert time.monotonic() - began < 5
    wait_until(lambda: "flush traces" not in {thread.name for thread in threading.enumerate()}, "its last try")


async def test_without_the_extra_the_operator_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    monkeypatch.delitem(sys.modules, "proxy.otel")
    with pytest.raises(Misconfigured, match=r"REMORA_TRACING_ENDPOINT.*install 'remora\[otel\]'"):
        async with open_tracing(Settings(tracing=Tracing(endpoint="http://127.0.0.1:9/v1/traces"))):
            await asyncio.sleep(0)


def test_without_an_endpoint_opentelemetry_is_not_loaded() -> None:
    program = "import sys, proxy.serve; sys.exit('opentelemetry.sdk' in sys.modules or 'proxy.otel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=100).returncode == 0

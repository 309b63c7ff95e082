"""Traces by OpenTelemetry, with the names of its conventions for generative AI.

They hold figures and the names of models: no contents, no users, no keys. An exception's text is left out, since it
may quote any of them. The tables of names are https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from admin.metrics import StreamEnd
from config import settings
from context.receipt import Receipt
from proxy.client import ClientGone
from proxy.completion import Completion
from proxy.headers import RawHeaders
from proxy.tracing import Trace, Tracing

EXPORT_SECONDS = 5.0
"""How long one export may take; it is a thread of its own that waits."""

FLUSH_SECONDS = 5.0
"""How long a stopping server waits for the last traces to be taken."""

_LONGEST_NAME = 128
"""Characters of a model's name: clients choose it."""

_W3C = TraceContextTextMapPropagator()

_Attributes = dict[str, AttributeValue]

_ERRORS: dict[type[BaseException], str] = {ClientGone: "client_gone", asyncio.CancelledError: "cancelled"}
"""What is told of those that are no errors of the upstream's."""


@asynccontextmanager
async def open_otel(tracing: settings.Tracing, endpoint: str, upstream: str) -> AsyncIterator[Tracing]:
    """Traces to `endpoint`, sent in batches beside the calls. `upstream` is the base URL that is called."""
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(tracing.sample)),
        resource=Resource.create({"service.name": "remora", "service.version": version("remora")}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS)))
    try:
        yield OtelTracing(provider.get_tracer("remora"), upstream)
    finally:
        # A daemon, so that a collector which does not answer holds up no end of the process.
        flushing = threading.Thread(target=provider.shutdown, name="flush traces", daemon=True)
        flushing.start()
        await asyncio.to_thread(flushing.join, FLUSH_SECONDS)


class OtelTracing(Tracing):
    def __init__(self, tracer: Tracer, upstream: str) -> None:
        self._tracer = tracer
        place = urlsplit(upstream)
        self._address: _Attributes = {
            "server.address": place.hostname or "",
            "server.port": place.port or (443 if place.scheme == "https" else 80),
        }

    @contextmanager
    def chat(self, headers: RawHeaders, model: str | None) -> Iterator[Trace]:
        """A span that the client's trace, if it names one, goes on in. Its kind is that of a server, which it is to
        the client; the upstream's part in it is a client's."""
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        attributes: _Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",  # whose protocol is spoken; the address says to whom
            **self._address,
        }
        if model is not None:
            model = attributes["gen_ai.request.model"] = model[:_LONGEST_NAME]
        parent = _W3C.extract(carrier, Context())
        name = "chat" if model is None else f"chat {model}"
        span = self._tracer.start_span(name, parent, SpanKind.SERVER, attributes)
        with _to_its_end(span):
            yield _OtelTrace(self._tracer, span, self._address)


class _OtelTrace(Trace):
    def __init__(self, tracer: Tracer, span: Span, address: _Attributes) -> None:
        self._tracer = tracer
        self._span = span
        self._context = set_span_in_context(span, Context())
        self._address = address
        self._asking: Span | None = None

    @contextmanager
    def recall(self) -> Iterator[None]:
        with _to_its_end(self._tracer.start_span("recall", self._context, SpanKind.INTERNAL)):
            yield

    @contextmanager
    def upstream(self, headers: list[tuple[str, str]]) -> Iterator[None]:
        attributes: _Attributes = {"http.request.method": "POST", **self._address}
        self._asking = self._tracer.start_span("POST", self._context, SpanKind.CLIENT, attributes)
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, set_span_in_context(self._asking, Context()))
        headers[:] = [header for header in headers if header[0] not in _W3C.fields] + list(carrier.items())
        with _to_its_end(self._asking):
            yield

    def answered(self, status: int) -> None:
        if self._asking is not None:
            self._asking.set_attribute("http.response.status_code", status)
        if status >= 400:
            self._fail(str(status))

    def ended(self, end: StreamEnd) -> None:
        if end == "upstream_broke":  # the other ways to break off are raised
            self._fail(end)

    def conclude(self, receipt: Receipt, completion: Completion) -> None:
        told: dict[str, AttributeValue | None] = {
            "remora.request_id": receipt.request_id,
            "remora.memory": receipt.outcome,
            "remora.memories_used": receipt.used,
            "remora.tokens_injected": receipt.token_count,
            "gen_ai.response.model": completion.model and completion.model[:_LONGEST_NAME],
            "gen_ai.response.finish_reasons": completion.finish_reason and [completion.finish_reason[:_LONGEST_NAME]],
            "gen_ai.usage.input_tokens": completion.input_tokens,
            "gen_ai.usage.output_tokens": completion.output_tokens,
        }
        self._span.set_attributes({name: value for name, value in told.items() if value is not None})

    def _fail(self, kind: str) -> None:
        for span in (self._span, self._asking):
            if span is not None:
                _fail(span, kind)


@contextmanager
def _to_its_end(span: Span) -> Iterator[None]:
    """Ends the span with the block, as failed where that raises."""
    try:
        yield
    except BaseException as error:
        _fail(span, _ERRORS.get(type(error)) or type(error).__name__)
        raise
    finally:
        span.end()


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))

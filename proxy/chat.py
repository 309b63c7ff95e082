"""POST chat/completions: the one call that remembers, as a list of steps."""

import time

import msgspec

from admin.metrics import Metrics, StreamEnd
from config.settings import Settings
from context.receipt import Learning, Receipt
from context.render import SEPARATOR
from memory import ids
from memory.caller import DEFAULT_NAMESPACE, Caller
from memory.extraction.exchange import read_round
from memory.model import Name
from memory.service.clock import Clock
from proxy.body import ChatBody, OpaqueBody, read_body
from proxy.call import Call
from proxy.client import Client
from proxy.completion import Completion
from proxy.errors import UpstreamFailed
from proxy.injection import inject
from proxy.learning import Lesson, Record
from proxy.options import Options, read_options
from proxy.outbox import Outbox
from proxy.recollection import Recollection, Recollector
from proxy.relay import Headers, relay_events
from proxy.tracing import Trace, Tracing
from proxy.upstream import Answer, Upstream


class Chat:
    def __init__(
        self,
        settings: Settings,
        *,
        recollector: Recollector,
        upstream: Upstream,
        outbox: Outbox,
        metrics: Metrics,
        tracing: Tracing,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._recollector = recollector
        self._upstream = upstream
        self._outbox = outbox
        self._metrics = metrics
        self._tracing = tracing
        self._now = clock

    async def handle(self, call: Call, client: Client) -> None:
        """Answer the call. Raises ClientGone, and RemoraError for what the client is still to be told."""
        options = read_options(call.headers)
        body = read_body(await client.body(self._settings.limits.body_bytes))
        if isinstance(body, ChatBody):
            body = _of_user(body, call, options)
        model = body.model if isinstance(body, ChatBody) else None
        with self._tracing.chat(call.headers, model) as trace, client.present():
            answering = self._remember(call, client, options, body, trace)
            del body  # a stream may stay open for long, and so this frame
            await answering

    async def _remember(
        self, call: Call, client: Client, options: Options, body: ChatBody | OpaqueBody, trace: Trace
    ) -> None:
        with trace.recall():
            recollection = await self._recollect(call.caller, options, body)
        if recollection.cause is not None:
            self._metrics.degraded(recollection.cause)
        if recollection.assembled is not None:
            call.recalled_ms = recollection.assembled.timings["total"]
        receipt = self._receipt(call, recollection)
        payload = self._inject(options, body, recollection, receipt)
        call.memory = receipt.outcome
        lesson = self._lesson(call, options, body, receipt)
        record = Record(
            receipt,
            lesson,
            self._outbox,
            ttl_seconds=self._settings.receipt.ttl_seconds,
            wait=recollection.store_answers,
        )
        hearing = _Hearing(record, Completion(keeps_text=lesson is not None), self._metrics, trace)
        answering = self._forward(call, client, payload, receipt, hearing)
        del body, payload, recollection, lesson  # likewise
        try:
            await answering
        except UpstreamFailed as error:
            record.abandon(error.message)
            raise
        finally:
            record.abandon("the call ended before its answer was whole")
            trace.conclude(receipt, hearing.completion)

    async def _recollect(self, caller: Caller, options: Options, body: ChatBody | OpaqueBody) -> Recollection:
        if isinstance(body, OpaqueBody):
            namespace = caller.enter(options.namespace or DEFAULT_NAMESPACE)
            return Recollection(outcome="degraded", reason=body.reason, cause="request", namespace=namespace)
        return await self._recollector.recollect(caller, options, body)

    def _receipt(self, call: Call, recollection: Recollection) -> Receipt:
        return Receipt(
            request_id=call.id,
            tenant=call.caller.tenant,
            at=self._now(),
            outcome=recollection.outcome,
            reason=recollection.reason,
            namespace=recollection.namespace,
        )

    def _inject(
        self, options: Options, body: ChatBody | OpaqueBody, recollection: Recollection, receipt: Receipt
    ) -> bytes:
        """The body for the upstream; the receipt learns what is in it."""
        assembled = recollection.assembled
        if assembled is None or isinstance(body, OpaqueBody):
            return body.raw
        payload: bytes | None = body.raw
        if assembled.content:
            position = options.position or self._settings.context.position
            payload = inject(body, assembled.content, position, SEPARATOR)
        if payload is None:
            receipt.outcome, receipt.reason = "skipped", "there is no user message to place memory by"
            return body.raw
        receipt.record(assembled)
        self._metrics.injected(assembled)
        return payload

    def _lesson(self, call: Call, options: Options, body: ChatBody | OpaqueBody, receipt: Receipt) -> Lesson | None:
        """None where nothing is to be learned; the receipt learns why."""
        if isinstance(body, OpaqueBody):
            why = body.reason
        elif options.skip_extract:
            why = "the request asked for it"
        elif ids.parse(receipt.namespace, "ns") is not None:
            why = "the namespace's name could not be found out"
        else:
            return Lesson(
                caller=call.caller,
                namespace=receipt.namespace,
                agent=options.agent,
                app=options.app,
                session=options.session or _name(body.session),
                newest=read_round(body.messages),
                request_id=call.id,
                at=receipt.at,
            )
        receipt.learning = Learning(enqueued=False, reason=why)
        return None

    async def _forward(self, call: Call, client: Client, payload: bytes, receipt: Receipt, hearing: "_Hearing") -> None:
        # Asked not to compress, an upstream that does so all the same is decoded.
        headers = [header for header in call.upstream_headers() if header[0] != "accept-encoding"]
        headers.append(("accept-encoding", "identity"))
        sent = time.perf_counter()
        with (
            hearing.trace.upstream(headers),
            await self._upstream.call("POST", call.target, headers, payload, decode=True) as answer,
        ):
            del payload  # it has been sent
            waited = time.perf_counter() - sent
            call.waited += waited
            self._metrics.upstream_answered("chat", waited)
            hearing.trace.answered(answer.status)
            await self._relay(call, client, answer, receipt, hearing)

    async def _relay(self, call: Call, client: Client, answer: Answer, receipt: Receipt, hearing: "_Hearing") -> None:
        if answer.streams_events and answer.status < 300:
            self._note_overhead(call, receipt)
            await relay_events(
                client,
                answer,
                _headers(call, answer, receipt),
                ping_seconds=self._settings.stream.ping_seconds,
                ended=hearing.ended,
                listener=hearing,
            )
            await hearing.end()
            return
        began = time.perf_counter()
        data = await answer.read()
        call.waited += time.perf_counter() - began
        self._note_overhead(call, receipt)
        if answer.status < 300:
            await hearing.hear_body(data)
        else:
            hearing.record.abandon(f"the upstream answered {answer.status}")
        told = [header for header in _headers(call, answer, receipt) if header[0] != b"content-length"]
        await client.answer(answer.status, [*told, (b"content-length", b"%d" % len(data))], data)

    def _note_overhead(self, call: Call, receipt: Receipt) -> None:
        milliseconds = call.overhead_ms
        receipt.timings["overhead"] = round(milliseconds, 3)
        self._metrics.added("chat", milliseconds)


class _Hearing:
    """Hears an answer beside its relay, and sees to it that what it teaches is stored before its end goes out."""

    def __init__(self, record: Record, completion: Completion, metrics: Metrics, trace: Trace) -> None:
        self.record = record
        self.completion = completion
        self._metrics = metrics
        self.trace = trace
        self._asked = time.perf_counter()

    async def hear_body(self, body: bytes) -> None:
        self.completion.read_body(body)
        await self.end()

    async def hear(self, events: bytes) -> None:
        begun = self.completion.begun
        self.completion.read_events(events)
        if self.completion.begun and not begun:
            self._metrics.first_token(time.perf_counter() - self._asked)
        if self.completion.finish_reason is not None:
            await self.end()

    def complaint(self) -> str | None:
        return None if self.completion.ended else "the upstream ended the stream before the answer was whole"

    def ended(self, end: StreamEnd) -> None:
        """The stream did."""
        self._metrics.stream_ended(end)
        self.trace.ended(end)

    async def end(self) -> None:
        """All that was to be heard was."""
        await self.record.conclude(self.completion)


def _of_user(body: ChatBody, call: Call, options: Options) -> ChatBody | OpaqueBody:
    """Finds out for whom the call is made. A user that can't be named has no memory, rather than someone else's."""
    user = options.user or _name(body.user)
    if user is None and body.user is not None:
        return OpaqueBody(raw=body.raw, reason="the request's user is no usable name")
    call.caller = msgspec.structs.replace(call.caller, user=user)
    return body


def _name(value: object) -> str | None:
    try:
        return msgspec.convert(value, Name)
    except msgspec.ValidationError:
        return None


def _headers(call: Call, answer: Answer, receipt: Receipt) -> Headers:
    used, tokens = b"%d" % receipt.used, b"%d" % receipt.token_count
    headers = [
        *answer.headers,
        *call.own_headers(),
        (b"x-remora-memory", receipt.outcome.encode()),
        (b"x-remora-memories-used", used),
        (b"x-remora-tokens-injected", tokens),
    ]
    if receipt.used:
        headers += [(b"x-maia-memories-used", used), (b"x-maia-tokens-injected", tokens)]
    return headers

"""Traces of chat calls. Where none are asked for, OpenTelemetry is not even loaded."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from admin.metrics import StreamEnd
from config.settings import Settings
from context.receipt import Receipt
from memory.errors import Misconfigured
from proxy.completion import Completion
from proxy.headers import RawHeaders


class Trace:
    """Is told how one chat call goes, and keeps nothing of it."""

    def recall(self) -> AbstractContextManager[None]:
        """Around asking memory."""
        return nullcontext()

    def upstream(self, headers: list[tuple[str, str]]) -> AbstractContextManager[None]:  # noqa: ARG002
        """Around the upstream's part; its `headers` come to name the trace."""
        return nullcontext()

    def answered(self, status: int) -> None:
        """By the upstream."""

    def ended(self, end: StreamEnd) -> None:
        """The answer's stream."""

    def conclude(self, receipt: Receipt, completion: Completion) -> None:
        """The call is over."""


class Tracing:
    """Makes no traces."""

    def chat(self, headers: RawHeaders, model: str | None) -> AbstractContextManager[Trace]:  # noqa: ARG002
        """Around a chat call with these headers for that model."""
        return nullcontext(Trace())


@asynccontextmanager
async def open_tracing(settings: Settings) -> AsyncIterator[Tracing]:
    """What REMORA_TRACING_ENDPOINT asks for. Raises Misconfigured where the extra for it is not installed."""
    if settings.tracing.endpoint is None:
        yield Tracing()
        return
    try:
        from proxy.otel import open_otel
    except ImportError as error:
        raise Misconfigured("REMORA_TRACING_ENDPOINT needs the extra: install 'remora[otel]'") from error
    async with open_otel(settings.tracing, settings.tracing.endpoint, settings.upstream.base_url) as tracing:
        yield tracing

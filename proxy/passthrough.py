"""Everything but chat/completions: relayed as it is, both ways."""

import re
import time
from collections.abc import AsyncIterator
from urllib.parse import unquote

from admin.metrics import Metrics
from config.settings import Settings
from memory.errors import Forbidden, Invalid
from proxy.call import Call
from proxy.client import Client
from proxy.relay import relay_bytes, relay_events
from proxy.upstream import Upstream

# What an upstream answers without keeping anything that another of its clients could ask for.
_STATELESS = re.compile(
    r"""
      POST\ /(?: chat/completions | completions | embeddings | moderations | responses | rerank
               | images/(?: generations | edits | variations )
               | audio/(?: speech | transcriptions | translations ) )
    | (?: GET | HEAD )\ /models (?: /.+ )?
    """,
    re.VERBOSE,
)
_SEPARATOR = re.compile(r"[/\\]")

_HELD = 65_536
"""A body announced as no longer than this is taken in whole, which costs less than passing it on in pieces."""


class PassThrough:
    def __init__(self, settings: Settings, upstream: Upstream, metrics: Metrics) -> None:
        self._stateless_only = settings.upstream.pass_through == "stateless"
        self._limit = settings.limits.body_bytes
        self._ping_seconds = settings.stream.ping_seconds
        self._upstream = upstream
        self._metrics = metrics

    async def handle(self, call: Call, client: Client) -> None:
        """Answer the call. Raises as `Chat.handle` does."""
        self._admit(call)
        await client.refuse_more(self._limit)
        with client.present():
            headers = call.upstream_headers()
            if not call.has_body:
                client.body_is_over()
                await self._forward(call, client, headers, None)
            elif call.length is not None and call.length <= _HELD:
                await self._forward(call, client, headers, await client.body(self._limit))
            else:
                if call.length is not None:
                    headers.append(("content-length", str(call.length)))
                await self._forward(call, client, headers, client.chunks(self._limit))

    def _admit(self, call: Call) -> None:
        path = unquote(call.path)
        if any(segment in (".", "..") for segment in _SEPARATOR.split(path)):
            raise Invalid("the path must not contain '.' or '..'")
        if call.own_key and self._stateless_only and not _STATELESS.fullmatch(f"{call.method} {path}"):
            raise Forbidden(
                f"{call.method} {path} is not passed on under this server's own upstream key, since what it reaches is "
                "shared by everyone who uses this server; its operator can allow it with "
                "REMORA_UPSTREAM_PASS_THROUGH=all, or run it without an upstream key so that clients send their own"
            )

    async def _forward(
        self, call: Call, client: Client, headers: list[tuple[str, str]], body: bytes | AsyncIterator[bytes] | None
    ) -> None:
        sent = time.perf_counter()
        with await self._upstream.call(call.method, call.target, headers, body, decode=False) as answer:
            waited = time.perf_counter() - sent
            call.waited += waited
            self._metrics.upstream_answered("other", waited)
            self._metrics.added("other", call.overhead_ms)
            marked = [*answer.headers, *call.own_headers()]
            if answer.streams_events and answer.status < 300:
                await relay_events(
                    client, answer, marked, ping_seconds=self._ping_seconds, ended=self._metrics.stream_ended
                )
            else:
                await relay_bytes(client, answer, marked)

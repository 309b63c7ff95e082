"""uvicorn's side of a connection, with patience that ends: it hangs up on whoever keeps it waiting.

uvicorn itself would wait for ever for the rest of a request that has begun, or for someone to read an answer; such a
connection keeps its place, its buffers and its file, and costs who opens thousands of them nothing.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from proxy.gathering import Gathering

CHECK_SECONDS = 10.0
HEAD_CHECKS = 2
"""A request's head takes no longer than so many checks, from the first byte on or, on a new connection, without one."""
BODY_CHECKS = 3
"""A body that is waited for brings ENOUGH between one check and the next, or not for so many in a row at most."""
SEND_CHECKS = 6
"""Of what it is sent, a client takes something between one check and the next, or not for so many at most."""

ENOUGH = 1024
"""Bytes."""


class Connection(HttpToolsProtocol):
    """Looks at itself now and then, which takes less than a timer for each thing that may be waited for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Gathering(transport, self.loop))
        self._received = 0
        self._before: tuple[Any, ...] = ()
        self._in_vain = 0
        self._timer = self.loop.call_later(CHECK_SECONDS, self.check)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)

    def shutdown(self) -> None:
        super().shutdown()
        if (grace := self.config.timeout_graceful_shutdown) is not None:
            # Just before uvicorn cancels what is under way, after which nothing would end a write that is stuck.
            self.loop.call_later(grace, self._hang_up_if_stalled)

    def check(self) -> None:
        """Hang up where nothing has changed for so many checks in a row."""
        self._timer.cancel()
        checks, now = self._awaited()
        self._in_vain = self._in_vain + 1 if checks and now == self._before else 0
        self._before = now
        if checks and self._in_vain >= checks:
            self.transport.abort()
        else:
            self._timer = self.loop.call_later(CHECK_SECONDS, self.check)

    def _hang_up_if_stalled(self) -> None:
        if self.flow.write_paused:
            self.transport.abort()

    def _awaited(self) -> tuple[int, tuple[Any, ...]]:
        """How many checks what is waited for may take (0: nothing is), and what would change if it came."""
        cycle: RequestResponseCycle | None = self.cycle
        # Also after the last of an answer is written: to close a connection is to wait for the client to read it.
        if unread := self.transport.get_write_buffer_size():
            return SEND_CHECKS, ("send", unread)
        if cycle is None or cycle.response_complete:
            return HEAD_CHECKS if self.timeout_keep_alive_task is None else 0, ("head", cycle)
        if cycle.more_body and not self.flow.read_paused:
            return BODY_CHECKS, ("body", self._received // ENOUGH)
        return 0, ()

"""For how long a request may go on that lasts."""

import time
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from litestar import Request

from memory.caller import Caller, Scope
from memory.errors import Unavailable

CHECK_SECONDS = 10.0
"""How often a key is looked at again."""


@runtime_checkable
class Authority(Protocol):
    """Knows who makes a request, by its raw headers and query string."""

    async def caller(self, headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> Caller:
        """Raises Unauthenticated, Forbidden, and Unavailable where it can't tell."""
        ...


class Leave:
    """A request's leave to go on, which ends with that of its key."""

    def __init__(self, request: Request[Any, Any, Any], authority: Authority, scope: Scope) -> None:
        self._headers = request.scope["headers"]
        self._query = request.scope["query_string"]
        self._authority = authority
        self._scope = scope
        self._checked = time.monotonic()

    async def confirm(self) -> None:
        """Raises Unauthenticated or Forbidden where the key was revoked, suspended or has expired; CHECK_SECONDS after
        the last time, before which nothing is asked."""
        if time.monotonic() - self._checked < CHECK_SECONDS:
            return
        self._checked = time.monotonic()
        try:
            caller = await self._authority.caller(self._headers, self._query)
        except Unavailable:
            return
        caller.require(self._scope)

"""One proxied call."""

import time

from msgspec import Struct

from context.receipt import Outcome
from memory.caller import Caller
from proxy.headers import headers_upstream


class Call(Struct, kw_only=True):
    """Who calls, for what, and for how long the upstream was waited for."""

    id: str
    caller: Caller
    method: str
    path: str
    """What follows the API's root, as it came, e.g. `/chat/completions`."""
    query: str
    """With its `?`, or empty."""
    headers: list[tuple[bytes, bytes]]
    authorization: str | None
    """For the upstream."""
    own_key: bool
    """Whether that is this server's."""
    length: int | None
    """Of the body, as announced."""
    has_body: bool
    started: float
    """As `time.perf_counter` has it."""
    waited: float = 0.0
    """Seconds spent waiting for the upstream."""
    recalled_ms: float | None = None
    """How long memory took; None where it was not asked, or did not answer."""

    memory: Outcome | None = None
    """What memory did for it; None where it was not asked."""

    @property
    def target(self) -> str:
        return self.path + self.query

    @property
    def overhead_ms(self) -> float:
        """What this server added to the call so far."""
        return 1000 * (time.perf_counter() - self.started - self.waited)

    def upstream_headers(self) -> list[tuple[str, str]]:
        return headers_upstream(self.headers, authorization=self.authorization, own_key=self.own_key)

    def own_headers(self) -> list[tuple[bytes, bytes]]:
        """What every answer says of the call."""
        return [(b"x-remora-overhead-ms", b"%.2f" % self.overhead_ms)]

"""Whether the server can do its work now."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from memory.errors import RemoraError

log = logging.getLogger("remora.readiness")

Check = Callable[[], Awaitable[str]]
"""`ok`, perhaps with a remark; raises a RemoraError where the part does not work."""

_PATIENCE_SECONDS = 2.0

_SILENT = "does not answer"
"""All that is told of a part that does not work: whoever asks may be anyone, and reasons name hosts."""


class Report(Struct, frozen=True):
    ready: bool
    checks: dict[str, str]


class Readiness:
    """Each part registers its check under its name. Why one does not work is logged, when it begins or changes."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)
        self._reasons: dict[str, str] = {}

    async def report(self) -> Report:
        """All checks at once, each given two seconds."""
        told = await asyncio.gather(*(self._run(name, check) for name, check in self._checks.items()))
        return Report(
            ready=all(remark is not None for remark in told),
            checks={name: remark or _SILENT for name, remark in zip(self._checks, told, strict=True)},
        )

    async def _run(self, name: str, check: Check) -> str | None:
        """What the check says; None where the part does not work."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                said = await check()
        except TimeoutError:
            reason = f"no answer within {_PATIENCE_SECONDS:g} s"
        except RemoraError as error:
            reason = error.message
        else:
            self._reasons.pop(name, None)
            return said
        if self._reasons.get(name) != reason:
            self._reasons[name] = reason
            log.warning("not ready: %s: %s", name, reason)
        return None

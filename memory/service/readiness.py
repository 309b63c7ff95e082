"""Whether the server can do its work now."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from memory.errors import RemoraError

Check = Callable[[], Awaitable[str]]
"""`ok`, perhaps with a remark; raises a RemoraError where the part does not work."""

_PATIENCE_SECONDS = 2.0


class Report(Struct, frozen=True):
    ready: bool
    checks: dict[str, str]


class Readiness:
    """Each part registers its check under its name."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)

    async def report(self) -> Report:
        """All checks at once, each given two seconds."""
        outcomes = await asyncio.gather(*(_run(check) for check in self._checks.values()))
        checks = {name: told for name, (_, told) in zip(self._checks, outcomes, strict=True)}
        return Report(ready=all(good for good, _ in outcomes), checks=checks)


async def _run(check: Check) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return True, await check()
    except TimeoutError:
        return False, "does not answer"
    except RemoraError as error:
        return False, error.message

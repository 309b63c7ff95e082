"""A tenant's figures, from counters alone."""

import asyncio

from msgspec import Struct

from admin.limits import DAY, requests, requests_in
from admin.meter import REQUESTS_TOTAL, Operation, count_of, micros_of
from memory.caller import DEFAULT_NAMESPACE, Caller
from memory.engines.base import Engine, Usage
from memory.service.clock import Clock, system_clock
from memory.service.namespaces import Namespaces

SHOWN: tuple[Operation, ...] = ("write", "read", "search", "context")

_BYTES_PER_NUMBER = 4


class Figures(Struct, frozen=True, kw_only=True):
    namespaces: int
    stored: Usage
    index_bytes: int
    """The vectors': memories x dimension x 4. What the engine spends on searching them is its own affair."""
    uptime_ms: int
    """Of this process."""
    requests: int
    requests_per_second: float
    average_ms: dict[Operation, float]
    """Of each of SHOWN; 0 for what never took place."""


class Statistics:
    def __init__(self, engine: Engine, namespaces: Namespaces, *, dimension: int, clock: Clock = system_clock) -> None:
        self._engine = engine
        self._namespaces = namespaces
        self._vector_bytes = dimension * _BYTES_PER_NUMBER
        self._now = clock
        self._started = clock()

    async def of(self, caller: Caller) -> Figures:
        """The figures of the caller's tenant, those of the last second perhaps not among them. What is stored is that
        of the namespaces which the caller may see.

        The rate of requests is that of the current day, by UTC: those counted in it, by all processes, over the seconds
        that have passed of it.
        """
        caller.require("stats")
        names = [REQUESTS_TOTAL, *(name for kind in SHOWN for name in (count_of(kind), micros_of(kind)))]
        (namespaces, stored), counted, (day,) = await asyncio.gather(
            self._stored(caller),
            self._engine.counters.values(caller.tenant, names),
            self._engine.counters.take([requests(caller.tenant, DAY, 0)]),
        )
        passed_ms = 1000 * DAY - (day.reset_at - self._now())
        return Figures(
            namespaces=namespaces,
            stored=stored,
            index_bytes=stored.memories * self._vector_bytes,
            uptime_ms=self._now() - self._started,
            requests=counted[REQUESTS_TOTAL],
            requests_per_second=1000 * requests_in(day) / max(passed_ms, 1000),
            average_ms={
                kind: counted[micros_of(kind)] / 1000 / counted[count_of(kind)] if counted[count_of(kind)] else 0.0
                for kind in SHOWN
            },
        )

    async def _stored(self, caller: Caller) -> tuple[int, Usage]:
        """How many namespaces the caller may see, and what they hold together."""
        tenant, directory = caller.tenant, self._namespaces.directory
        if caller.sees(DEFAULT_NAMESPACE):
            await self._namespaces.resolve(caller, DEFAULT_NAMESPACE)
        if caller.namespaces is None:
            (_, count), usage = await asyncio.gather(
                directory.page(tenant, limit=1), self._engine.memories.usage(tenant)
            )
            return count, usage
        found = [namespace for name in caller.namespaces if (namespace := await directory.find(tenant, name))]
        held = (await self._namespaces.usages(tenant, found)).values()
        return len(found), Usage(
            memories=sum(each.memories for each in held),
            tokens=sum(each.tokens for each in held),
            bytes=sum(each.bytes for each in held),
        )

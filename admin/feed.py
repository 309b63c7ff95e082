"""The live feed: a tenant's events, as they are stored, to whoever listens."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from msgspec import Struct, structs
from sse_starlette import ServerSentEvent

from config.logging import unbind_request
from config.supervisor import Supervisor, stop_if_cancelled
from memory.api.times import iso
from memory.caller import Caller
from memory.engines.base import Entry, Log
from memory.errors import Unavailable
from memory.service.events import KEPT, STREAM, Event, Kind

log = logging.getLogger("remora.feed")

SHORTEST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
"""Seconds between two looks at a tenant's stream: the shortest while events come, then longer and longer."""

WAITING = 1_000
"""Events that may wait for one listener; one that falls further behind is ended."""

_SEPARATOR = "\n"

_decode = msgspec.json.Decoder(Event).decode


def _frame(kind: str, data: dict[str, object], *, id: str | None = None) -> bytes:
    said = {name: value for name, value in data.items() if value is not None}
    return ServerSentEvent(msgspec.json.encode(said).decode(), event=kind, id=id, sep=_SEPARATOR).encode()


def notice(kind: str, message: str) -> bytes:
    """An event about the feed itself. It has no id: whoever resumes does so after the last event of the memory's."""
    return _frame(kind, {"message": message})


MISSED = notice("missed", "events after the last one had are no longer kept: what follows is all that is")
TOO_SLOW = notice("too_slow", "more events wait than are kept for one listener: connect again with Last-Event-ID")


class Wanted(Struct, frozen=True, kw_only=True):
    """Which events a listener is told: of its tenant and of the namespaces its key may see, None narrowing nothing."""

    caller: Caller
    namespace: str | None = None
    kinds: frozenset[Kind] | None = None

    def includes(self, event: Event) -> bool:
        return (
            self.caller.sees(event.namespace)
            and (self.namespace is None or event.namespace == self.namespace)
            and (self.kinds is None or event.kind in self.kinds)
        )


class Listener:
    """What one listener is to be sent."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._heard = ""
        self._farewell: bytes | None = None
        self._wake = asyncio.Event()

    async def frames(self) -> AsyncIterator[bytes]:
        """Whole server-sent events, until it is ended."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()[1]
            if self._farewell is not None:
                break
            await self._wake.wait()
            self._wake.clear()
        if self._farewell:
            yield self._farewell

    def end(self, farewell: bytes = b"") -> None:
        """After what waits already, and `farewell`."""
        if self._farewell is None:
            self._farewell = farewell
            self._wake.set()

    def hear(self, id: str, event: Event, frame: bytes) -> None:
        if id <= self._heard or not self._wanted.includes(event) or self._farewell is not None:
            return
        if len(self._waiting) >= WAITING:
            self.end(TOO_SLOW)
        else:
            self.tell(id, frame)

    def tell(self, id: str, frame: bytes) -> None:
        self._waiting.append((id, frame))
        self._wake.set()

    def resume(self, heard: str, earlier: list[Entry], *, missed: bool) -> None:
        """Before what it has been told since it joined: `earlier`, whose last entry is the last one before that.
        `heard` and what comes before it was told to it long since."""
        since = self._waiting
        self._waiting, self._heard = deque(), heard
        if missed:
            self.tell("", MISSED)
        for entry in earlier:
            if entry.id > heard and (said := told(entry)) is not None and self._wanted.includes(said[0]):
                self.tell(entry.id, said[1])
        for id, frame in since:
            if id > heard:
                self.tell(id, frame)


class Feed:
    """Reads the stream of each tenant with listeners, once for all that are in this process."""

    def __init__(self, log: Log, supervisor: Supervisor, *, listeners: int) -> None:
        """`listeners`: of one tenant, at once."""
        self._log = log
        self._supervisor = supervisor
        self._room = listeners
        self._listening: Counter[str] = Counter()
        self._readers: dict[str, _Reader] = {}

    @asynccontextmanager
    async def listen(self, wanted: Wanted, *, after: str | None = None) -> AsyncIterator[Listener]:
        """What happens from now on or, from the event after the one whose id is `after` on.

        Raises Unavailable where the tenant has as many listeners here as it may, StoreUnavailable.
        """
        tenant, listener = wanted.caller.tenant, Listener(wanted)
        if self._listening[tenant] >= self._room:
            raise Unavailable(f"this server takes no more than {self._room} listeners of a tenant; try again later")
        self._listening[tenant] += 1
        try:
            reader = await self._join(tenant, listener)
            try:
                if after is not None:
                    await self._catch_up(tenant, listener, after, reader.position)
                yield listener
            finally:
                self._leave(tenant, reader, listener)
        finally:
            self._listening -= Counter({tenant: 1})  # which forgets a tenant of none

    async def _join(self, tenant: str, listener: Listener) -> "_Reader":
        """From here on the listener is told what comes after the reader's position."""
        reader = self._reading(tenant)
        if reader is None:
            newest = await self._log.read(tenant, STREAM, newest_first=True, limit=1)
            reader = self._reading(tenant)  # another may have been quicker
        if reader is None:
            reader = self._readers[tenant] = _Reader(self._log, tenant, newest[0].id if newest else None)
            reader.task = self._supervisor.start(reader.run(), name="feed reader")
        reader.listeners.add(listener)
        return reader

    def _reading(self, tenant: str) -> "_Reader | None":
        """The tenant's reader, unless there is none or a fault has ended it."""
        reader = self._readers.get(tenant)
        return None if reader is None or reader.task is None or reader.task.done() else reader

    async def _catch_up(self, tenant: str, listener: Listener, after: str, joined: str | None) -> None:
        kept = await self._log.read(tenant, STREAM, limit=KEPT)
        known = any(entry.id == after for entry in kept)
        earlier = [entry for entry in kept if joined is not None and entry.id <= joined]
        listener.resume(after if known else "", earlier, missed=not known)

    def _leave(self, tenant: str, reader: "_Reader", listener: Listener) -> None:
        reader.listeners.discard(listener)
        if not reader.listeners and self._readers.get(tenant) is reader:
            del self._readers[tenant]
            if reader.task is not None:
                reader.task.cancel()


class _Reader:
    """Tells one tenant's listeners what comes after `position`."""

    def __init__(self, log: Log, tenant: str, position: str | None) -> None:
        self.position = position
        self.listeners: set[Listener] = set()
        self.task: asyncio.Task[None] | None = None
        self._log = log
        self._tenant = tenant
        self._unreadable = False

    async def run(self) -> None:
        unbind_request()  # it reads for whoever comes to listen
        try:
            pause = SHORTEST_PAUSE
            while True:
                try:
                    come = await self._log.read(self._tenant, STREAM, after=self.position, limit=KEPT)
                except Unavailable:
                    come, pause = [], LONGEST_PAUSE  # it goes on where it was, once the store is back
                await self._tell(come)
                pause = SHORTEST_PAUSE if come else min(1.5 * pause, LONGEST_PAUSE)
                await asyncio.sleep(pause)
                stop_if_cancelled()
        finally:
            for listener in self.listeners:
                listener.end()

    async def _tell(self, come: list[Entry]) -> None:
        if len(come) >= KEPT:  # as many as are kept, so that some before them may be gone
            for listener in self.listeners:
                listener.tell("", MISSED)
        for entry in come:
            self.position = entry.id
            if (said := told(entry)) is not None:
                for listener in self.listeners:
                    listener.hear(entry.id, *said)
            elif not self._unreadable:
                self._unreadable = True
                log.warning("the feed passes over events of a kind it does not know, as a later version writes them")
            await asyncio.sleep(0)  # a burst must not hold up everything else


def told(entry: Entry) -> tuple[Event, bytes] | None:
    """The event of an entry, and what is sent of it; None for one that a later version wrote and this can't read."""
    try:
        event = _decode(entry.entry)
    except msgspec.DecodeError:
        return None
    return event, _frame(event.kind, structs.asdict(event) | {"at": iso(event.at)}, id=entry.id)

"""The embedded engine: every port over one SQLite database."""

import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, assert_never

import apsw

from memory.engines.base import (
    LEASE_SECONDS,
    AddCounter,
    Append,
    Counters,
    DeleteDocument,
    Documents,
    EmbeddingSpec,
    Enqueue,
    Jobs,
    Log,
    Memories,
    PutDocument,
    Write,
)
from memory.engines.held import HELD_BYTES
from memory.engines.sqlite import counters, documents, jobs, log
from memory.engines.sqlite.counters import SqliteCounters
from memory.engines.sqlite.database import Database
from memory.engines.sqlite.documents import SqliteDocuments
from memory.engines.sqlite.erasure import erase
from memory.engines.sqlite.jobs import SqliteJobs, release
from memory.engines.sqlite.log import SqliteLog
from memory.engines.sqlite.memories import SqliteMemories
from memory.engines.sqlite.reindex import Embed, reindex
from memory.errors import Misconfigured


def _now() -> int:
    return time.time_ns() // 1_000_000


class SqliteEngine:
    """For one process, which a lock beside the database sees to; a second one is refused with Misconfigured."""

    def __init__(
        self,
        path: Path | None,
        *,
        embedding: EmbeddingSpec,
        reindexing: bool = False,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], int] = _now,
        held_bytes: int = HELD_BYTES,
    ) -> None:
        """`path` None keeps everything in memory. `clock` gives Unix milliseconds. `held_bytes` is how much of small
        scopes it may hold in this process."""
        self._path = path.resolve() if path is not None else None
        self._embedding = embedding
        self._reindexing = reindexing
        self._clock = clock
        self._database = Database(self._path)
        self._memories = SqliteMemories(
            self._database, dimension=embedding.dimension, clock=clock, held_bytes=held_bytes
        )
        self.memories: Memories = self._memories
        self.documents: Documents = SqliteDocuments(self._database, clock=clock)
        self.counters: Counters = SqliteCounters(self._database, clock=clock)
        self._jobs = SqliteJobs(self._database, lease_seconds=lease_seconds, clock=clock)
        self.jobs: Jobs = self._jobs
        self.log: Log = SqliteLog(self._database, clock=clock)

    async def __aenter__(self) -> Self:
        if self._path is not None and not self._path.parent.is_dir():
            raise Misconfigured(f"REMORA_STORE: there is no directory '{self._path.parent}'")
        await self._database.open(self._embedding, reindexing=self._reindexing)
        now = self._clock()
        await self._database.write(lambda connection: release(connection, now=now))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.close()
        self._memories.forget()  # from here on others may write

    async def commit(self, writes: Sequence[Write]) -> None:
        now = self._clock()

        def write(connection: apsw.Connection) -> None:
            for each in writes:
                _apply(connection, each, now=now)

        await self._database.write(write)
        self._jobs.wake()

    async def ping(self) -> None:
        now = self._clock()
        await self._database.write(
            lambda connection: connection.execute("INSERT OR REPLACE INTO meta VALUES ('pinged', ?)", (str(now),))
        )

    async def erase(self, tenant: str, progress: Callable[[float], Awaitable[None]]) -> None:
        self._memories.forget(tenant)
        await erase(self._database, tenant, progress)

    async def reindex(self, embed: Embed, progress: Callable[[int, int], None]) -> int:
        if not self._reindexing:
            raise RuntimeError("this engine was not made for reindexing")
        return await reindex(self._database, self._embedding, embed, progress)

    async def advice(self) -> list[str]:
        if self._path is not None:
            return []
        return ["The store is in memory and ends with this process: set REMORA_STORE to sqlite:///PATH to keep it."]


def _apply(connection: apsw.Connection, write: Write, *, now: int) -> None:
    match write:
        case PutDocument():
            documents.put(connection, write, now=now)
        case DeleteDocument():
            documents.delete(connection, write, now=now)
        case AddCounter():
            counters.add(connection, write.tenant, write.name, write.amount)
        case Enqueue():
            jobs.enqueue(connection, write, now=now)
        case Append():
            log.append(connection, [write], now=now)
        case _:
            assert_never(write)

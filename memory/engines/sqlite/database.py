"""The open database: one connection that writes, a few that read, all off the event loop."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import apsw

from memory.engines.base import EmbeddingSpec
from memory.engines.sqlite import schema
from memory.engines.sqlite.changes import Changes
from memory.engines.sqlite.lanes import Kind, Lane, Work
from memory.engines.sqlite.lock import FileLock
from memory.errors import Misconfigured, StoreUnavailable

T = TypeVar("T")

READERS = 2
BUSY_MS = 2_000

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "temp_store = MEMORY",
    "cache_size = -8192",
    # What is deleted is overwritten. It makes deletions [M] half as long again, and nothing else longer.
    "secure_delete = ON",
)


class Database:
    """A write waits for the disk (`synchronous=FULL`) unless told otherwise: what was acknowledged outlives kill -9,
    and a power failure too where the drive does not lie about flushing."""

    def __init__(self, path: Path | None) -> None:
        """`path` None is a database in memory, on a single connection."""
        self._path = path
        self._lock = FileLock(path) if path is not None else None
        self._writer: Lane | None = None
        self._readers: Lane | None = None
        self._numbers: Iterator[int] = itertools.count(1)
        self.changes = Changes()

    async def open(self, embedding: EmbeddingSpec, *, reindexing: bool) -> None:
        """Raises Misconfigured for a file that is not ours to use, or of another embedder unless `reindexing`."""
        await asyncio.to_thread(self._open, embedding, reindexing)

    async def close(self) -> None:
        """Finish what is queued, then let go of the file."""
        readers, writer = self._readers, self._writer
        self._readers = self._writer = None
        await asyncio.to_thread(self._close, readers, writer)

    async def read(self, call: Callable[[apsw.Connection], T]) -> T:
        """Run `call` in a thread, on one snapshot of the data. Raises StoreUnavailable."""
        return await self._run(self._readers or self._writer, Work(call, Kind.READ))

    async def write(self, call: Callable[[apsw.Connection], T], *, lasting: bool = True) -> T:
        """Run `call` in a transaction, which is on the disk when this returns. It may run twice, the first time in
        vain, so it changes nothing but the database. Raises StoreUnavailable.

        Not `lasting`, it is only with the system by then, whence kill -9 does not take it, and takes a twentieth of the
        time ([M] 25 µs against 0.5 ms).
        """
        return await self._run(self._writer, Work(call, Kind.LASTING if lasting else Kind.BRIEF))

    def number(self) -> int:
        """A number above all that were ever given out and are still in use; for the writing thread."""
        return next(self._numbers)

    async def _run(self, lane: Lane | None, work: Work[T]) -> T:
        if lane is None:
            raise StoreUnavailable("the database is not open")
        lane.put(work)
        return await work.result()

    def _open(self, embedding: EmbeddingSpec, reindexing: bool) -> None:
        if self._lock is not None:
            self._lock.acquire()
        opened: list[apsw.Connection] = []
        try:
            opened.append(self._connect())
            schema.prepare(opened[0], embedding, reindexing=reindexing)
            self.changes.watch(opened[0])
            self._numbers = itertools.count(schema.highest_number(opened[0]) + 1)
            if self._path is not None:
                opened += [self._connect() for _ in range(READERS)]
        except BaseException as error:
            self._give_up(opened)
            if isinstance(error, (apsw.NotADBError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError)):
                raise Misconfigured(f"REMORA_STORE: '{self._path}' cannot be used: {error}") from error
            if isinstance(error, apsw.Error):
                raise StoreUnavailable(f"the database does not open: {error}") from error
            raise
        self._writer = Lane("writer", opened[:1], committed=self.changes.committed)
        self._readers = Lane("reader", opened[1:]) if len(opened) > 1 else None

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(":memory:" if self._path is None else str(self._path), statementcachesize=256)
        connection.set_busy_timeout(BUSY_MS)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _give_up(self, opened: list[apsw.Connection]) -> None:
        for connection in opened:
            connection.close()
        if self._lock is not None:
            self._lock.release()

    def _close(self, readers: Lane | None, writer: Lane | None) -> None:
        # The writer's connection closes last, and so carries the write-ahead log over into the file.
        for lane in (readers, writer):
            if lane is not None:
                lane.close()
        if self._lock is not None:
            self._lock.release()

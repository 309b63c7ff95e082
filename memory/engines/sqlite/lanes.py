"""Threads that own a connection each, and run on it what coroutines hand them."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from enum import Enum
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import apsw

from memory.errors import StoreUnavailable

T = TypeVar("T")

GROUP = 64
"""How many writes share one transaction at most, and so one wait for the disk."""

_INTERRUPT_AGAIN = 0.01


class Kind(Enum):
    """What a call does, in the order in which they are run where several wait."""

    READ = 0
    BRIEF = 1
    """Writes what a power failure may take back: no wait for the disk, nor for those that do wait for it."""
    LASTING = 2


class Work(Generic[T]):
    """A call on its way to a connection, and the future of who awaits it."""

    def __init__(self, call: Callable[[apsw.Connection], T], kind: Kind) -> None:
        self.kind = kind
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[T] = self._loop.create_future()
        self._lock = threading.Lock()
        self._running_on: apsw.Connection | None = None
        self._abandoned = False

    async def result(self) -> T:
        """Cancelled, the call does not begin any more, or is interrupted if it only reads. A write under way is let
        finish: to interrupt it would roll back the others of its transaction."""
        try:
            return await self._future
        except asyncio.CancelledError:
            self._abandon()
            raise

    def run(self, connection: apsw.Connection) -> T:
        """In the thread of `connection`. Raises InterruptError if nobody awaits it any more."""
        with self._lock:
            if self._abandoned:
                raise apsw.InterruptError("abandoned")
            self._running_on = connection
        try:
            return self._call(connection)
        finally:
            with self._lock:
                self._running_on = None

    def answer(self, value: T) -> None:
        self._hand_over(value, None)

    def fail(self, error: BaseException) -> None:
        if isinstance(error, apsw.Error):
            # Of a query that it can't read it quotes the words after "near".
            told = f"{type(error).__name__}: {str(error).partition(' near ')[0]}"
            unavailable = StoreUnavailable(f"the database does not answer: {told}")
            unavailable.__cause__ = error
            error = unavailable
        self._hand_over(None, error)

    def _hand_over(self, value: Any, error: BaseException | None) -> None:
        # RuntimeError: the loop is closed, and nobody awaits anything any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, value, error)

    def _settle(self, value: Any, error: BaseException | None) -> None:
        if self._future.done():
            return
        if error is None:
            self._future.set_result(value)
        else:
            self._future.set_exception(error)

    def _abandon(self) -> None:
        with self._lock:
            self._abandoned = True
            if self._running_on is None or self.kind is not Kind.READ:
                return
            self._running_on.interrupt()
        # An interrupt that falls between two statements is lost.
        self._loop.call_later(_INTERRUPT_AGAIN, self._abandon)


class Lane:
    """One or more threads that serve one queue, each with a connection of its own."""

    def __init__(
        self, name: str, connections: Iterable[apsw.Connection], *, committed: Callable[[], None] | None = None
    ) -> None:
        """`committed` is called after each commit, before its writes are answered."""
        self._committed = committed
        self._queue: SimpleQueue[Work[Any] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, args=(connection,), name=f"sqlite-{name}-{number}", daemon=True)
            for number, connection in enumerate(connections)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, work: Work[Any]) -> None:
        self._queue.put(work)

    def close(self) -> None:
        """Finish what is queued and close the connections. Blocks."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self, connection: apsw.Connection) -> None:
        ending = False
        while not ending:
            queued = [self._queue.get()]
            # With several threads on one queue each takes one piece of work at a time, and its own end.
            while len(self._threads) == 1 and len(queued) < GROUP:
                try:
                    queued.append(self._queue.get_nowait())
                except Empty:
                    break
            ending = None in queued
            works = sorted((work for work in queued if work is not None), key=lambda work: work.kind.value)
            for kind, group in groupby(works, key=lambda work: work.kind):
                if kind is Kind.READ:
                    for work in group:
                        _read(connection, work)
                else:
                    _write(connection, list(group), lasting=kind is Kind.LASTING, committed=self._committed)
        connection.close()


def _read(connection: apsw.Connection, work: Work[Any]) -> None:
    """Run it against one snapshot."""
    try:
        connection.execute("BEGIN")
        try:
            value = work.run(connection)
        finally:
            connection.execute("ROLLBACK")
    except Exception as error:  # noqa: BLE001  whatever it is belongs to who awaits it
        work.fail(error)
    else:
        work.answer(value)


def _write(
    connection: apsw.Connection, works: list[Work[Any]], *, lasting: bool, committed: Callable[[], None] | None
) -> None:
    """Run them in one transaction, each in a savepoint of its own: one that fails takes no other with it."""
    while works:
        done: list[tuple[Work[Any], Any]] = []
        try:
            connection.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            anew = _run_each(connection, works, done)
            if anew is None:
                connection.execute("COMMIT")
        except apsw.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for work in works:
                work.fail(error)
            return
        if anew is None:
            if committed is not None:
                committed()
            for work, value in done:
                work.answer(value)
            return
        works = anew


def _run_each(
    connection: apsw.Connection, works: list[Work[Any]], done: list[tuple[Work[Any], Any]]
) -> list[Work[Any]] | None:
    """Fill `done`. Where SQLite gave up the whole transaction during one of them (a full disk, an I/O error), gives
    those that have to run anew: all but the failed."""
    for place, work in enumerate(works):
        connection.execute("SAVEPOINT one")
        try:
            value = work.run(connection)
        except Exception as error:  # noqa: BLE001  whatever it is belongs to who awaits it
            work.fail(error)
            if not connection.in_transaction:
                return [*(finished for finished, _ in done), *works[place + 1 :]]
            connection.execute("ROLLBACK TO one")
        else:
            done.append((work, value))
        connection.execute("RELEASE one")
    return None

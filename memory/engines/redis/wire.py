"""A connection to Redis that any number of calls use at once.

What they ask in one turn of the event loop goes out in one write, and Redis answers in the order in which it was asked:
so a call costs a part of a system call, and one that is given up only leaves a reply behind that nobody takes. redis-py
makes the connection (its address, TLS, authentication) and is told of its end; what is between is done here, since its
own reading and writing costs [M] three times as much.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import hiredis
from redis._parsers import BaseParser
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import InvalidResponse

Argument = str | bytes | int | float
Command = Sequence[Argument]

_INCOMPLETE: Final = object()


class Wire(asyncio.Protocol):
    def __init__(self, connection: AbstractConnection, patience: float) -> None:
        """Takes over a connection that redis-py has made. One that leaves a question unanswered for `patience` seconds
        is given up."""
        writer = connection._writer  # noqa: SLF001 - redis-py shows its transport nowhere
        assert writer is not None
        self.connection = connection
        self.ended = False
        self._full = False
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._replies = hiredis.Reader(
            protocolError=InvalidResponse, replyError=BaseParser.parse_error, notEnoughData=_INCOMPLETE
        )
        self._unsent: list[_Question] = []
        self._sent: deque[_Question] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._transport = writer.transport
        self._redis_py = self._transport.get_protocol()
        self._transport.set_protocol(self)

    @property
    def waiting(self) -> int:
        """For how many calls an answer is under way."""
        return len(self._sent) + len(self._unsent)

    @property
    def free(self) -> bool:
        """What is asked now waits for nobody else's answer, or shares a write."""
        return not self.ended and not self._full and (not self._sent or bool(self._unsent))

    def ask(self, commands: Sequence[Command]) -> asyncio.Future[list[Any]]:
        """The replies, errors included, each in its place. Raises ConnectionError."""
        # Its stub takes tuples of one only.
        packed = b"".join([hiredis.pack_command(tuple(command)) for command in commands])  # type: ignore[arg-type]
        question = _Question(packed, len(commands), self._loop)
        if self.ended:
            question.fail("the connection has ended")
        elif not commands:
            question.settle()
        else:
            if self._full:
                self._unsent = _wanted(self._unsent)
            elif not self._unsent:
                self._loop.call_soon(self._send)
            self._unsent.append(question)
        return question.answer

    def end(self, why: str) -> None:
        """Everybody who waits is told so."""
        if self.ended:
            return
        self.ended = True
        self._transport.abort()
        if self._watch is not None:
            self._watch.cancel()
        for question in (*self._sent, *self._unsent):
            question.fail(why)
        self._sent.clear()
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.feed(data)
            while (reply := self._replies.gets()) is not _INCOMPLETE:
                question = self._sent[0]
                question.replies.append(reply)
                if len(question.replies) == question.expected:
                    self._sent.popleft()
                    question.settle()
        except (InvalidResponse, IndexError) as error:
            self.end(f"it answers what was not asked, or in another language: {error}")

    def pause_writing(self) -> None:
        """Redis does not read: what is asked now waits here, where it is forgotten once it is given up."""
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._loop.call_soon(self._send)

    def connection_lost(self, error: Exception | None) -> None:
        self.end(str(error or "the connection was lost"))
        self._redis_py.connection_lost(error)

    def _send(self) -> None:
        if self._full:
            return
        questions = _wanted(self._unsent)
        self._unsent.clear()
        if not questions:
            return
        self._transport.write(b"".join([question.packed for question in questions]))
        now = self._loop.time()
        for question in questions:
            question.packed, question.asked = b"", now
        self._sent.extend(questions)
        if self._watch is None:
            self._watch = self._loop.call_later(self._patience, self._look)

    def _look(self) -> None:
        """Whether it still answers; once in a while, rather than a timer for each question."""
        self._watch = None
        if self._sent:
            left = self._sent[0].asked + self._patience - self._loop.time()
            if left <= 0:
                self.end(f"no answer within {self._patience:g} s")
            else:
                self._watch = self._loop.call_later(left, self._look)


class _Question:
    __slots__ = ("answer", "asked", "expected", "packed", "replies")

    def __init__(self, packed: bytes, expected: int, loop: asyncio.AbstractEventLoop) -> None:
        self.packed = packed
        self.expected = expected
        self.asked = 0.0
        self.replies: list[Any] = []
        self.answer: asyncio.Future[list[Any]] = loop.create_future()

    def settle(self) -> None:
        if not self.answer.done():
            self.answer.set_result(self.replies)

    def fail(self, why: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(ConnectionError(why))
            self.answer.exception()  # who asked may be given up in this very moment, and asyncio is not to complain


def _wanted(questions: list[_Question]) -> list[_Question]:
    return [question for question in questions if not question.answer.done()]

"""The one way to Redis: raw pipelines and the engine's Lua scripts, with every failure told as StoreUnavailable."""

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import redis.asyncio
from msgspec import Struct
from redis.asyncio.connection import AbstractConnection, ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from memory.engines.redis.wire import Argument, Command, Wire
from memory.errors import StoreUnavailable

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 5.0
CALLS = 32
"""At once. More would only wait in Redis instead of here: it does one thing at a time."""
WIRES = 8
"""A Redis that searches in several threads works on as many connections at once."""

SLOW_SECONDS = 0.2
REST_SECONDS = 0.5

_FILES: dict[str, tuple[str, ...]] = {
    "log": (),
    "documents": ("log",),
    "counters": (),
    "jobs": (),
    "memories": ("log",),
    "commit": ("log", "documents", "counters", "jobs"),
    "store": (),
}
"""The files of operations in Lua, and what each builds upon."""


class Breaker:
    """Keeps an outage that costs time from costing it on every call.

    A call that failed slowly, or was given up by its caller while nothing at all was answered, makes the calls of the
    next half second fail at once; then one goes through as a probe. A refused connection costs and trips nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answered = 0.0
        self._resting_until: float | None = None
        self._probing = False

    def enter(self) -> float:
        """When the call began. Raises StoreUnavailable while the breaker is open."""
        now = self._clock()
        if self._resting_until is not None:
            if self._probing or now < self._resting_until:
                raise StoreUnavailable("Redis did not answer a moment ago")
            self._probing = True
        return now

    def answered(self) -> None:
        self._answered = self._clock()
        self._resting_until = None
        self._probing = False

    def failed(self, began: float) -> None:
        now = self._clock()
        if self._probing or (now - began >= SLOW_SECONDS and self._answered < began):
            self._resting_until = now + REST_SECONDS
        self._probing = False


class Client:
    def __init__(self, url: str, *, meta: str, version: int) -> None:
        """`version` is the one that a store has to be of, `meta` the key that tells."""
        settings: dict[str, Any] = {
            "socket_connect_timeout": CONNECT_SECONDS,
            **parse_url(url),
            # In the later one replies are of other shapes, and some come unasked.
            "protocol": 2,
            # Else redis-py sends within `asyncio.wait_for`, which in Python 3.11 may swallow a cancellation.
            "socket_timeout": None,
            "retry": Retry(NoBackoff(), 0),
        }
        self._pool = ConnectionPool(**settings)
        self._places = asyncio.Semaphore(CALLS)
        self._wires: list[Wire] = []
        self._opening = asyncio.Lock()
        self._openings = Breaker()
        self.redis = redis.asyncio.Redis(connection_pool=self._pool)
        """For libraries that want a client; they raise redis-py's exceptions."""
        self._scripts = _scripts()
        self._fence = (meta, version)
        self.on_outdated: Callable[[], Awaitable[None]] | None = None
        """Brings forward a store of an earlier version, which no operation of the scripts touches before."""
        self._breaker = Breaker()
        self._closed = False

    async def close(self) -> None:
        self._closed = True
        async with self._opening:
            for wire in self._wires:
                wire.end("the engine has ended")
            await self._pool.disconnect()

    async def one(self, *command: Argument) -> Any:
        return (await self.many([command]))[0]

    async def many(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to a pipeline, in order. Raises StoreUnavailable if one of them is an error."""
        async with self._places:
            replies = await self._replies(commands)
        for reply in replies:
            if isinstance(reply, RedisError):
                raise Refused(reply) from reply
        return replies

    async def run(self, operation: str, *arguments: Argument) -> Any:
        """The reply of an operation of the Lua scripts, which Redis carries out whole or not at all."""
        try:
            return await self._run(operation, *arguments)
        except Refused as refusal:
            if self.on_outdated is None or not refusal.reply.startswith("OUTDATED"):
                raise
        await self.on_outdated()
        return await self._run(operation, *arguments)

    async def wait(self, seconds: float, *command: Argument) -> Any:
        """The reply to a command that may block for so long, on a connection that nobody else waits for."""
        self._check_open()
        try:
            async with asyncio.timeout(seconds + ANSWER_SECONDS), self._connection() as connection:
                await connection.send_command(*command)
                return await connection.read_response()
        except ResponseError as error:
            raise Refused(error) from error
        except (RedisError, OSError) as error:
            raise _unreachable(error) from error

    async def _run(self, operation: str, *arguments: Argument) -> Any:
        script = self._scripts[operation]
        given = (0, *self._fence, operation, *arguments)
        async with self._places:
            (reply,) = await self._replies([("EVALSHA", script.digest, *given)])
            if isinstance(reply, NoScriptError):
                (reply,) = await self._replies([("EVAL", script.source, *given)])
        if isinstance(reply, RedisError):
            raise Refused(reply) from reply
        return reply

    async def _replies(self, commands: Sequence[Command]) -> list[Any]:
        began = self._breaker.enter()
        try:
            replies = await self._exchange(commands)
        except BaseException:
            self._breaker.failed(began)
            raise
        self._breaker.answered()
        return replies

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        """What Redis answers, errors included, each in its place."""
        self._check_open()
        try:
            return await (self._free() or await self._wire()).ask(commands)
        except (RedisError, OSError) as error:
            raise _unreachable(error) from error

    def _free(self) -> Wire | None:
        return next((wire for wire in self._wires if wire.free), None)

    def _least(self) -> Wire | None:
        """The one with the fewest to answer."""
        return min((wire for wire in self._wires if not wire.ended), key=lambda wire: wire.waiting, default=None)

    async def _wire(self) -> Wire:
        """Another one, if there may be more. While that is being opened, or can't be, the others have to do."""
        if self._opening.locked() and (least := self._least()):
            return least
        async with self._opening:
            self._check_open()
            for wire in [wire for wire in self._wires if wire.ended]:
                self._wires.remove(wire)
                await wire.connection.disconnect(nowait=True)
                await self._pool.release(wire.connection)
            if free := self._free():
                return free
            if len(self._wires) == WIRES and (least := self._least()):
                return least
            try:
                return await self._open()
            except (StoreUnavailable, RedisError, OSError):
                if least := self._least():
                    return least
                raise

    async def _open(self) -> Wire:
        """Raises StoreUnavailable at once where one took too long a moment ago: who waited for that waits no second
        time."""
        began = self._openings.enter()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                wire = Wire(await self._pool.get_connection(), ANSWER_SECONDS)
        except BaseException:
            self._openings.failed(began)
            raise
        self._openings.answered()
        self._wires.append(wire)
        return wire

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the engine has ended")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AbstractConnection]:
        connection = await self._pool.get_connection()
        try:
            yield connection
        except BaseException:
            # Replies may still be under way: the connection can't be used as it is.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self._pool.release(connection)


class Refused(StoreUnavailable):
    """Redis is there, and answered with an error: out of memory, read-only, loading, no such index …"""

    def __init__(self, error: Exception) -> None:
        # Of a query that it can't read it quotes the words after "near".
        super().__init__(f"Redis refused: {str(error).partition(' near ')[0]}")
        self.reply = str(error)


def _unreachable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"Redis can't be reached: {str(error) or 'it does not answer'}")


class _Script(Struct, frozen=True):
    source: bytes
    digest: str


def _scripts() -> dict[str, _Script]:
    """By operation: with no more than it needs, since Redis makes all of a script's functions anew at each call ([M]
    40 µs for those of all files)."""
    folder = resources.files(__package__) / "lua"
    scripts: dict[str, _Script] = {}
    for name, others in _FILES.items():
        source = b"\n".join((folder / f"{one}.lua").read_bytes() for one in ("prelude", *others, name, "perform"))
        script = _Script(source, hashlib.sha1(source, usedforsecurity=False).hexdigest())
        own = (folder / f"{name}.lua").read_text()
        scripts |= dict.fromkeys(re.findall(r"^(?:function )?operations\.(\w+)", own, re.MULTILINE), script)
    return scripts

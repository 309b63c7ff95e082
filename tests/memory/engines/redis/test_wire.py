"""Calls that share connections: each has its own replies, whatever becomes of the others."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from urllib.parse import urlsplit

import pytest
import redis.asyncio
from redis.asyncio.connection import ConnectionPool

from memory.engines.redis.client import SLOW_SECONDS, WIRES, Client
from memory.engines.redis.wire import Wire
from memory.errors import StoreUnavailable
from tests.contract.examples import eventually
from tests.support.redis_server import RedisServer

PAUSE_MS = 300


@asynccontextmanager
async def a_client(url: str) -> AsyncIterator[Client]:
    client = Client(url, meta="test:meta", version=1)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def client(private_redis_server: RedisServer) -> AsyncIterator[Client]:
    async with a_client(private_redis_server.url) as opened:
        yield opened


@pytest.fixture
async def other(private_redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    """Another's client, to do harm."""
    async with redis.asyncio.Redis.from_url(private_redis_server.url, protocol=2) as opened:
        yield opened


async def echo(client: Client, *words: str) -> list[bytes]:
    return await client.many([("ECHO", word) for word in words])


async def connections(other: redis.asyncio.Redis) -> int:
    return len(await other.client_list()) - 1


async def test_each_of_many_calls_gets_its_own_replies(client: Client, other: redis.asyncio.Redis) -> None:
    asked = [[f"{call} {part}" for part in range(call % 4 + 1)] for call in range(300)]
    answered = await asyncio.gather(*(echo(client, *words) for words in asked))
    assert answered == [[word.encode() for word in words] for words in asked]
    assert 1 <= await connections(other) <= WIRES


async def test_who_asks_nothing_is_told_nothing_and_keeps_nobody_waiting(client: Client) -> None:
    before, told, after = await asyncio.gather(echo(client), echo(client, "a"), echo(client))
    assert (before, told, after) == ([], [b"a"], [])


async def test_an_error_is_its_own_calls_only(client: Client) -> None:
    async def refused() -> None:
        with pytest.raises(StoreUnavailable, match="unknown command"):
            await client.one("NONSENSE")

    told, _, also_told = await asyncio.gather(echo(client, "a"), refused(), echo(client, "b"))
    assert (told, also_told) == ([b"a"], [b"b"])


async def test_a_call_given_up_on_its_way_takes_nobody_elses_reply_and_no_connection(
    client: Client, other: redis.asyncio.Redis
) -> None:
    await echo(client, "open")
    await other.client_pause(PAUSE_MS)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(echo(client, str(call))) for call in range(20)]
        await asyncio.sleep(0.01)  # they are on their way
        for call in calls[::2]:
            call.cancel()
    assert [call.result() for call in calls[1::2]] == [[str(call).encode()] for call in range(1, 20, 2)]
    assert await echo(client, "on") == [b"on"]
    assert await connections(other) == 1


async def test_what_is_given_up_before_it_was_sent_is_never_sent(client: Client) -> None:
    await echo(client, "open")
    async with asyncio.TaskGroup() as group:
        call = group.create_task(client.one("SET", "given", "up"))
        asyncio.get_running_loop().call_soon(call.cancel)  # after it has asked, before its write
    assert call.cancelled()
    assert await client.one("GET", "given") is None


async def test_a_killed_connection_fails_who_waits_and_nobody_after(
    client: Client, private_redis_server: RedisServer, other: redis.asyncio.Redis
) -> None:
    await echo(client, "open")
    os.kill(private_redis_server.pid, signal.SIGSTOP)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(_outcome(client, "waits")) for _ in range(5)]
        group.create_task(other.execute_command("CLIENT", "KILL", "SKIPME", "yes"))
        await asyncio.sleep(0.01)
        os.kill(private_redis_server.pid, signal.SIGCONT)
    assert {call.result() for call in calls} <= {b"waits", None}

    async def back() -> bool:
        return await _outcome(client, "back") == b"back"

    await eventually(back)
    assert await echo(client, "still") == [b"still"]


async def _outcome(client: Client, word: str) -> bytes | None:
    try:
        return (await echo(client, word))[0]
    except StoreUnavailable:
        return None


async def test_closing_fails_who_waits(private_redis_server: RedisServer, other: redis.asyncio.Redis) -> None:
    async with asyncio.TaskGroup() as group, a_client(private_redis_server.url) as client:
        await echo(client, "open")
        await other.client_pause(PAUSE_MS)
        call = group.create_task(_outcome(client, "never"))
        await asyncio.sleep(0)
    assert call.result() is None
    assert await _outcome(client, "after") is None


async def test_a_connection_that_stays_silent_is_given_up(private_redis_server: RedisServer) -> None:
    pool = ConnectionPool.from_url(private_redis_server.url, protocol=2)
    wire = Wire(await pool.get_connection(), patience=0.05)
    os.kill(private_redis_server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ConnectionError, match="no answer"):
            await wire.ask([("PING",)])
    finally:
        os.kill(private_redis_server.pid, signal.SIGCONT)
    assert wire.ended
    with pytest.raises(ConnectionError):
        await wire.ask([("PING",)])
    await pool.disconnect()


async def test_what_is_given_up_while_redis_reads_nothing_is_never_sent(private_redis_server: RedisServer) -> None:
    pool = ConnectionPool.from_url(private_redis_server.url, protocol=2)
    wire = Wire(await pool.get_connection(), patience=5)
    os.kill(private_redis_server.pid, signal.SIGSTOP)
    try:
        more_than_sockets_hold = wire.ask([("SET", "first", b"x" * 20_000_000)])
        await asyncio.sleep(0)
        given_up = wire.ask([("SET", "given", "up")])
        await asyncio.sleep(0)
        given_up.cancel()
        kept = wire.ask([("SET", "kept", "on")])
        assert not wire.free
    finally:
        os.kill(private_redis_server.pid, signal.SIGCONT)
    assert await more_than_sockets_hold == await kept == [b"OK"]
    assert await wire.ask([("EXISTS", "first"), ("EXISTS", "given"), ("EXISTS", "kept")]) == [1, 0, 1]
    wire.end("the test has ended")
    await pool.disconnect()


async def test_where_redis_takes_no_more_connections_those_that_are_there_have_to_do(
    client: Client, other: redis.asyncio.Redis
) -> None:
    await echo(client, "open")
    await other.config_set("maxclients", 2)
    await other.client_pause(PAUSE_MS)
    async with asyncio.TaskGroup() as group:
        calls = []
        for call in range(5):
            calls.append(group.create_task(echo(client, str(call))))
            await asyncio.sleep(0.01)  # it is on its way
    assert [call.result() for call in calls] == [[str(call).encode()] for call in range(5)]
    assert await connections(other) == 1


async def test_while_a_connection_is_slow_to_open_those_that_are_there_have_to_do(
    private_redis_server: RedisServer, other: redis.asyncio.Redis
) -> None:
    async with between(private_redis_server, answered=1) as url, a_client(url) as client, asyncio.TaskGroup() as group:
        await echo(client, "open")
        await other.client_pause(PAUSE_MS)
        first = group.create_task(echo(client, "first"))
        await asyncio.sleep(0)
        opens = group.create_task(echo(client, "opens"))
        await asyncio.sleep(0)
        assert await echo(client, "goes on") == [b"goes on"]
        assert await first == [b"first"]
        assert not opens.done()
        opens.cancel()


async def test_who_waited_for_a_connection_that_took_too_long_does_not_try_again(
    private_redis_server: RedisServer,
) -> None:
    async def opens(client: Client) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SLOW_SECONDS * 1.5):
                await echo(client, "opens")

    async def waits(client: Client) -> None:
        with pytest.raises(StoreUnavailable, match="a moment ago"):
            await echo(client, "waits")

    async with between(private_redis_server, answered=0) as url, a_client(url) as client:
        await asyncio.gather(opens(client), *(waits(client) for _ in range(10)))


async def test_a_url_changes_nothing_of_how_replies_come(private_redis_server: RedisServer) -> None:
    async with a_client(f"{private_redis_server.url}?protocol=3&decode_responses=yes") as client:
        assert await client.one("CONFIG", "GET", "maxclients") == [b"maxclients", b"10000"]


@asynccontextmanager
async def between(server: RedisServer, *, behind: bytes = b"", answered: int = WIRES) -> AsyncIterator[str]:
    """The URL of what passes replies on byte by byte, and adds `behind` to the one that ends in "last"; but accepts
    any connections after the first `answered` ones in silence."""
    place = urlsplit(server.url)
    accepted = itertools.count()

    async def there(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while data := await reader.read(65536):
                writer.write(data)

    async def back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while data := await reader.read(65536):
                for at in range(len(data)):
                    writer.write(data[at : at + 1])
                    await asyncio.sleep(0)
                if data.endswith(b"last\r\n"):
                    writer.write(behind)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if next(accepted) >= answered:
            with closing(writer):
                await reader.read(-1)
            return
        from_redis, to_redis = await asyncio.open_connection(place.hostname, place.port)
        await asyncio.gather(there(reader, to_redis), back(from_redis, writer))

    async with asyncio.TaskGroup() as group:
        listener = await asyncio.start_server(
            lambda reader, writer: void(group.create_task(relay(reader, writer))), "127.0.0.1", 0
        )
        async with listener:
            yield f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


def void(_: object) -> None:
    """For a callback whose result would be awaited."""


async def test_replies_that_come_in_pieces_are_put_together(private_redis_server: RedisServer) -> None:
    async with between(private_redis_server) as url, a_client(url) as client:
        answered = await asyncio.gather(*(echo(client, f"a long word {call}", "b") for call in range(10)))
    assert answered == [[f"a long word {call}".encode(), b"b"] for call in range(10)]


@pytest.mark.parametrize("behind", [b"+unasked\r\n", b"no protocol at all\r\n"])
async def test_a_connection_whose_replies_match_no_question_is_given_up(
    private_redis_server: RedisServer, behind: bytes
) -> None:
    async with between(private_redis_server, behind=behind) as url:
        pool = ConnectionPool.from_url(url, protocol=2)
        wire = Wire(await pool.get_connection(), patience=5)
        assert await wire.ask([("ECHO", "last")]) == [b"last"]

        async def ended() -> bool:
            return wire.ended

        await eventually(ended)
        await pool.disconnect()

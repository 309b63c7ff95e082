"""Quotas and limits of a tenant are exact: under 200 requests at once, over two processes on one Redis, and whatever
becomes of the requests."""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from msgspec import Struct

from config.settings import Secret
from tests.support.operator import OPERATOR_KEY, Operator, asking
from tests.support.prefixes import own_prefix
from tests.support.process import RemoraProcess
from tests.support.redis_server import RedisServer
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream

pytestmark = [pytest.mark.xdist_group("redis"), pytest.mark.timeout(240)]

AT_ONCE = 200
MINUTE, DAY = 60, 86_400
PATIENCE_SECONDS = 120.0
UNDER_OUR_KEY = {"api_key": Secret("sk-upstream")}


class Pair(Struct):
    """Two processes of one memory."""

    processes: list[RemoraProcess]
    operator: Operator

    def tenant(self, **quotas: int) -> str:
        """A tenant's id."""
        given = {"max_memories": 0, "max_storage_bytes": 0, "requests_per_minute": 0, "requests_per_day": 0} | quotas
        return str(self.operator.tenant(quotas=given)["id"])

    def usage(self, tenant: str) -> dict[str, Any]:
        usage: dict[str, Any] = self.operator.client.get(f"/admin/tenants/{tenant}/usage").raise_for_status().json()
        return usage


@pytest.fixture(scope="module")
def pair(fake: FakeUpstream, redis_url: str) -> Iterator[Pair]:
    with contextlib.ExitStack() as stack:
        prefix = stack.enter_context(own_prefix(redis_url))
        settings = {
            "STORE": redis_url,
            "STORE_PREFIX": prefix,
            "ADMIN_KEY": OPERATOR_KEY,
            "UPSTREAM_BASE_URL": fake.url,
        }
        processes = [stack.enter_context(RemoraProcess(**settings, UPSTREAM_API_KEY="up")) for _ in range(2)]
        for process in processes:
            process.start()
        pair = Pair(processes, stack.enter_context(Operator(processes[0].origin)))
        asyncio.run(warmed_up(pair))
        yield pair


@contextlib.asynccontextmanager
async def clients(pair: Pair, tenant: str) -> AsyncIterator[Callable[[], httpx.AsyncClient]]:
    """Gives the client of one process and of the other in turn, each with a key of the tenant's of its own."""
    async with contextlib.AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=process.origin,
                    headers={"X-API-Key": pair.operator.key(tenant)},
                    timeout=PATIENCE_SECONDS,
                    limits=httpx.Limits(max_connections=AT_ONCE),
                )
            )
            for process in pair.processes
        ]
        turns = itertools.cycle(made)
        yield lambda: next(turns)


async def warmed_up(pair: Pair) -> None:
    """Opens the processes' connections to Redis: on a busy machine so many at once may be given up, and then each
    process counts by itself for a moment."""
    async with clients(pair, pair.tenant(requests_per_day=AT_ONCE * AT_ONCE)) as client:
        await statuses([client().get("/v1/namespaces") for _ in range(AT_ONCE)])


async def statuses(asked: list[Awaitable[httpx.Response]]) -> Counter[int]:
    return Counter(answer.status_code for answer in await asyncio.gather(*asked))


def remember(client: httpx.AsyncClient, content: str) -> Awaitable[httpx.Response]:
    return client.post("/v1/memories", json={"namespace": "default", "content": content})


async def within(seconds: int, attempt: Callable[[], Awaitable[Counter[int]]]) -> Counter[int]:
    """What an attempt gave during which no window of so many seconds ended."""
    while True:
        window = time.time() // seconds
        found = await attempt()
        if time.time() // seconds == window:
            return found


@pytest.mark.parametrize(("quota", "seconds"), [("requests_per_minute", MINUTE), ("requests_per_day", DAY)])
async def test_exactly_as_many_requests_are_let_in_as_the_quota_has(pair: Pair, quota: str, seconds: int) -> None:
    async def attempt() -> Counter[int]:
        tenant = pair.tenant(**{quota: 77})
        async with clients(pair, tenant) as client:
            native = [client().get("/v1/namespaces") for _ in range(AT_ONCE // 2)]
            proxied = [client().get("/v1/models") for _ in range(AT_ONCE // 2)]
            found = await statuses([*native, *proxied])
        assert pair.usage(tenant)["requests_today"] in (77, 0)  # 0: it is another day
        return found

    assert await within(seconds, attempt) == {200: 77, 429: AT_ONCE - 77}


async def test_exactly_as_many_memories_are_stored_as_the_quota_has(pair: Pair) -> None:
    tenant = pair.tenant(max_memories=60)
    async with clients(pair, tenant) as client:
        assert await statuses([remember(client(), f"memory {i}") for i in range(AT_ONCE)]) == {
            201: 60,
            403: AT_ONCE - 60,
        }
        assert pair.usage(tenant)["memory_count"] == 60

        stored = (await client().get("/v1/memories", params={"limit": 10})).json()["items"]
        await asyncio.gather(*(client().delete(f"/v1/memories/{memory['id']}") for memory in stored))
        assert await statuses([remember(client(), f"later {i}") for i in range(50)]) == {201: 10, 403: 40}
    assert pair.usage(tenant)["memory_count"] == 60


async def test_exactly_as_many_bytes_are_stored_as_the_quota_has(pair: Pair) -> None:
    tenant = pair.tenant(max_storage_bytes=1_050)
    async with clients(pair, tenant) as client:
        asked = [remember(client(), f"{i:0100}") for i in range(AT_ONCE)]
        assert await statuses(asked) == {201: 10, 403: AT_ONCE - 10}
        assert (await remember(client(), "x" * 50)).status_code == 201
        assert (await remember(client(), "x")).status_code == 403
    assert pair.usage(tenant)["storage_bytes"] == 1_050


async def test_no_place_is_lost_to_requests_that_fail_or_are_abandoned(pair: Pair) -> None:
    tenant = pair.tenant(max_memories=100)
    async with clients(pair, tenant) as client:

        async def abandoned(content: str, seconds: float) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await remember(client(), content)

        leaving = [abandoned(f"abandoned {i}", i / 500) for i in range(80)]
        homeless = [client().post("/v1/memories", json={"namespace": "none", "content": f"{i}"}) for i in range(60)]
        too_long = [remember(client(), "x" * 20_000) for _ in range(60)]
        await asyncio.gather(*leaving, *homeless, *too_long)
        await fill(client)
    assert pair.usage(tenant)["memory_count"] == 100


async def test_no_place_is_lost_to_a_process_that_is_killed(pair: Pair) -> None:
    tenant = pair.tenant(max_memories=100)
    async with clients(pair, tenant) as client:
        first, hung_up = asyncio.Event(), asyncio.Event()

        async def ask(writer: int) -> None:
            of_one = client()
            for number in itertools.count():
                try:
                    await remember(of_one, f"memory {writer}.{number}")
                except httpx.HTTPError:
                    hung_up.set()
                if hung_up.is_set():
                    return
                first.set()

        async def kill() -> None:
            await first.wait()
            pair.processes[1].kill()

        await asyncio.gather(kill(), *(ask(writer) for writer in range(AT_ONCE // 10)))
        pair.processes[1].start()
        await fill(client)
    assert pair.usage(tenant)["memory_count"] == 100


def test_a_quota_goes_on_holding_while_the_engine_is_away(
    fake: FakeUpstream, private_redis_server: RedisServer
) -> None:
    settings = settings_for(fake.url, private_redis_server.url, admin_key=Secret(OPERATOR_KEY), upstream=UNDER_OUR_KEY)
    with RemoraServer(settings) as server, Operator(server.origin) as operator:
        key = operator.key(operator.tenant(quotas={"requests_per_day": 5})["id"])
        with asking(server.url, key) as client:

            def ask(number: int) -> int:
                said = {"role": "user", "content": f"My number is {number}."}
                return client.post("/chat/completions", json={"model": "echo", "messages": [said]}).status_code

            assert [ask(number) for number in range(2)] == [200, 200]
            private_redis_server.stop()
            found = [ask(number) for number in range(4)]
            private_redis_server.start()  # what the calls leave behind is waiting for it
            assert found == [200, 200, 200, 429]


async def fill(client: Callable[[], httpx.AsyncClient]) -> None:
    """Store until there is no place left."""
    for turn in itertools.count():
        found = await statuses([remember(client(), f"turn {turn}, {i}") for i in range(20)])
        assert set(found) <= {201, 403}
        if 201 not in found:
            return

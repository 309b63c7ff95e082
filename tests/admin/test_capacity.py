from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.capacity import Capacity, Place
from admin.metrics import Metrics
from config.settings import Limits
from memory.caller import DEFAULT_TENANT
from memory.errors import Overloaded, RateLimited, RemoraError
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream

MEGABYTE = 1_000_000
PLACES = 5
LIMITS = Limits(concurrency=PLACES, native_concurrency=1, tenant_share=0.6, body_mb=1, bodies_mb=2)

REQUESTS = st.tuples(st.sampled_from(["a", "b", DEFAULT_TENANT]), st.lists(st.integers(0, 1_500_000), max_size=3))


def capacity() -> Capacity:
    return Capacity(LIMITS, Metrics(), clock=lambda: 5_000)


def begin(found: Capacity, tenant: str, sizes: list[int], requests: ExitStack) -> None:
    """A request that stays under way until `requests` end, unless it is refused, which ends it at once."""
    with ExitStack() as request:
        place = request.enter_context(found.proxied.take())
        place.claim(tenant)
        for size in sizes:
            place.hold(size)
        requests.push(request.pop_all())


@given(st.lists(REQUESTS, max_size=30))
def test_whatever_requests_do_no_bound_is_passed_and_everything_is_given_back(
    asked: list[tuple[str, list[int]]],
) -> None:
    found = capacity()
    under_way = 0
    of_tenant = dict.fromkeys(("a", "b", DEFAULT_TENANT), 0)
    with ExitStack() as requests:
        for tenant, sizes in asked:
            try:
                begin(found, tenant, sizes, requests)
            except RemoraError:
                continue
            under_way += 1
            of_tenant[tenant] += 1
            assert found.proxied.free == PLACES - under_way >= 0
            assert found.room >= 0
            assert max(of_tenant["a"], of_tenant["b"]) <= 3
    assert (found.proxied.free, found.room) == (PLACES, 2 * MEGABYTE)


def test_the_kinds_have_places_of_their_own() -> None:
    found = capacity()
    with ExitStack() as requests:
        for _ in range(PLACES):
            requests.enter_context(found.proxied.take())
        with pytest.raises(Overloaded):
            found.proxied.take()
        requests.enter_context(found.native.take())


def test_one_tenant_leaves_places_to_the_others() -> None:
    found = capacity()
    with ExitStack() as requests:
        for _ in range(3):
            begin(found, "a", [], requests)
        with pytest.raises(RateLimited) as refusal:
            begin(found, "a", [], requests)
        assert (refusal.value.limit, refusal.value.reset_at) == (3, 6_000)
        begin(found, "b", [], requests)


def test_the_tenant_of_a_server_without_tenants_may_have_all_places() -> None:
    with ExitStack() as requests:
        found = capacity()
        for _ in range(PLACES):
            begin(found, DEFAULT_TENANT, [], requests)
        assert found.proxied.free == 0


def test_of_a_body_longer_than_one_may_be_no_more_is_counted() -> None:
    found = capacity()
    with found.native.take() as place:
        place.hold(50 * MEGABYTE)
        place.hold(50 * MEGABYTE)
        assert found.room == MEGABYTE


@pytest.mark.parametrize(
    ("cause", "tenant", "size", "requests"),
    [("full", DEFAULT_TENANT, 0, PLACES + 1), ("share", "a", 0, 4), ("bodies", "a", MEGABYTE, 3)],
)
def test_who_is_refused_is_counted_by_its_cause(cause: str, tenant: str, size: int, requests: int) -> None:
    metrics = Metrics()
    found = Capacity(LIMITS, metrics)
    with ExitStack() as under_way:
        for _ in range(requests - 1):
            begin(found, tenant, [size], under_way)
        with pytest.raises(RemoraError):
            begin(found, tenant, [size], under_way)
    assert figures(metrics)[cause] == 1


def figures(metrics: Metrics) -> dict[str, float]:
    """Refusals of proxied calls, by cause."""
    return {
        sample.labels["cause"]: sample.value
        for family in metrics.reading().collect()
        if family.name == "remora_refused_requests"
        for sample in family.samples
        if sample.labels["kind"] == "proxied"
    }


# ---------------------------------------------------------------------------------------------------- on a real server


@pytest.fixture(scope="module")
def crowded() -> Iterator[tuple[RemoraServer, Capacity, httpx.Client]]:
    """A server with a place for one native request and room for one body."""
    with (
        FakeUpstream() as fake,
        RemoraServer(settings_for(fake.url, limits=Limits(native_concurrency=1, body_mb=1, bodies_mb=1))) as server,
        httpx.Client(base_url=server.origin) as http,
    ):
        yield server, server.app.state.parts.capacity, http


def under_way(server: RemoraServer, place: Callable[[], Place]) -> Place:
    async def taken() -> Place:
        return place()

    return server.run(taken)


def over(server: RemoraServer, place: Place) -> None:
    async def leave() -> None:
        place.__exit__(None, None, None)

    server.run(leave)


def test_a_native_request_too_many_is_a_503_in_its_own_shape_and_the_next_is_served(
    crowded: tuple[RemoraServer, Capacity, httpx.Client],
) -> None:
    server, capacity, http = crowded
    place = under_way(server, capacity.native.take)
    refused = http.get("/v1/memories")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["code"] == "overloaded"
    assert {http.get(path).status_code for path in ("/health", "/ready", "/metrics")} == {200}
    over(server, place)
    assert http.get("/v1/memories").status_code == 200


@pytest.mark.parametrize("path", ["/v1/memories", "/v1/chat/completions"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_for_which_there_is_no_room_is_a_503(
    crowded: tuple[RemoraServer, Capacity, httpx.Client], path: str, chunked: bool
) -> None:
    server, capacity, http = crowded
    message = b'{"model": "echo", "messages": [{"role": "user", "content": "Hi"}]}'
    memory = b'{"content": "It rains in Bergen.", "namespace": "default"}'
    body = memory if path == "/v1/memories" else message

    def post() -> httpx.Response:
        content = iter([body]) if chunked else body
        return http.post(path, content=content, headers={"Content-Type": "application/json"})

    def holding() -> Place:
        place = capacity.proxied.take()
        place.hold(capacity.room)
        return place

    place = under_way(server, holding)
    refused = post()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["code"] == "overloaded"
    over(server, place)
    assert post().status_code in (200, 201)
    assert capacity.room == MEGABYTE

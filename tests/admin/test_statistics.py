import pytest

from admin.limits import DAY, REQUESTS
from admin.meter import Meter
from admin.statistics import Statistics
from config.supervisor import Supervisor
from memory.embedding.base import Embedder
from memory.engines.base import BOUNDLESS, Engine, Take
from memory.errors import Forbidden
from memory.service.drafts import MemoryDraft
from memory.service.namespaces import NamespaceDraft
from tests.support.services import Services, a_caller, services_over

DIMENSION = 256
ACME = a_caller(tenant="tenant_acme")


@pytest.fixture
def services(either_engine: Engine, embedder: Embedder) -> Services:
    return services_over(either_engine, embedder)


@pytest.fixture
def statistics(services: Services) -> Statistics:
    return Statistics(services.engine, services.namespaces, dimension=DIMENSION, clock=services.clock)


async def remember(services: Services, namespace: str, *contents: str) -> None:
    if namespace != "default":
        await services.namespaces.create(ACME, NamespaceDraft(name=namespace))
    for content in contents:
        await services.remember.one(ACME, MemoryDraft(content=content), namespace)


async def test_what_is_stored_is_the_tenants_own(services: Services, statistics: Statistics) -> None:
    await remember(services, "default", "four", "ünf")
    await remember(services, "team", "seven")

    figures = await statistics.of(ACME)

    assert (figures.namespaces, figures.stored.memories, figures.stored.bytes) == (2, 3, 4 + 4 + 5)
    assert figures.index_bytes == 3 * DIMENSION * 4
    assert (await statistics.of(a_caller(tenant="tenant_b"))).stored.memories == 0


async def test_a_key_restricted_to_namespaces_sees_what_is_stored_in_these(
    services: Services, statistics: Statistics
) -> None:
    await remember(services, "default", "one")
    await remember(services, "team", "two", "three")
    await remember(services, "other", "four")

    figures = await statistics.of(a_caller(tenant=ACME.tenant, namespaces=frozenset(("team", "unmade"))))

    assert (figures.namespaces, figures.stored.memories, figures.stored.bytes) == (1, 2, 8)
    assert figures.index_bytes == 2 * DIMENSION * 4


async def test_requests_and_latencies_are_what_was_measured(
    services: Services, statistics: Statistics, supervisor: Supervisor
) -> None:
    meter = Meter(services.engine, supervisor)
    for milliseconds in (1.0, 2.0):
        meter.admitted(ACME.tenant, counted=False)
        meter.record(ACME.tenant, "write", milliseconds)
    meter.record(ACME.tenant, "context", 40)
    meter.record("tenant_b", "read", 9)
    await meter.flush()

    figures = await statistics.of(ACME)

    assert figures.requests == 2
    assert figures.average_ms == {"write": 1.5, "read": 0.0, "search": 0.0, "context": 40.0}


async def test_the_rate_is_over_what_has_passed_of_the_day(
    services: Services, statistics: Statistics, supervisor: Supervisor
) -> None:
    meter = Meter(services.engine, supervisor)
    for _ in range(30):
        meter.admitted(ACME.tenant, counted=False)
    await meter.flush()
    midnight = await today(services.engine)

    services.clock.now = midnight + 60_000
    assert (await statistics.of(ACME)).requests_per_second == pytest.approx(0.5)
    services.clock.now = midnight
    assert (await statistics.of(ACME)).requests_per_second == pytest.approx(30)


async def today(engine: Engine) -> int:
    """When the engine's current day began."""
    (window,) = await engine.counters.take(
        [Take(tenant="any", name=REQUESTS, limit=BOUNDLESS, window_seconds=DAY, amount=0)]
    )
    return window.reset_at - 1000 * DAY


async def test_uptime_is_the_processs(services: Services, statistics: Statistics) -> None:
    services.clock.pass_(seconds=90)

    assert (await statistics.of(ACME)).uptime_ms == 90_000


async def test_it_takes_the_scope(statistics: Statistics) -> None:
    with pytest.raises(Forbidden, match="stats"):
        await statistics.of(a_caller(scopes=frozenset(("read",))))

from collections.abc import AsyncIterator

import pytest

from admin.keys import Keys
from admin.tenants import Tenants
from config.supervisor import Supervisor
from memory.caller import Caller
from memory.engines.base import Engine
from tests.support.services import SetClock, a_caller


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    async with Supervisor() as supervisor:
        yield supervisor


@pytest.fixture
def tenants(either_engine: Engine, supervisor: Supervisor, clock: SetClock) -> Tenants:
    return Tenants(either_engine, supervisor, clock, timer=clock.seconds)


@pytest.fixture
def other_tenants(either_engine: Engine, supervisor: Supervisor, clock: SetClock) -> Tenants:
    """As another process has them."""
    return Tenants(either_engine, supervisor, clock, timer=clock.seconds)


@pytest.fixture
def keys(either_engine: Engine, supervisor: Supervisor, clock: SetClock) -> Keys:
    return Keys(either_engine, supervisor, clock, timer=clock.seconds)


@pytest.fixture
def other_keys(either_engine: Engine, supervisor: Supervisor, clock: SetClock) -> Keys:
    """As another process has them."""
    return Keys(either_engine, supervisor, clock, timer=clock.seconds)


@pytest.fixture
def operator() -> Caller:
    return a_caller(operator=True)

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from admin.erasure import JOB_KIND, Erasure
from admin.key import Key, KeyDraft
from admin.keys import Keys
from admin.tenant import Tenant, TenantDraft
from admin.tenants import Tenants
from config.settings import Secret
from memory.caller import SYSTEM, Caller
from memory.engines.base import AddCounter, Append, Engine, Enqueue, Job, PutDocument, Take
from memory.errors import Conflict, Forbidden, NotFound
from memory.extraction.worker import Reporting, Worker
from memory.service.audit import STREAM
from tests.support.services import a_caller


@pytest.fixture
def erasure(either_engine: Engine, tenants: Tenants, keys: Keys) -> Erasure:
    return Erasure(either_engine, tenants, keys, settle_seconds=0, leftovers_seconds=0)


@pytest.fixture
async def acme(tenants: Tenants, operator: Caller) -> Tenant:
    return await tenants.create(operator, TenantDraft(name="acme"))


async def fill(engine: Engine, tenant: str) -> None:
    """Something in every port but that of memories, which the engines' own tests fill."""
    await engine.commit(
        [
            PutDocument(kind="receipt", tenant=tenant, key="r", value=b"canary"),
            AddCounter(tenant=tenant, name="stats.requests"),
            Append(tenant=tenant, stream="events", entry=b"canary"),
            Enqueue(kind="learn", tenant=tenant, payload=b"canary", delay_seconds=3600),
        ]
    )
    await engine.counters.take([Take(tenant=tenant, name="requests", limit=10, window_seconds=86_400)])


async def found(engine: Engine, tenant: str) -> dict[str, Any]:
    """What is still there of what `fill` wrote."""
    [window] = await engine.counters.take(
        [Take(tenant=tenant, name="requests", limit=10, window_seconds=86_400, amount=0)]
    )
    there = {
        "receipt": await engine.documents.get("receipt", tenant, "r"),
        "counter": (await engine.counters.values(tenant, ["stats.requests"]))["stats.requests"],
        "events": await engine.log.read(tenant, "events"),
        "audit": await engine.log.read(tenant, STREAM),
        "window": 10 - window.remaining,
    }
    return {name: value for name, value in there.items() if value}


async def job_of(engine: Engine, id: str) -> Job:
    [job] = await engine.jobs.lease("a worker")
    assert (job.id, job.kind) == (id, JOB_KIND)
    return job


async def ignored(share: float) -> None:
    assert 0 <= share <= 1


def stopping_at(call: int) -> Callable[[float], Awaitable[None]]:
    """Fails at so manieth a report of progress, as a process does that is killed there."""
    calls = 0

    async def progress(_: float) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KilledError

    return progress


class KilledError(Exception):
    pass


async def test_nothing_is_left_of_the_tenant_and_all_of_the_others(
    either_engine: Engine, erasure: Erasure, tenants: Tenants, acme: Tenant, operator: Caller
) -> None:
    other = await tenants.create(operator, TenantDraft(name="other"))
    for tenant in (acme.key, other.key):
        await fill(either_engine, tenant)
    before = await found(either_engine, other.key)
    assert set(await found(either_engine, acme.key)) == set(before)
    id = await erasure.begin(operator, acme.key)
    await erasure.handle(await job_of(either_engine, id), ignored)
    assert await found(either_engine, acme.key) == {}
    assert await found(either_engine, other.key) == before
    with pytest.raises(NotFound):
        await tenants.get(acme.key)


async def test_its_name_is_free_again_for_another(
    either_engine: Engine, erasure: Erasure, tenants: Tenants, acme: Tenant, operator: Caller
) -> None:
    id = await erasure.begin(operator, "acme")
    with pytest.raises(Conflict):
        await tenants.create(operator, TenantDraft(name="acme"))
    await erasure.handle(await job_of(either_engine, id), ignored)
    assert (await tenants.create(operator, TenantDraft(name="acme"))).key != acme.key


async def test_its_keys_end_before_the_job_begins(erasure: Erasure, keys: Keys, acme: Tenant, operator: Caller) -> None:
    _, secret = await keys.issue(operator, acme, KeyDraft())
    await erasure.begin(operator, acme.key)
    assert await keys.find(secret.reveal()) is None


@pytest.mark.parametrize("call", range(1, 12))
async def test_interrupted_anywhere_it_is_done_again_to_the_end(
    *, either_engine: Engine, erasure: Erasure, tenants: Tenants, acme: Tenant, operator: Caller, call: int
) -> None:
    await fill(either_engine, acme.key)
    job = await job_of(either_engine, await erasure.begin(operator, acme.key))
    try:
        await erasure.handle(job, stopping_at(call))
    except KilledError:
        assert (await tenants.get(acme.key)).status == "deleting"
    await erasure.handle(job, ignored)
    assert await found(either_engine, acme.key) == {}
    with pytest.raises(NotFound):
        await tenants.get(acme.key)


async def test_done_twice_it_is_told_once(
    either_engine: Engine, erasure: Erasure, acme: Tenant, operator: Caller
) -> None:
    job = await job_of(either_engine, await erasure.begin(operator, acme.key))
    assert await erasure.handle(job, ignored) == await erasure.handle(job, ignored)
    entries = await either_engine.log.read(SYSTEM, STREAM)
    assert sum(b"tenant.erased" in entry.entry for entry in entries) == 1


async def test_what_others_write_while_they_do_not_know_is_erased_too(
    either_engine: Engine, erasure: Erasure, keys: Keys, acme: Tenant, operator: Caller
) -> None:
    late: list[tuple[Key, Secret]] = []

    async def progress(share: float) -> None:
        if share == 0.9 and not late:  # the first time through is over
            late.append(await keys.issue(operator, acme, KeyDraft()))
            await fill(either_engine, acme.key)

    job = await job_of(either_engine, await erasure.begin(operator, acme.key))
    await erasure.handle(job, progress)
    [(_, secret)] = late
    assert await keys.find(secret.reveal()) is None
    assert await found(either_engine, acme.key) == {}


async def test_what_long_answers_leave_behind_is_erased_in_the_end(
    either_engine: Engine, erasure: Erasure, acme: Tenant, operator: Caller
) -> None:
    job = await job_of(either_engine, await erasure.begin(operator, acme.key))
    await erasure.handle(job, ignored)
    await either_engine.jobs.done("a worker", job)
    await fill(either_engine, acme.key)
    [leftovers] = await either_engine.jobs.lease("a worker")
    await erasure.handle(leftovers, ignored)
    await either_engine.jobs.done("a worker", leftovers)
    assert await found(either_engine, acme.key) == {}
    assert (await either_engine.jobs.backlog()).waiting == 0


async def test_it_is_begun_once_at_a_time(erasure: Erasure, acme: Tenant, operator: Caller) -> None:
    await erasure.begin(operator, acme.key)
    with pytest.raises(Conflict, match="being deleted already"):
        await erasure.begin(operator, acme.key)


async def test_given_up_it_may_be_begun_again(
    either_engine: Engine, erasure: Erasure, acme: Tenant, operator: Caller
) -> None:
    async def failing(_: Job) -> None:
        raise ValueError

    first = await erasure.begin(operator, acme.key)
    await Worker(either_engine, {JOB_KIND: failing}, delay=lambda _: 0.0).drain()
    second = await erasure.begin(operator, acme.key)
    await Worker(either_engine, {JOB_KIND: Reporting(erasure.handle)}).drain()
    states = [await either_engine.jobs.status(SYSTEM, id) for id in (first, second)]
    assert [state.state for state in states if state is not None] == ["dead", "done"]


async def test_nobody_but_the_operator_begins_it(erasure: Erasure, tenants: Tenants, acme: Tenant) -> None:
    with pytest.raises(Forbidden):
        await erasure.begin(a_caller(tenant=acme.key, key="key_00000000000"), acme.key)
    assert (await tenants.get(acme.key)).status == "active"

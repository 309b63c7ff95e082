from memory.engines.base import Enqueue
from tests.admin.api.conftest import Admin


async def a_job(admin: Admin, tenant: str, kind: str = "mystery") -> str:
    id = await admin.engine.jobs.enqueue(Enqueue(kind=kind, tenant=tenant, payload=b"x"))
    assert id is not None
    return id


async def test_a_running_job_tells_how_far_it_is(admin: Admin) -> None:
    id = await a_job(admin, "system")
    [job] = await admin.engine.jobs.lease("a worker")
    await admin.engine.jobs.progress("a worker", job, 0.4)
    shown = await admin.told("GET", f"/jobs/{id}")
    assert (shown["status"], shown["progress"], shown["attempt"]) == ("running", 0.4, 1)


async def test_a_job_that_was_given_up_failed_and_says_why(admin: Admin) -> None:
    id = await a_job(admin, "system")
    await admin.worker.drain()
    shown = await admin.told("GET", f"/jobs/{id}")
    assert shown["status"] == "failed"
    assert "mystery" in shown["error"]


async def test_a_job_is_its_tenants_and_the_servers_own_are_the_operators(admin: Admin) -> None:
    made = await admin.tenant()
    key = await admin.key("acme-corp", "admin")
    own, other, servers = [await a_job(admin, tenant) for tenant in (made["id"], "tenant_x", "system")]
    assert (await admin.ask("GET", f"/jobs/{own}", key=key)).status_code == 200
    assert (await admin.ask("GET", f"/jobs/{servers}")).status_code == 200
    for foreign in (other, servers, "none", "job_000000000000000000000000", "%F0%9F%90%9F"):
        answer = await admin.ask("GET", f"/jobs/{foreign}", key=key)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Job not found")

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from admin.key import DEFAULT_SCOPES, Key, KeyDraft
from admin.keys import ANY_SECONDS, FRESH_SECONDS, NOTED_SECONDS, STALE_SECONDS, Keys
from admin.lookups import ABSENT_SECONDS
from admin.tenant import DEFAULT, Tenant, TenantDraft
from admin.tenants import Tenants
from config.supervisor import Supervisor
from memory.caller import SYSTEM, Caller, fingerprint
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine
from memory.engines.redis.engine import RedisEngine
from memory.errors import Conflict, Forbidden, Invalid, NotFound, StoreUnavailable
from memory.service.audit import STREAM, Audited
from tests.support.redis_server import RedisServer
from tests.support.services import START, SetClock, a_caller


@pytest.fixture
async def acme(tenants: Tenants, operator: Caller) -> Tenant:
    return await tenants.create(operator, TenantDraft(name="acme"))


@pytest.fixture
async def other(tenants: Tenants, operator: Caller) -> Tenant:
    return await tenants.create(operator, TenantDraft(name="other"))


def admin_of(tenant: Tenant, **given: Any) -> Caller:
    return a_caller(**{"tenant": tenant.key, "key": "key_0"} | given)


async def names(keys: Keys, tenant: Tenant) -> list[str]:
    page, total = await keys.page(tenant)
    assert total == len(page)
    return [key.name for key in page]


async def test_an_issued_key_is_found_by_its_secret_and_has_all_scopes_but_admin(
    keys: Keys, acme: Tenant, operator: Caller
) -> None:
    key, secret = await keys.issue(operator, acme, KeyDraft(name="app"))

    assert secret.reveal().startswith("remora_")
    assert await keys.find(secret.reveal()) == key
    assert (key.tenant, key.name, key.scopes, key.namespaces) == (acme.key, "app", DEFAULT_SCOPES, None)
    assert key.credential == fingerprint(secret.reveal())


async def test_two_keys_are_never_alike(keys: Keys, acme: Tenant, operator: Caller) -> None:
    issued = [await keys.issue(operator, acme, KeyDraft()) for _ in range(10)]

    assert len({secret.reveal() for _, secret in issued}) == len({key.id for key, _ in issued}) == 10


async def test_only_the_hash_of_a_key_is_stored(
    keys: Keys, acme: Tenant, operator: Caller, either_engine: Engine
) -> None:
    key, secret = await keys.issue(operator, acme, KeyDraft())
    documents, _ = await either_engine.documents.list("key", SYSTEM)

    assert [msgspec.json.decode(document.value, type=Key) for document in documents] == [key]
    assert hashlib.sha256(secret.reveal().encode()).hexdigest().encode() in documents[0].value
    assert secret.reveal().removeprefix("remora_").encode() not in documents[0].value


async def test_a_key_does_not_print(
    keys: Keys, acme: Tenant, operator: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key, secret = issued = await keys.issue(operator, acme, KeyDraft())
    await keys.find(secret.reveal())
    await keys.revoke(operator, acme, key.spelled)

    assert secret.reveal() not in f"{issued!r} {issued} {caplog.text}"


@pytest.mark.parametrize("unknown", ["", "remora_", "remora_" + "x" * 43, "remora_\ud800", "*", "remora_|" * 100])
async def test_what_was_never_issued_is_not_found(keys: Keys, unknown: str) -> None:
    assert await keys.find(unknown) is None


async def test_the_hash_of_a_key_is_no_key(keys: Keys, acme: Tenant, operator: Caller) -> None:
    key, _ = await keys.issue(operator, acme, KeyDraft())

    assert await keys.find(key.digest) is None


async def test_a_stampede_of_first_uses_makes_one_lookup(keys: Keys, acme: Tenant, operator: Caller) -> None:
    """Told by what the hundred get: the very same object, which one lookup made."""
    _, secret = await keys.issue(operator, acme, KeyDraft())
    found = await asyncio.gather(*(keys.find(secret.reveal()) for _ in range(100)))

    assert len({id(key) for key in found}) == 1


async def test_a_key_that_was_tried_before_it_was_issued_elsewhere_works_within_a_second(
    keys: Keys, other_keys: Keys, operator: Caller, monkeypatch: pytest.MonkeyPatch, clock: SetClock
) -> None:
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _: "foreseen")
    assert await keys.find("remora_foreseen") is None
    assert await other_keys.find("remora_foreseen") is None
    await keys.issue(operator, DEFAULT, KeyDraft())

    assert await keys.find("remora_foreseen") is not None
    clock.pass_(seconds=ABSENT_SECONDS)
    assert await other_keys.find("remora_foreseen") is not None


async def test_a_revoked_key_is_gone_at_once_and_elsewhere_within_a_minute(
    keys: Keys, other_keys: Keys, acme: Tenant, operator: Caller, clock: SetClock
) -> None:
    key, secret = await keys.issue(operator, acme, KeyDraft())
    assert await keys.find(secret.reveal())
    assert await other_keys.find(secret.reveal())
    await keys.revoke(operator, acme, key.spelled)

    assert await keys.find(secret.reveal()) is None
    assert await names(keys, acme) == []
    clock.pass_(seconds=FRESH_SECONDS)
    assert await other_keys.find(secret.reveal()) is None


async def test_a_key_is_revoked_once_and_only_in_its_own_tenant(
    keys: Keys, acme: Tenant, other: Tenant, operator: Caller
) -> None:
    key, secret = await keys.issue(operator, acme, KeyDraft())

    for tenant, id in ((other, key.spelled), (acme, "key_00000000001"), (acme, "nonsense"), (acme, key.digest)):
        with pytest.raises(NotFound):
            await keys.revoke(operator, tenant, id)
    assert await keys.find(secret.reveal())
    await keys.revoke(operator, acme, key.spelled)
    with pytest.raises(NotFound):
        await keys.revoke(operator, acme, key.spelled)


async def test_all_keys_of_a_tenant_go_and_no_others(keys: Keys, acme: Tenant, other: Tenant, operator: Caller) -> None:
    mine = [await keys.issue(operator, acme, KeyDraft()) for _ in range(3)]
    _, theirs = await keys.issue(operator, other, KeyDraft())
    await keys.revoke_all(acme)

    assert [await keys.find(secret.reveal()) for _, secret in mine] == [None] * 3
    assert await keys.find(theirs.reveal())
    assert await names(keys, acme) == []


async def test_a_page_has_a_tenants_own_keys_in_the_order_of_their_issue(
    keys: Keys, acme: Tenant, other: Tenant, operator: Caller, clock: SetClock
) -> None:
    for name in "abc":
        await keys.issue(operator, acme, KeyDraft(name=name))
        await keys.issue(operator, other, KeyDraft(name="theirs"))
        clock.pass_(ms=1)

    assert await names(keys, acme) == ["a", "b", "c"]
    page, total = await keys.page(acme, offset=1, limit=1)
    assert ([key.name for key in page], total) == (["b"], 3)


async def test_when_a_key_was_last_used_is_told_to_the_minute(
    keys: Keys, acme: Tenant, operator: Caller, clock: SetClock, supervisor: Supervisor
) -> None:
    key, _ = await keys.issue(operator, acme, KeyDraft())

    async def last_used(after: float) -> int | None:
        clock.pass_(seconds=after)
        keys.used(key)
        await supervisor.join()
        return (await keys.page(acme))[0][0].last_used_at

    assert (await keys.page(acme))[0][0].last_used_at is None
    assert await last_used(after=0) == START
    assert await last_used(after=NOTED_SECONDS - 1) == START
    assert await last_used(after=1) == START + NOTED_SECONDS * 1000


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (KeyDraft(scopes=frozenset()), "scopes"),
        (KeyDraft(namespaces=frozenset()), "namespaces"),
        (KeyDraft(namespaces=frozenset({"a/b"})), "namespaces"),
        (KeyDraft(namespaces=frozenset({"ns_00000000001"})), "namespaces"),
        (KeyDraft(expires_at=START), "expires_at"),
    ],
)
async def test_a_key_that_could_never_do_anything_is_refused(
    keys: Keys, acme: Tenant, operator: Caller, draft: KeyDraft, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await keys.issue(operator, acme, draft)
    assert refused.value.details["field"] == field


async def test_a_tenants_admin_gives_at_most_what_it_has(keys: Keys, acme: Tenant) -> None:
    scopes: Iterable[Any] = ("admin", "read", "write")
    admin = admin_of(acme, scopes=frozenset(scopes))

    inherited, _ = await keys.issue(admin, acme, KeyDraft())
    assert inherited.scopes == {"read", "write"}
    narrower, _ = await keys.issue(admin, acme, KeyDraft(scopes=frozenset({"admin"})))
    assert narrower.scopes == {"admin"}
    with pytest.raises(Forbidden):
        await keys.issue(admin, acme, KeyDraft(scopes=frozenset({"read", "delete"})))


async def test_a_key_outlives_no_key_that_issued_it(keys: Keys, acme: Tenant) -> None:
    admin = admin_of(acme, expires_at=START + 1000)

    assert (await keys.issue(admin, acme, KeyDraft()))[0].expires_at == START + 1000
    assert (await keys.issue(admin, acme, KeyDraft(expires_at=START + 10)))[0].expires_at == START + 10
    with pytest.raises(Forbidden):
        await keys.issue(admin, acme, KeyDraft(expires_at=START + 1001))


async def test_a_key_that_looks_after_its_tenant_is_not_restricted(keys: Keys, acme: Tenant, operator: Caller) -> None:
    with pytest.raises(Invalid, match="whole tenant"):
        await keys.issue(operator, acme, KeyDraft(scopes=frozenset({"admin"}), namespaces=frozenset({"a"})))


async def test_keys_of_a_tenant_are_managed_by_its_admin_and_the_operator_only(
    keys: Keys, acme: Tenant, other: Tenant, operator: Caller
) -> None:
    key, _ = await keys.issue(operator, acme, KeyDraft())

    for stranger, error in (
        (admin_of(other), NotFound),
        (admin_of(acme, scopes=frozenset({"read", "write"})), Forbidden),
        (a_caller(tenant=acme.key), Forbidden),
    ):
        with pytest.raises(error):
            await keys.issue(stranger, acme, KeyDraft())
        with pytest.raises(error):
            await keys.revoke(stranger, acme, key.spelled)
    await keys.revoke(admin_of(acme), acme, key.spelled)


async def test_a_tenant_being_deleted_gets_no_keys(
    keys: Keys, tenants: Tenants, acme: Tenant, operator: Caller
) -> None:
    with pytest.raises(Conflict):
        await keys.issue(operator, await tenants.begin_deletion(operator, acme.key), KeyDraft())


async def test_the_operators_own_tenant_may_have_keys(keys: Keys, operator: Caller) -> None:
    key, secret = await keys.issue(operator, DEFAULT, KeyDraft())

    assert await keys.find(secret.reveal()) == key
    assert key.tenant == "default"


async def test_issuing_and_revoking_are_in_the_audit_log(
    keys: Keys, acme: Tenant, operator: Caller, either_engine: Engine
) -> None:
    key, secret = await keys.issue(operator, acme, KeyDraft(name="app"))
    await keys.revoke(operator, acme, key.spelled)

    entries = [entry.entry for entry in await either_engine.log.read(acme.key, STREAM)][-2:]
    told = [msgspec.json.decode(entry, type=Audited) for entry in entries]
    assert [(entry.action, entry.target) for entry in told] == [("key.issue", key.spelled), ("key.revoke", key.spelled)]
    assert not any(secret.reveal().encode() in entry or key.digest.encode() in entry for entry in entries)


async def test_whether_there_is_a_key_is_known_at_once_here_and_elsewhere_in_seconds(
    keys: Keys, other_keys: Keys, acme: Tenant, operator: Caller, clock: SetClock
) -> None:
    assert not await keys.any()
    assert not await other_keys.any()
    key, _ = await keys.issue(operator, acme, KeyDraft())

    assert await keys.any()
    clock.pass_(seconds=ANY_SECONDS)
    assert await other_keys.any()

    await keys.revoke(operator, acme, key.spelled)
    clock.pass_(seconds=ANY_SECONDS)
    assert not await keys.any()


async def test_while_the_store_is_down_a_known_key_serves_on_and_an_unknown_one_is_unavailable(
    private_redis_server: RedisServer, embedder: BundledEmbedder, supervisor: Supervisor, clock: SetClock
) -> None:
    operator = a_caller(operator=True)
    async with RedisEngine(private_redis_server.url, prefix="test", embedding=embedder.spec) as engine:
        keys = Keys(engine, supervisor, clock, timer=clock.seconds)
        key, known = await keys.issue(operator, DEFAULT, KeyDraft())
        assert await keys.find(known.reveal()) == key
        _, unused = await keys.issue(operator, DEFAULT, KeyDraft())
        private_redis_server.kill()

        clock.pass_(seconds=STALE_SECONDS - 1)
        assert await keys.find(known.reveal()) == key
        assert await keys.any_known()
        with pytest.raises(StoreUnavailable):
            await keys.any()
        keys.used(key)
        await supervisor.join()
        with pytest.raises(StoreUnavailable):
            await keys.find(unused.reveal())
        clock.pass_(seconds=1)
        with pytest.raises(StoreUnavailable):
            await keys.find(known.reveal())
        assert await keys.any_known()


async def test_with_a_store_that_was_never_reached_no_key_is_known_of(
    private_redis_server: RedisServer, embedder: BundledEmbedder, supervisor: Supervisor
) -> None:
    private_redis_server.kill()
    async with RedisEngine(private_redis_server.url, prefix="test", embedding=embedder.spec) as engine:
        keys = Keys(engine, supervisor)

        assert not await keys.any_known()
        with pytest.raises(StoreUnavailable):
            await keys.any()

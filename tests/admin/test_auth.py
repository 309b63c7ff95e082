import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from admin import credentials
from admin.auth import Authenticator
from admin.key import Key, KeyDraft
from admin.keys import FRESH_SECONDS, STALE_SECONDS, Keys
from admin.lookups import DEADLINE_SECONDS
from admin.tenant import DEFAULT, Tenant, TenantDraft, TenantPatch
from admin.tenants import Tenants
from config.settings import Secret, Settings, Upstream
from config.supervisor import Supervisor
from memory.caller import Caller, fingerprint
from memory.embedding.bundled import BundledEmbedder
from memory.engines.redis.engine import RedisEngine
from memory.errors import Forbidden, Invalid, StoreUnavailable, Unauthenticated
from tests.support.redis_server import RedisServer
from tests.support.services import START, SetClock, a_caller

KEY, UPSTREAM_KEY = "remora-operator-key", "sk-upstream"
LOOPBACK = (b"host", b"127.0.0.1:8080")

METHODS = [
    pytest.param([(b"x-api-key", KEY.encode())], b"", id="X-API-Key"),
    pytest.param([(b"authorization", b"Bearer " + KEY.encode())], b"", id="Bearer"),
    pytest.param([(b"authorization", b"bearer " + KEY.encode())], b"", id="bearer in lower case"),
    pytest.param([], b"x=1&api_key=" + KEY.encode(), id="query"),
]


Headers = list[tuple[bytes, bytes]]
Making = Callable[..., Authenticator]


def settings(*, key: str | None = KEY, upstream: str | None = None, **given: Any) -> Settings:
    return Settings(
        admin_key=None if key is None else Secret(key),
        upstream=Upstream(api_key=None if upstream is None else Secret(upstream)),
        **given,
    )


@pytest.fixture
def authenticator(keys: Keys, tenants: Tenants, clock: SetClock) -> Making:
    def make(**given: Any) -> Authenticator:
        return Authenticator(settings(**given), keys, tenants, clock)

    return make


@pytest.mark.parametrize(("headers", "query"), METHODS)
async def test_each_documented_method_authenticates_the_operator(
    authenticator: Making, headers: Headers, query: bytes
) -> None:
    caller = await authenticator().caller(headers, query)

    assert caller.operator
    assert caller.tenant == "default"


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        pytest.param([], b"", id="nothing"),
        pytest.param([(b"x-api-key", b"")], b"", id="empty header"),
        pytest.param([(b"x-api-key", b"wrong")], b"", id="wrong key"),
        pytest.param([(b"x-api-key", b"\xff\xfe")], b"", id="bytes that are no text"),
        pytest.param([(b"authorization", b"Basic " + KEY.encode())], b"", id="another scheme"),
        pytest.param([(b"authorization", KEY.encode())], b"", id="no scheme"),
        pytest.param([], b"api_key=", id="empty query"),
        pytest.param([], b"my_api_key=" + KEY.encode(), id="another parameter"),
    ],
)
async def test_anything_else_is_unauthenticated(authenticator: Making, headers: Headers, query: bytes) -> None:
    with pytest.raises(Unauthenticated):
        await authenticator().caller(headers, query)
    with pytest.raises(Unauthenticated):
        await authenticator(upstream=UPSTREAM_KEY).proxied(headers, query)


@pytest.mark.parametrize(("headers", "query"), METHODS)
async def test_under_the_servers_upstream_key_the_clients_authorization_stays_here(
    authenticator: Making, headers: Headers, query: bytes
) -> None:
    proxied = await authenticator(upstream=UPSTREAM_KEY).proxied(headers, query)

    assert proxied.upstream_authorization is None


async def test_without_an_upstream_key_authorization_is_the_upstreams(authenticator: Making) -> None:
    own = (b"authorization", b"Bearer sk-mine")
    proxied = await authenticator().proxied([(b"x-api-key", KEY.encode()), own], b"")

    assert proxied.upstream_authorization == "Bearer sk-mine"
    assert proxied.caller.operator


async def test_without_an_upstream_key_a_remora_key_in_authorization_is_refused_and_never_passed_on(
    authenticator: Making,
) -> None:
    key = KEY.encode()

    for headers in (
        [(b"authorization", b"Bearer " + key)],
        [(b"x-api-key", key), (b"authorization", b"Bearer " + key)],
    ):
        with pytest.raises(Unauthenticated, match="X-API-Key"):
            await authenticator().proxied(headers, b"")


@pytest.mark.parametrize(
    "leak",
    [
        (b"authorization", KEY.encode()),
        (b"authorization", b"Token " + KEY.encode()),
        (b"authorization", b"Bearer\t" + KEY.encode()),
        (b"api-key", KEY.encode()),
    ],
)
async def test_a_remora_key_on_its_way_to_the_upstream_is_refused_in_every_spelling(
    authenticator: Making, leak: tuple[bytes, bytes]
) -> None:
    with pytest.raises(Unauthenticated, match="X-API-Key"):
        await authenticator().proxied([(b"x-api-key", KEY.encode()), leak], b"")


@pytest.mark.parametrize("header", [b"authorization", b"x-api-key", b"api-key"])
async def test_without_a_key_whatever_tells_two_clients_apart_makes_two_credentials(
    authenticator: Making, header: bytes
) -> None:
    keyless = authenticator(key=None)
    one, other = [await keyless.proxied([LOOPBACK, (header, key)], b"") for key in (b"one", b"other")]

    assert one.caller.credential != other.caller.credential


async def test_without_a_key_everyone_on_loopback_is_the_default_tenant_but_no_operator(authenticator: Making) -> None:
    caller = await authenticator(key=None).caller([LOOPBACK], b"")

    assert caller.tenant == "default"
    assert not caller.operator


async def test_without_a_key_calls_of_two_upstream_keys_are_two_credentials(authenticator: Making) -> None:
    keyless = authenticator(key=None)
    one = (await keyless.proxied([LOOPBACK, (b"authorization", b"Bearer sk-1")], b"")).caller
    other = (await keyless.proxied([LOOPBACK, (b"authorization", b"Bearer sk-2")], b"")).caller

    assert one.owners() != other.owners()


@pytest.mark.parametrize("host", [b"localhost", b"localhost:8080", b"127.0.0.1", b"[::1]:8080", b"LOCALHOST:1"])
async def test_without_a_key_loopback_names_are_answered(authenticator: Making, host: bytes) -> None:
    await authenticator(key=None).caller([(b"host", host)], b"")


@pytest.mark.parametrize("host", [b"", b"evil.example", b"evil.example:8080", b"localhost.evil.example", b"[::2]:80"])
async def test_without_a_key_another_host_name_is_forbidden(authenticator: Making, host: bytes) -> None:
    with pytest.raises(Forbidden, match="REMORA_ADMIN_KEY"):
        await authenticator(key=None).caller([(b"host", host)], b"")
    with pytest.raises(Forbidden, match="REMORA_ADMIN_KEY"):
        await authenticator(key=None).proxied([(b"host", host)], b"")


@pytest.mark.parametrize(
    "origin", [b"https://evil.example", b"http://127.0.0.1.evil.example", b"null", b"http://[::2]"]
)
async def test_without_a_key_a_page_of_another_host_is_forbidden(authenticator: Making, origin: bytes) -> None:
    with pytest.raises(Forbidden, match="web page"):
        await authenticator(key=None).proxied([LOOPBACK, (b"origin", origin)], b"")


async def test_without_a_key_a_page_of_this_machine_is_answered(authenticator: Making) -> None:
    await authenticator(key=None).caller([LOOPBACK, (b"origin", b"http://localhost:3000")], b"")


async def test_an_insecure_server_answers_to_every_host_name(authenticator: Making) -> None:
    await authenticator(key=None, insecure=True).caller([(b"host", b"memory.internal")], b"")


@pytest.fixture
async def acme(tenants: Tenants, operator: Caller) -> Tenant:
    return await tenants.create(operator, TenantDraft(name="acme", config={"token_budget": 77}))


@pytest.fixture
async def issued(keys: Keys, acme: Tenant, operator: Caller) -> tuple[Key, str]:
    """A key of acme's."""
    return await issue(keys, acme, operator)


async def issue(keys: Keys, tenant: Tenant, operator: Caller, **draft: Any) -> tuple[Key, str]:
    key, secret = await keys.issue(operator, tenant, KeyDraft(**draft))
    return key, secret.reveal()


def in_header(secret: str) -> Headers:
    return [(b"x-api-key", secret.encode())]


def by_each_method(secret: str) -> list[tuple[Headers, bytes]]:
    return [
        (in_header(secret), b""),
        ([(b"authorization", b"Bearer " + secret.encode())], b""),
        ([], b"api_key=" + secret.encode()),
    ]


async def test_a_tenants_key_says_who_calls_by_each_documented_method(
    authenticator: Making, keys: Keys, acme: Tenant, operator: Caller
) -> None:
    key, secret = await issue(keys, acme, operator, scopes=frozenset({"read"}), namespaces=frozenset({"notes"}))
    expected = Caller(
        tenant=acme.key,
        credential=fingerprint(secret),
        scopes=frozenset({"read"}),
        namespaces=frozenset({"notes"}),
        key=key.spelled,
        token_budget=77,
    )

    for headers, query in by_each_method(secret):
        assert await authenticator().caller(headers, query) == expected
        assert (await authenticator(upstream=UPSTREAM_KEY).proxied(headers, query)).caller == expected


async def test_without_an_upstream_key_a_tenants_key_comes_beside_authorization(
    authenticator: Making, issued: tuple[Key, str]
) -> None:
    own = (b"authorization", b"Bearer sk-mine")
    _, secret = issued

    for headers, query in ((in_header(secret), b""), ([], b"api_key=" + secret.encode())):
        proxied = await authenticator().proxied([*headers, own], query)
        assert proxied.caller.key == issued[0].spelled
        assert proxied.upstream_authorization == "Bearer sk-mine"


@pytest.mark.parametrize("key", [pytest.param(KEY, id="with an operator"), pytest.param(None, id="keyless")])
@pytest.mark.parametrize("leak", [(b"authorization", b"Bearer remora_x"), (b"api-key", b"remora_x")])
async def test_what_looks_like_a_remora_key_is_never_passed_on(
    authenticator: Making, leak: tuple[bytes, bytes], key: str | None
) -> None:
    with pytest.raises(Unauthenticated, match="X-API-Key"):
        await authenticator(key=key).proxied([LOOPBACK, (b"x-api-key", KEY.encode()), leak], b"")


async def test_a_remora_key_among_several_for_the_upstream_is_not_passed_on(authenticator: Making) -> None:
    several = [(b"api-key", b"remora_x"), (b"api-key", b"mine")]
    with pytest.raises(Unauthenticated, match="X-API-Key"):
        await authenticator().proxied([(b"x-api-key", KEY.encode()), *several], b"")


@pytest.mark.parametrize("header", [b"x-maia-tenant-id", b"x-remora-tenant", b"x-tenant-id"])
async def test_no_header_chooses_the_tenant(
    authenticator: Making, issued: tuple[Key, str], acme: Tenant, header: bytes
) -> None:
    asked = (header, b"default")

    assert (await authenticator().caller([*in_header(issued[1]), asked], b"")).tenant == acme.key
    assert (await authenticator().caller([*in_header(KEY), (header, acme.key.encode())], b"")).tenant == "default"


async def test_a_revoked_key_and_one_never_issued_read_alike(
    authenticator: Making, keys: Keys, acme: Tenant, operator: Caller, issued: tuple[Key, str]
) -> None:
    key, secret = issued
    await authenticator().caller(in_header(secret), b"")
    await keys.revoke(operator, acme, key.spelled)

    told = []
    for wrong in (secret, "remora_never", "never"):
        with pytest.raises(Unauthenticated) as refused:
            await authenticator().caller(in_header(wrong), b"")
        told.append((refused.value.message, dict(refused.value.details)))
    assert told == [("invalid API key", {})] * 3


async def test_an_expired_key_is_refused_from_that_moment_on(
    authenticator: Making, keys: Keys, operator: Caller, clock: SetClock
) -> None:
    _, secret = await issue(keys, DEFAULT, operator, expires_at=START + 1000)
    clock.pass_(ms=999)
    await authenticator().caller(in_header(secret), b"")

    clock.pass_(ms=1)
    with pytest.raises(Unauthenticated, match="expired"):
        await authenticator().caller(in_header(secret), b"")


async def test_a_suspended_tenants_key_is_forbidden_with_the_reason_until_it_is_activated(
    authenticator: Making, tenants: Tenants, operator: Caller, issued: tuple[Key, str]
) -> None:
    await authenticator().caller(in_header(issued[1]), b"")
    await tenants.suspend(operator, "acme", "Payment overdue")

    with pytest.raises(Forbidden, match="Payment overdue"):
        await authenticator().caller(in_header(issued[1]), b"")
    with pytest.raises(Forbidden, match="Payment overdue"):
        await authenticator().proxied(in_header(issued[1]), b"")
    await tenants.activate(operator, "acme")
    await authenticator().caller(in_header(issued[1]), b"")


async def test_a_key_opens_no_tenant_that_is_being_deleted_or_is_gone(
    authenticator: Making, tenants: Tenants, acme: Tenant, operator: Caller, issued: tuple[Key, str]
) -> None:
    await tenants.begin_deletion(operator, "acme")
    with pytest.raises(Forbidden):
        await authenticator().caller(in_header(issued[1]), b"")

    await tenants.remove(acme)
    with pytest.raises(Forbidden):
        await authenticator().caller(in_header(issued[1]), b"")


async def test_a_tenants_key_is_enough_to_ask_everyone_for_one(
    authenticator: Making, issued: tuple[Key, str], acme: Tenant
) -> None:
    keyless = authenticator(key=None)

    with pytest.raises(Unauthenticated, match="no API key"):
        await keyless.caller([LOOPBACK], b"")
    with pytest.raises(Unauthenticated, match="no API key"):
        await keyless.proxied([LOOPBACK, (b"authorization", b"Bearer sk-mine")], b"")
    assert (await keyless.caller(in_header(issued[1]), b"")).tenant == acme.key


async def test_of_a_wrong_and_a_right_key_the_right_one_counts(authenticator: Making, issued: tuple[Key, str]) -> None:
    key, secret = issued

    for wrong in (b"wrong", b"remora_wrong"):
        both = [(b"x-api-key", wrong), (b"authorization", b"Bearer " + secret.encode())]
        assert (await authenticator().caller(both, b"")).key == key.spelled


async def test_an_expired_key_beside_a_valid_one_does_not_count(
    authenticator: Making, keys: Keys, operator: Caller, clock: SetClock
) -> None:
    _, expired = await issue(keys, DEFAULT, operator, expires_at=START + 1)
    key, valid = await issue(keys, DEFAULT, operator)
    clock.pass_(ms=1)

    assert (await authenticator().caller(in_header(valid), b"api_key=" + expired.encode())).key == key.spelled


async def test_one_key_by_two_methods_is_one_principal(authenticator: Making, issued: tuple[Key, str]) -> None:
    for secret in (issued[1], KEY):
        await authenticator().caller(in_header(secret), b"api_key=" + secret.encode())


async def test_two_valid_keys_of_tenants_are_refused(
    authenticator: Making, keys: Keys, acme: Tenant, operator: Caller, issued: tuple[Key, str]
) -> None:
    _, secret = issued

    for tenant in (acme, DEFAULT):
        _, second = await issue(keys, tenant, operator)
        with pytest.raises(Invalid, match="two"):
            await authenticator().caller(in_header(secret), b"api_key=" + second.encode())
        with pytest.raises(Invalid, match="two"):
            await authenticator(upstream=UPSTREAM_KEY).proxied(in_header(secret), b"api_key=" + second.encode())


async def test_beside_a_tenants_key_the_operators_reads_as_a_wrong_one(
    authenticator: Making, issued: tuple[Key, str]
) -> None:
    """Else the tenant could guess at it for ever, by calls that succeed."""
    key, secret = issued

    for guess in (KEY, "wrong"):
        query, bearer = b"api_key=" + guess.encode(), (b"authorization", b"Bearer " + guess.encode())
        for headers in (in_header(secret), [*in_header(secret), bearer]):
            assert (await authenticator().caller(headers, query)).key == key.spelled
            assert (await authenticator(upstream=UPSTREAM_KEY).proxied(headers, query)).caller.key == key.spelled


@pytest.mark.parametrize("leaving", [(b"authorization", b"Bearer " + KEY.encode()), (b"api-key", KEY.encode())])
async def test_the_operators_key_is_sent_to_no_upstream_beside_a_tenants_either(
    authenticator: Making, issued: tuple[Key, str], leaving: tuple[bytes, bytes]
) -> None:
    with pytest.raises(Unauthenticated, match="upstream"):
        await authenticator().proxied([*in_header(issued[1]), leaving], b"")


async def test_beside_an_expired_key_the_operators_counts(
    authenticator: Making, keys: Keys, operator: Caller, clock: SetClock
) -> None:
    _, expired = await issue(keys, DEFAULT, operator, expires_at=START + 1)
    clock.pass_(ms=1)

    assert (await authenticator().caller(in_header(expired), b"api_key=" + KEY.encode())).operator
    with pytest.raises(Unauthenticated):
        await authenticator().caller(in_header(expired), b"api_key=wrong")


async def test_an_operators_key_that_looks_like_a_tenants_needs_no_store(
    private_redis_server: RedisServer, embedder: BundledEmbedder, supervisor: Supervisor
) -> None:
    private_redis_server.kill()
    async with RedisEngine(private_redis_server.url, prefix="test", embedding=embedder.spec) as engine:
        keys, tenants = Keys(engine, supervisor), Tenants(engine, supervisor)
        authenticator = Authenticator(settings(key="remora_operators"), keys, tenants)

        assert (await authenticator.caller(in_header("remora_operators"), b"")).operator


async def test_the_use_of_a_key_is_noted(
    authenticator: Making, keys: Keys, acme: Tenant, issued: tuple[Key, str], supervisor: Supervisor
) -> None:
    await authenticator().caller(in_header(issued[1]), b"")
    await supervisor.join()

    assert (await keys.page(acme))[0][0].last_used_at == START


async def test_the_operators_own_tenant_has_a_token_budget_too(
    authenticator: Making, tenants: Tenants, operator: Caller
) -> None:
    await tenants.update(operator, "default", TenantPatch(config={"token_budget": 12}))

    assert (await authenticator().caller(in_header(KEY), b"")).token_budget == 12
    assert (await authenticator(key=None).caller([LOOPBACK], b"")).token_budget == 12


async def test_while_the_store_is_down_known_principals_are_served_and_others_unavailable(
    private_redis_server: RedisServer, embedder: BundledEmbedder, supervisor: Supervisor, clock: SetClock
) -> None:
    async with RedisEngine(private_redis_server.url, prefix="test", embedding=embedder.spec) as engine:
        keys = Keys(engine, supervisor, clock, timer=clock.seconds)
        tenants = Tenants(engine, supervisor, clock, timer=clock.seconds)
        operator = a_caller(operator=True)
        acme = await tenants.create(operator, TenantDraft(name="acme"))
        key, secret = await issue(keys, acme, operator)
        _, unused = await issue(keys, acme, operator)
        authenticator = Authenticator(settings(), keys, tenants, clock)
        await authenticator.caller(in_header(secret), b"")
        private_redis_server.kill()

        for _ in range(2):
            assert (await authenticator.caller(in_header(secret), b"")).key == key.spelled
            assert (await authenticator.caller(in_header(KEY), b"")).operator
            clock.pass_(seconds=FRESH_SECONDS)
        with pytest.raises(StoreUnavailable):
            await authenticator.caller(in_header(unused), b"")
        clock.pass_(seconds=STALE_SECONDS)
        with pytest.raises(StoreUnavailable):
            await authenticator.caller(in_header(secret), b"")
        assert (await authenticator.caller(in_header(KEY), b"")).operator


async def test_without_keys_a_store_that_is_down_keeps_no_proxied_call_out(
    private_redis_server: RedisServer, embedder: BundledEmbedder, supervisor: Supervisor
) -> None:
    private_redis_server.kill()
    async with RedisEngine(private_redis_server.url, prefix="test", embedding=embedder.spec) as engine:
        tenants = Tenants(engine, supervisor)
        authenticator = Authenticator(settings(key=None), Keys(engine, supervisor), tenants)

        assert (await authenticator.proxied([LOOPBACK], b"")).keyless
        with pytest.raises(StoreUnavailable):
            await authenticator.caller([LOOPBACK], b"")


async def test_a_store_that_is_slow_makes_nobody_anonymous(
    private_redis_server: RedisServer, embedder: BundledEmbedder, supervisor: Supervisor, operator: Caller
) -> None:
    async with RedisEngine(private_redis_server.url, prefix="test", embedding=embedder.spec) as engine:
        await issue(Keys(engine, supervisor), DEFAULT, operator)
        keys, tenants = Keys(engine, supervisor), Tenants(engine, supervisor)
        authenticator = Authenticator(settings(key=None), keys, tenants)
        os.kill(private_redis_server.pid, signal.SIGSTOP)
        try:
            calls = [supervisor.start(told(ask), name="call") for ask in (authenticator.caller, authenticator.proxied)]
            _, waiting = await asyncio.wait(calls, timeout=2 * DEADLINE_SECONDS)
        finally:
            os.kill(private_redis_server.pid, signal.SIGCONT)

        assert waiting == set(calls)
        assert [await call for call in calls] == [Unauthenticated] * 2


async def told(ask: Callable[[Headers, bytes], Awaitable[object]]) -> type[Exception] | None:
    try:
        await ask([LOOPBACK], b"")
    except (Unauthenticated, StoreUnavailable) as error:
        return type(error)
    return None


async def test_what_holds_a_key_does_not_print_it(authenticator: Making, issued: tuple[Key, str]) -> None:
    own = (b"authorization", b"Bearer sk-mine")
    headers = [*in_header(issued[1]), own]
    proxied = await authenticator().proxied(headers, b"")

    assert issued[1] not in repr(credentials.read(headers, b"api_key=" + issued[1].encode()))
    assert "sk-mine" not in repr(proxied)


@pytest.mark.parametrize("upstream", [None, UPSTREAM_KEY])
@pytest.mark.parametrize("spelled", ["x-goog-api-key: {}", "x-custom: a,{}", "?API_KEY={}", "?y=1;api_key={}"])
async def test_a_key_beside_remoras_own_methods_never_leaves(
    authenticator: Making, issued: tuple[Key, str], spelled: str, upstream: str | None
) -> None:
    for key in (KEY, issued[1]):
        name, _, value = spelled.format(key).encode().partition(b": ")
        leak, query = ((name, value), b"") if value else ((b"accept", b"*/*"), name[1:])
        for own in (key, issued[1]):
            with pytest.raises(Unauthenticated, match="passed to the upstream"):
                await authenticator(upstream=upstream).proxied([(b"x-api-key", own.encode()), leak], query)


@pytest.mark.parametrize("leak", ['Bearer "{}"', "Bearer a,{}", "Token token={}"])
async def test_a_key_in_authorization_is_found_within_its_punctuation(
    authenticator: Making, issued: tuple[Key, str], leak: str
) -> None:
    for key in (KEY, issued[1]):
        headers = [(b"x-api-key", key.encode()), (b"authorization", leak.format(key).encode())]
        with pytest.raises(Unauthenticated, match="X-API-Key"):
            await authenticator().proxied(headers, b"")


async def test_several_values_of_one_method_are_treated_alike(
    authenticator: Making, keys: Keys, acme: Tenant, operator: Caller, issued: tuple[Key, str]
) -> None:
    key, secret = issued
    _, other = await issue(keys, acme, operator)
    for both in ((secret, other), (other, secret)):
        with pytest.raises(Invalid, match="two"):
            await authenticator().caller([header for each in both for header in in_header(each)], b"")
        with pytest.raises(Invalid, match="two"):
            await authenticator().caller([], "&".join(f"api_key={each}" for each in both).encode())
    for both in ((secret, "wrong"), ("wrong", secret)):
        assert (await authenticator().caller([h for each in both for h in in_header(each)], b"")).key == key.spelled
        query = "&".join(f"api_key={each}" for each in both).encode()
        assert (await authenticator().caller([], query)).key == key.spelled

import pytest

from admin.auth import Authenticator
from config.settings import Secret, Settings, Upstream
from memory.errors import Forbidden, Unauthenticated

KEY, UPSTREAM_KEY = "remora-operator-key", "sk-upstream"
LOOPBACK = (b"host", b"127.0.0.1:8080")

METHODS = [
    pytest.param([(b"x-api-key", KEY.encode())], b"", id="X-API-Key"),
    pytest.param([(b"authorization", b"Bearer " + KEY.encode())], b"", id="Bearer"),
    pytest.param([(b"authorization", b"bearer " + KEY.encode())], b"", id="bearer in lower case"),
    pytest.param([], b"x=1&api_key=" + KEY.encode(), id="query"),
]


def authenticator(*, key: str | None = KEY, upstream: str | None = None, **settings: object) -> Authenticator:
    return Authenticator(
        Settings(
            admin_key=None if key is None else Secret(key),
            upstream=Upstream(api_key=None if upstream is None else Secret(upstream)),
            **settings,  # type: ignore[arg-type]
        )
    )


@pytest.mark.parametrize(("headers", "query"), METHODS)
def test_each_documented_method_authenticates_the_operator(headers: list[tuple[bytes, bytes]], query: bytes) -> None:
    caller = authenticator().caller(headers, query)

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
def test_anything_else_is_unauthenticated(headers: list[tuple[bytes, bytes]], query: bytes) -> None:
    with pytest.raises(Unauthenticated):
        authenticator().caller(headers, query)
    with pytest.raises(Unauthenticated):
        authenticator(upstream=UPSTREAM_KEY).proxied(headers, query)


@pytest.mark.parametrize(("headers", "query"), METHODS)
def test_under_the_servers_upstream_key_the_clients_authorization_stays_here(
    headers: list[tuple[bytes, bytes]], query: bytes
) -> None:
    assert authenticator(upstream=UPSTREAM_KEY).proxied(headers, query).upstream_authorization is None


def test_without_an_upstream_key_authorization_is_the_upstreams() -> None:
    own = (b"authorization", b"Bearer sk-mine")
    proxied = authenticator().proxied([(b"x-api-key", KEY.encode()), own], b"")

    assert proxied.upstream_authorization == "Bearer sk-mine"
    assert proxied.caller.operator


def test_without_an_upstream_key_a_remora_key_in_authorization_is_refused_and_never_passed_on() -> None:
    key = KEY.encode()

    for headers in (
        [(b"authorization", b"Bearer " + key)],
        [(b"x-api-key", key), (b"authorization", b"Bearer " + key)],
    ):
        with pytest.raises(Unauthenticated, match="X-API-Key"):
            authenticator().proxied(headers, b"")


@pytest.mark.parametrize(
    "leak",
    [
        (b"authorization", KEY.encode()),
        (b"authorization", b"Token " + KEY.encode()),
        (b"authorization", b"Bearer\t" + KEY.encode()),
        (b"api-key", KEY.encode()),
    ],
)
def test_a_remora_key_on_its_way_to_the_upstream_is_refused_in_every_spelling(leak: tuple[bytes, bytes]) -> None:
    with pytest.raises(Unauthenticated, match="X-API-Key"):
        authenticator().proxied([(b"x-api-key", KEY.encode()), leak], b"")


@pytest.mark.parametrize("header", [b"authorization", b"x-api-key", b"api-key"])
def test_without_a_key_whatever_tells_two_clients_apart_makes_two_credentials(header: bytes) -> None:
    keyless = authenticator(key=None)
    one, other = (keyless.proxied([LOOPBACK, (header, key)], b"").caller for key in (b"one", b"other"))

    assert one.credential != other.credential


def test_without_a_key_everyone_on_loopback_is_the_default_tenant_but_no_operator() -> None:
    caller = authenticator(key=None).caller([LOOPBACK], b"")

    assert caller.tenant == "default"
    assert not caller.operator


def test_without_a_key_calls_of_two_upstream_keys_are_two_credentials() -> None:
    keyless = authenticator(key=None)
    one = keyless.proxied([LOOPBACK, (b"authorization", b"Bearer sk-1")], b"").caller
    other = keyless.proxied([LOOPBACK, (b"authorization", b"Bearer sk-2")], b"").caller

    assert one.owners() != other.owners()


@pytest.mark.parametrize("host", [b"localhost", b"localhost:8080", b"127.0.0.1", b"[::1]:8080", b"LOCALHOST:1"])
def test_without_a_key_loopback_names_are_answered(host: bytes) -> None:
    authenticator(key=None).caller([(b"host", host)], b"")


@pytest.mark.parametrize("host", [b"", b"evil.example", b"evil.example:8080", b"localhost.evil.example", b"[::2]:80"])
def test_without_a_key_another_host_name_is_forbidden(host: bytes) -> None:
    with pytest.raises(Forbidden, match="REMORA_ADMIN_KEY"):
        authenticator(key=None).caller([(b"host", host)], b"")
    with pytest.raises(Forbidden, match="REMORA_ADMIN_KEY"):
        authenticator(key=None).proxied([(b"host", host)], b"")


@pytest.mark.parametrize(
    "origin", [b"https://evil.example", b"http://127.0.0.1.evil.example", b"null", b"http://[::2]"]
)
def test_without_a_key_a_page_of_another_host_is_forbidden(origin: bytes) -> None:
    with pytest.raises(Forbidden, match="web page"):
        authenticator(key=None).proxied([LOOPBACK, (b"origin", origin)], b"")


def test_without_a_key_a_page_of_this_machine_is_answered() -> None:
    authenticator(key=None).caller([LOOPBACK, (b"origin", b"http://localhost:3000")], b"")


def test_an_insecure_server_answers_to_every_host_name() -> None:
    authenticator(key=None, insecure=True).caller([(b"host", b"memory.internal")], b"")

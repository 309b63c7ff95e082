"""Authentication: from a request's credentials to its Caller. It fails closed."""

import hmac
from collections.abc import Iterable

from msgspec import Struct

from admin import credentials
from admin.credentials import Credentials
from config.settings import Settings
from memory.caller import ALL_SCOPES, DEFAULT_TENANT, Caller, fingerprint
from memory.errors import Forbidden, Unauthenticated

LOOPBACK_HOSTS = frozenset(("localhost", "127.0.0.1", "::1"))

_NO_KEY = "no API key: send it as 'X-API-Key', as 'Authorization: Bearer …' or as '?api_key='"
_WRONG_KEY = "invalid API key"
_KEY_IN_AUTHORIZATION = (
    "this server has no upstream key of its own, so 'Authorization' is passed to the upstream: "
    "send the Remora key as 'X-API-Key' and your upstream key as 'Authorization: Bearer …'"
)

_REMEDY = "set REMORA_ADMIN_KEY, or REMORA_INSECURE=true if everyone who reaches it may read and write its memory"


class Proxied(Struct, frozen=True):
    """A proxied call's principal."""

    caller: Caller
    upstream_authorization: str | None
    """The client's own `Authorization`, to be sent upstream; None where the server's key is used or there is none."""
    keyless: bool = False
    """Nothing was asked of the caller, so nothing but the form of its request tells it from a web page."""


class Authenticator:
    """Knows the operator's key. Without one every request is the tenant `default`'s, and must come to a loopback name
    and from no page of another host, so that no web page reaches the memory, not even through a name of its own (DNS
    rebinding)."""

    def __init__(self, settings: Settings) -> None:
        self._operator = None if settings.admin_key is None else fingerprint(settings.admin_key.reveal())
        self._has_upstream_key = settings.upstream.api_key is not None
        self._hosts = None if settings.insecure else LOOPBACK_HOSTS | {settings.host.lower()}

    def caller(self, headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> Caller:
        """Who makes a native request. Raises Unauthenticated, Forbidden."""
        given = credentials.read(headers, query_string)
        if self._operator is None:
            self._check_web(given)
            return Caller(tenant=DEFAULT_TENANT, credential=fingerprint(given.everything))
        return self._verified(given.presented)

    def proxied(self, headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> Proxied:
        """Who makes a proxied call, and the authorization to send upstream. Raises Unauthenticated, Forbidden."""
        given = credentials.read(headers, query_string)
        passed = None if self._has_upstream_key else given.authorization
        if self._operator is None:
            self._check_web(given)
            anyone = Caller(tenant=DEFAULT_TENANT, credential=fingerprint(given.everything))
            return Proxied(anyone, passed, keyless=True)
        if self._has_upstream_key:
            return Proxied(self._verified(given.presented), None)
        if any(self._match(key) for key in given.for_the_upstream):
            raise Unauthenticated(_KEY_IN_AUTHORIZATION)
        return Proxied(self._verified(_beside_authorization(given)), passed)

    def _verified(self, keys: tuple[str, ...]) -> Caller:
        if not keys:
            raise Unauthenticated(_NO_KEY)
        for key in keys:
            if (caller := self._match(key)) is not None:
                return caller
        raise Unauthenticated(_WRONG_KEY)

    def _match(self, key: str) -> Caller | None:
        given = fingerprint(key)
        if self._operator is not None and hmac.compare_digest(given, self._operator):
            return Caller(tenant=DEFAULT_TENANT, credential=given, scopes=ALL_SCOPES, operator=True)
        return None

    def _check_web(self, given: Credentials) -> None:
        if self._hosts is None:
            return
        if _name(given.host or "") not in self._hosts:
            raise Forbidden(f"without a key this server answers only to loopback names: {_REMEDY}")
        if given.origin is not None and _name(given.origin.partition("://")[2]) not in self._hosts:
            raise Forbidden(f"without a key this server answers no web page of another host: {_REMEDY}")


def _beside_authorization(given: Credentials) -> tuple[str, ...]:
    return tuple(key for key in (given.api_key_header, given.api_key_query) if key)


def _name(host: str) -> str:
    """The host of a Host header, without its port."""
    if host.startswith("["):
        return host[1 : host.find("]")].lower()
    return host.rsplit(":", 1)[0].lower() if host.count(":") == 1 else host.lower()

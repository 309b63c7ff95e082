"""Authentication: from a request's credentials to its Caller. It fails closed."""

import hmac
from collections.abc import Iterable

from msgspec import Struct

from admin import credentials
from admin.credentials import Credentials
from admin.key import PREFIX, Key, sha256
from admin.keys import Keys
from admin.tenants import Tenants
from config.settings import Settings
from memory.caller import ALL_SCOPES, DEFAULT_TENANT, Caller, fingerprint
from memory.errors import Forbidden, Invalid, Unauthenticated
from memory.service.clock import Clock, system_clock

LOOPBACK_HOSTS = frozenset(("localhost", "127.0.0.1", "::1"))

_NO_KEY = "no API key: send it as 'X-API-Key', as 'Authorization: Bearer …' or as '?api_key='"
_WRONG_KEY = "invalid API key"
_EXPIRED_KEY = "expired API key"
_TWO_KEYS = "two API keys of two principals: send one"
_KEY_IN_AUTHORIZATION = (
    "this server has no upstream key of its own, so 'Authorization' is passed to the upstream: "
    "send the Remora key as 'X-API-Key' and your upstream key as 'Authorization: Bearer …'"
)
_KEY_ELSEWHERE = "a Remora key is in a header or parameter that is passed to the upstream: send it as 'X-API-Key' only"

_REMEDY = "set REMORA_ADMIN_KEY, or REMORA_INSECURE=true if everyone who reaches it may read and write its memory"


class Operator(Struct, frozen=True):
    """Who has REMORA_ADMIN_KEY."""

    credential: str


class Proxied(Struct, frozen=True):
    """A proxied call's principal."""

    caller: Caller
    upstream_authorization: str | None
    """The client's own `Authorization`, to be sent upstream; None where the server's key is used or there is none."""
    keyless: bool = False
    """Nothing was asked of the caller, so nothing but the form of its request tells it from a web page."""

    def __repr__(self) -> str:
        return f"Proxied({self.caller})"


class Authenticator:
    """Knows the operator's key and the tenants'. Where there is neither every request is the tenant `default`'s, and
    must come to a loopback name and from no page of another host, so that no web page reaches the memory, not even
    through a name of its own (DNS rebinding)."""

    def __init__(self, settings: Settings, keys: Keys, tenants: Tenants, clock: Clock = system_clock) -> None:
        self._keys = keys
        self._tenants = tenants
        self._now = clock
        self._operator = None if settings.admin_key is None else sha256(settings.admin_key.reveal())
        self._own_keys = () if settings.admin_key is None else (settings.admin_key.reveal(),)
        self._has_upstream_key = settings.upstream.api_key is not None
        self._hosts = None if settings.insecure else LOOPBACK_HOSTS | {settings.host.lower()}

    async def caller(self, headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> Caller:
        """Who makes a native request. Raises Unauthenticated, Forbidden (of a tenant that is suspended or gone too),
        Invalid for the keys of two tenants or two of one, StoreUnavailable while the store is down and a key, or
        whether one is asked for, is not known."""
        given = credentials.read(headers, query_string)
        if self._operator is None and not await self._keys.any():
            return await self._anyone(given)
        return await self._acting(await self._principal(given.presented))

    async def proxied(self, headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> Proxied:
        """Who makes a proxied call, and the authorization to send upstream. Raises as `caller` does, but serves on
        where all that is not known is whether a key is asked for."""
        given = credentials.read(headers, query_string)
        keys = given.presented if self._has_upstream_key else given.beside_authorization
        leaving = () if self._has_upstream_key else given.for_the_upstream
        passed = None if self._has_upstream_key else given.authorization
        # Who has a tenant's key could find out the operator's here by trying: a short one is warned of by `doctor`.
        if any(word.startswith(PREFIX) or self._is_operators(word) for word in leaving):
            raise Unauthenticated(_KEY_IN_AUTHORIZATION)
        rest = credentials.passed_on(headers, query_string, authorization=not self._has_upstream_key)
        if credentials.holds_key(rest):
            raise Unauthenticated(_KEY_ELSEWHERE)
        if self._operator is None and not await self._keys.any_known():
            return Proxied(await self._anyone(given), passed, keyless=True)
        principal = await self._principal(keys)
        if credentials.holds_key(rest, self._own_keys):
            raise Unauthenticated(_KEY_ELSEWHERE)
        return Proxied(await self._acting(principal), passed)

    async def _anyone(self, given: Credentials) -> Caller:
        self._check_web(given)
        tenant = await self._tenants.standing(DEFAULT_TENANT)
        return Caller(
            tenant=DEFAULT_TENANT,
            credential=fingerprint(given.everything),
            scopes=ALL_SCOPES,
            token_budget=tenant.token_budget,
        )

    async def _principal(self, presented: tuple[str, ...]) -> Operator | Key:
        """Whose keys were `presented`.

        Where one of them is a tenant's, nothing is compared with the operator's: its holder could guess at that with
        calls that succeed either way, which nobody counts.
        """
        if len(set(presented)) == 1 and self._is_operators(presented[0]):
            return Operator(fingerprint(presented[0]))
        found = [key for word in set(presented) if (key := await self._key(word)) is not None]
        now = self._now()
        match [key for key in found if not key.expired(now)]:
            case [key]:
                return key
            case [_, _, *_]:
                raise Invalid(_TWO_KEYS)
        for word in presented:
            if self._is_operators(word):
                return Operator(fingerprint(word))
        if not presented:
            raise Unauthenticated(_NO_KEY)
        raise Unauthenticated(_EXPIRED_KEY if found else _WRONG_KEY)

    async def _key(self, word: str) -> Key | None:
        return await self._keys.find(word) if word.startswith(PREFIX) else None

    def _is_operators(self, word: str) -> bool:
        return self._operator is not None and hmac.compare_digest(sha256(word), self._operator)

    async def _acting(self, principal: Operator | Key) -> Caller:
        if isinstance(principal, Operator):
            tenant = await self._tenants.standing(DEFAULT_TENANT)
            return Caller(
                tenant=DEFAULT_TENANT,
                credential=principal.credential,
                scopes=ALL_SCOPES,
                operator=True,
                token_budget=tenant.token_budget,
            )
        tenant = await self._tenants.standing(principal.tenant)
        self._keys.used(principal)
        return Caller(
            tenant=principal.tenant,
            credential=principal.credential,
            scopes=principal.scopes,
            namespaces=principal.namespaces,
            key=principal.spelled,
            expires_at=principal.expires_at,
            token_budget=tenant.token_budget,
        )

    def _check_web(self, given: Credentials) -> None:
        if self._hosts is None:
            return
        if _name(given.host or "") not in self._hosts:
            raise Forbidden(f"without a key this server answers only to loopback names: {_REMEDY}")
        if given.origin is not None and _name(given.origin.partition("://")[2]) not in self._hosts:
            raise Forbidden(f"without a key this server answers no web page of another host: {_REMEDY}")


def _name(host: str) -> str:
    """The host of a Host header, without its port."""
    if host.startswith("["):
        return host[1 : host.find("]")].lower()
    return host.rsplit(":", 1)[0].lower() if host.count(":") == 1 else host.lower()

"""Who may come in, and how often: authentication, the tenant's standing and the limits on rates, in this order."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from litestar.types import HTTPScope

from admin import credentials
from admin.auth import Authenticator, Proxied
from admin.limits import Allowance, FailedKeys, Limiter, network_of, windows
from admin.meter import Meter
from admin.tenants import Tenants
from config import settings
from memory.caller import Caller
from memory.errors import Unauthenticated
from memory.service.clock import Clock, system_clock

OPERATORS = ("/admin/", "/metrics")

T = TypeVar("T")

_Headers = Iterable[tuple[bytes, bytes]]


class Gate:
    """Every request but those of public routes passes here, before anything of its body is read. One round trip to the
    engine takes from all windows at once; none is made where nothing is limited."""

    def __init__(
        self,
        authenticator: Authenticator,
        tenants: Tenants,
        limiter: Limiter,
        meter: Meter,
        limits: settings.Limits,
        *,
        clock: Clock = system_clock,
    ) -> None:
        self._authenticator = authenticator
        self._tenants = tenants
        self._limiter = limiter
        self._meter = meter
        self._failed = FailedKeys(limits.failed_keys_per_minute, clock)
        self._requests_per_minute = limits.requests_per_minute

    async def native(self, scope: HTTPScope) -> tuple[Caller, Allowance | None]:
        """Who makes a native request, and what is left of the tightest limit on it. Raises what the Authenticator does,
        and RateLimited."""
        caller = await self._authenticated(scope, self._authenticator.caller, lambda caller: caller)
        if caller.operator and scope["path"].startswith(OPERATORS):
            # No quota of the tenant in which it acts may keep the operator from raising that quota, or from looking.
            return caller, None
        return caller, await self._admit(scope, caller)

    async def proxied(self, scope: HTTPScope) -> Proxied:
        """Who makes a proxied call. Raises as `native` does."""
        who = await self._authenticated(scope, self._authenticator.proxied, lambda who: who.caller)
        await self._admit(scope, who.caller)
        return who

    async def _authenticated(
        self,
        scope: HTTPScope,
        authenticate: Callable[[_Headers, bytes], Awaitable[T]],
        caller_of: Callable[[T], Caller],
    ) -> T:
        address = _address(scope)
        refusal = self._failed.refusal(address)
        try:
            who = await authenticate(scope["headers"], scope["query_string"])
        except Unauthenticated as error:
            # Whatever came with it may have been tried as a key, and the answer may tell whether it is one.
            if credentials.read(scope["headers"], scope["query_string"]).everything:
                self._failed.count(address)
            raise refusal or error from None
        # A tenant's key is random and can't be guessed, so its holder need not suffer for who shares the address. The
        # operator's may be a word that someone thought of.
        if refusal is not None and caller_of(who).operator:
            raise refusal
        return who

    async def _admit(self, scope: HTTPScope, caller: Caller) -> Allowance | None:
        tenant = await self._tenants.standing(caller.tenant)
        wanted = windows(caller, _address(scope), tenant.quotas, self._requests_per_minute)
        if not wanted:
            self._meter.admitted(caller.tenant, counted=False)
            return None
        admission = await self._limiter.admit(wanted)
        self._meter.admitted(caller.tenant, counted=admission.counted)
        return admission.allowance


def _address(scope: HTTPScope) -> str:
    client = scope["client"]
    return network_of(client[0]) if client else "unknown"

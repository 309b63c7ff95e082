"""How much one process takes on at once. What comes beyond is refused before anything is done for it, so that what is
under way gets done, and memory stays bounded."""

from types import TracebackType
from typing import Literal, Self

from admin.metrics import Metrics, RequestKind
from config.settings import Limits
from memory.caller import DEFAULT_TENANT
from memory.errors import Overloaded, RateLimited
from memory.service.clock import Clock, system_clock

RETRY_MS = 1_000


class Capacity:
    """The places of one process, for each kind of request, and the room for bodies that all of them share."""

    def __init__(self, limits: Limits, metrics: Metrics, clock: Clock = system_clock) -> None:
        self.tenant_share = limits.tenant_share
        self.longest_body = limits.body_bytes
        self.metrics = metrics
        self.now = clock
        self.proxied = Places("proxied", limits.concurrency, self)
        self.native = Places("native", limits.native_concurrency, self)
        # One body of the greatest length has to fit, or it never would.
        self.room = max(limits.bodies_mb * 1_000_000, limits.body_bytes)
        """How many bytes of bodies may yet be held."""


class Places:
    """Of one kind of request."""

    def __init__(self, kind: RequestKind, count: int, capacity: Capacity) -> None:
        self.free = count
        self.longest_body = capacity.longest_body
        self._kind: RequestKind = kind
        self._share = max(1, int(count * capacity.tenant_share))
        self._capacity = capacity
        self._metrics = capacity.metrics
        self._taken: dict[str, int] = {}

    def take(self) -> "Place":
        """For the length of a request. Raises Overloaded."""
        if self.free <= 0:
            raise self._overloaded("full", "this server has as many requests under way as it takes")
        self.free -= 1
        self._metrics.begun(self._kind)
        return Place(self)

    def claim(self, tenant: str) -> None:
        """Raises RateLimited where the tenant has its share. A server without tenants is one tenant's, all of it."""
        taken = self._taken.get(tenant, 0)
        if taken >= self._share and tenant != DEFAULT_TENANT:
            self._metrics.refused(self._kind, "share")
            raise RateLimited(
                "this tenant has as many requests under way at once as it may; try again shortly",
                limit=self._share,
                reset_at=self._capacity.now() + RETRY_MS,
            )
        self._taken[tenant] = taken + 1

    def hold(self, size: int) -> None:
        """Raises Overloaded where so many bytes more are too many."""
        if size > self._capacity.room:
            raise self._overloaded("bodies", "this server holds as much of requests' bodies as it takes")
        self._capacity.room -= size

    def give_back(self, tenant: str | None, size: int) -> None:
        self._metrics.over(self._kind)
        self.free += 1
        self._capacity.room += size
        if tenant is not None:
            self._taken[tenant] -= 1
            if not self._taken[tenant]:
                del self._taken[tenant]

    def _overloaded(self, why: Literal["full", "bodies"], message: str) -> Overloaded:
        self._metrics.refused(self._kind, why)
        return Overloaded(f"{message}; try again shortly")


class Place:
    """What one request takes up; a context manager that gives it all back."""

    __slots__ = ("_held", "_places", "_tenant")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._tenant: str | None = None
        self._held = 0

    def claim(self, tenant: str) -> None:
        """It is known by now whose request it is. Raises RateLimited."""
        self._places.claim(tenant)
        self._tenant = tenant

    def hold(self, size: int) -> None:
        """So many bytes of its body more are to be held in memory. Raises Overloaded. Of what is longer than a body may
        be, no more is ever held at once."""
        more = min(self._held + size, self._places.longest_body) - self._held
        self._places.hold(more)
        self._held += more

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._places.give_back(self._tenant, self._held)

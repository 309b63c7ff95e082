"""What services ask of whoever knows the tenants' plans."""

from collections.abc import Sequence
from typing import Protocol

from memory.engines.base import Limit


class Quotas(Protocol):
    async def limits(self, tenant: str) -> Sequence[Limit]:
        """How much the tenant may store. Raises Forbidden where it may write nothing at all, being deleted or gone."""
        ...


class NoQuotas:
    """For a server without tenants' plans: the command line, tests."""

    async def limits(self, tenant: str) -> Sequence[Limit]:  # noqa: ARG002
        return ()

"""Reading the audit log."""

import msgspec
from msgspec import Struct

from admin.tenants import Tenants
from memory import ids
from memory.caller import SYSTEM, Caller
from memory.engines.base import Log
from memory.errors import NotFound
from memory.service.audit import STREAM, Audited

_BATCH = 1000

_decode = msgspec.json.Decoder(Audited).decode


class Traced(Struct, frozen=True):
    id: str
    """Names its place in the log."""
    entry: Audited


class AuditTrail:
    def __init__(self, log: Log, tenants: Tenants) -> None:
        self._log = log
        self._tenants = tenants

    async def page(
        self,
        caller: Caller,
        *,
        tenant: str | None = None,
        action: str | None = None,
        actor: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> tuple[list[Traced], bool]:
        """Newest first, from the entry before that of the id `before`, and whether there are more. The operator sees
        what it did and the server's own tasks or, of one `tenant` (id or name), all that concerns it; of one that is
        deleted (by its id) what is in the operator's own log. A tenant's key with the scope `admin` sees its tenant's.
        Raises Forbidden for anyone else, NotFound for an unknown tenant's name."""
        if tenant is not None or caller.operator:
            caller.require_operator()
            stream, of = (SYSTEM, None) if tenant is None else await self._place(tenant)
        else:
            stream, of = (await self._tenants.administered(caller, caller.tenant)).key, None
        found: list[Traced] = []
        while entries := await self._log.read(stream, STREAM, after=before, limit=_BATCH, newest_first=True):
            before = entries[-1].id
            for each in entries:
                entry = _decode(each.entry)
                if of in (None, entry.tenant) and action in (None, entry.action) and actor in (None, entry.actor):
                    found.append(Traced(each.id, entry))
            if len(found) > limit:
                break
        return found[:limit], len(found) > limit

    async def _place(self, id_or_name: str) -> tuple[str, str | None]:
        """The log to read, and whose entries of it."""
        try:
            return (await self._tenants.get(id_or_name)).key, None
        except NotFound:
            if ids.parse(id_or_name, "tenant") is None:
                raise
            return SYSTEM, id_or_name

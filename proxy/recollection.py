"""What memory has to say to a call, found within the deadline; whatever goes wrong, the call goes on without it."""

import asyncio
import logging

from msgspec import Struct

from config import settings
from context.assemble import Assembled, Assembler, ContextRequest
from context.conversation import query_of
from context.receipt import Outcome
from memory.caller import DEFAULT_NAMESPACE, Caller
from memory.engines.base import Filter
from memory.errors import Conflict, Unavailable
from memory.service.namespaces import Namespaces
from proxy.body import ChatBody
from proxy.options import Options

log = logging.getLogger("remora.proxy")


class Recollection(Struct, frozen=True, kw_only=True):
    outcome: Outcome
    reason: str | None = None
    assembled: Assembled | None = None
    store_answers: bool = True
    """False where the store has just been found wanting."""


class Recollector:
    """Asks memory on behalf of a call."""

    def __init__(self, namespaces: Namespaces, assembler: Assembler, context: settings.Context) -> None:
        self._namespaces = namespaces
        self._assembler = assembler
        self._context = context
        self._away = False

    async def recollect(self, caller: Caller, options: Options, body: ChatBody) -> Recollection:
        """Raises Forbidden, NotFound and Invalid for a namespace that the caller may not use."""
        caller.enter(options.namespace or DEFAULT_NAMESPACE)
        if options.skip_memory:
            return Recollection(outcome="skipped", reason="the request asked for it")
        deadline = self._context.deadline_ms / 1000
        try:
            async with asyncio.timeout(deadline):
                recollection = await self._assemble(caller, options, body)
        except TimeoutError:
            return self._without(f"memory did not answer within {self._context.deadline_ms} ms")
        except Unavailable as error:
            return self._without(error.message)
        except Conflict:
            return Recollection(outcome="degraded", reason="the namespace was changed meanwhile")
        if self._away:
            self._away = False
            log.info("memory is back")
        return recollection

    def _without(self, reason: str) -> Recollection:
        """Logged when it begins, and not for every call."""
        if not self._away:
            self._away = True
            log.warning("calls go on without memory: %s", reason)
        return Recollection(outcome="degraded", reason=reason, store_answers=False)

    async def _assemble(self, caller: Caller, options: Options, body: ChatBody) -> Recollection:
        started = asyncio.get_running_loop().time()
        namespace = await self._namespaces.ensure(caller, options.namespace or DEFAULT_NAMESPACE)
        config = await self._namespaces.effective(caller, namespace)
        budget = next(
            budget
            for budget in (options.token_budget, config.token_budget, self._context.token_budget)
            if budget is not None
        )
        if budget == 0:
            return Recollection(outcome="skipped", reason="the token budget is 0")
        waited_ms = int(1000 * (asyncio.get_running_loop().time() - started))
        request = ContextRequest(
            where=Filter(tenant=caller.tenant, namespaces=(namespace.name,), owners=caller.owners()),
            query=query_of(body.messages),
            token_budget=budget,
            form="block",
            model=body.model,
            weights=config.custom_scoring,
            deadline_ms=max(1, self._context.deadline_ms - waited_ms),
        )
        try:
            assembled = await self._assembler.assemble(request)
        except (Unavailable, TimeoutError):
            raise
        except Exception:
            log.exception("memory failed; the call goes on without it")
            return Recollection(outcome="degraded", reason="memory failed")
        return Recollection(outcome="used" if assembled.memories else "empty", assembled=assembled)

"""What memory has to say to a call, found within the deadline; whatever goes wrong, the call goes on without it."""

import asyncio
import logging

from msgspec import Struct

from admin.metrics import Cause
from config import settings
from context.assemble import Assembled, Assembler, ContextRequest
from context.budget import first_set
from context.conversation import query_of
from context.receipt import Outcome
from memory.caller import DEFAULT_NAMESPACE, Caller
from memory.engines.base import Filter
from memory.errors import EmbedderUnavailable, Forbidden, Invalid, NotFound, QuotaExceeded, StoreTooSlow, Unavailable
from memory.service.namespaces import Namespaces
from proxy.body import ChatBody
from proxy.options import Options

log = logging.getLogger("remora.proxy")

_ASKED_FOR = "the request asked for it"


class Recollection(Struct, frozen=True, kw_only=True):
    outcome: Outcome
    reason: str | None = None
    cause: Cause | None = None
    """Of memory's being degraded."""
    namespace: str
    """Its name; as the request has it where the store could not be asked."""
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
        asked = options.namespace or DEFAULT_NAMESPACE
        if options.skip_memory and options.skip_extract:
            return Recollection(outcome="skipped", reason=_ASKED_FOR, namespace=caller.enter(asked))
        cause: Cause
        try:
            async with asyncio.timeout(self._context.deadline_ms / 1000):
                recollection = await self._ask(caller, asked, options, body)
        except TimeoutError:
            reason, cause = f"memory did not answer within {self._context.deadline_ms} ms", "deadline"
        except Unavailable as error:
            reason, cause = error.message, _cause(error)
        except (Forbidden, NotFound, Invalid):
            raise
        except QuotaExceeded as error:  # of namespaces
            return Recollection(
                outcome="skipped" if options.skip_memory else "degraded",
                reason=error.message,
                cause=None if options.skip_memory else "quota",
                namespace=caller.enter(asked),
            )
        except Exception:
            log.exception("memory failed; the call goes on without it")
            return Recollection(
                outcome="degraded", reason="memory failed", cause="fault", namespace=caller.enter(asked)
            )
        else:
            self._note(away=False)
            return recollection
        self._note(away=True, reason=reason)
        return Recollection(
            outcome="skipped" if options.skip_memory else "degraded",
            reason=reason,
            cause=None if options.skip_memory else cause,
            namespace=caller.enter(asked),
            store_answers=False,
        )

    def _note(self, *, away: bool, reason: str = "") -> None:
        """Logs that an outage begins or ends, and not each call that it touches."""
        if away and not self._away:
            log.warning("calls go on without memory: %s", reason)
        elif self._away and not away:
            log.info("memory is back")
        self._away = away

    async def _ask(self, caller: Caller, asked: str, options: Options, body: ChatBody) -> Recollection:
        started = asyncio.get_running_loop().time()
        namespace = await self._namespaces.ensure(caller, asked)
        if options.skip_memory:
            return Recollection(outcome="skipped", reason=_ASKED_FOR, namespace=namespace.name)
        config = await self._namespaces.effective(namespace)
        budget = first_set(
            header=options.token_budget,
            namespace=config.token_budget,
            tenant=caller.token_budget,
            settings=self._context.token_budget,
        )
        if budget == 0:
            return Recollection(outcome="skipped", reason="the token budget is 0", namespace=namespace.name)
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
        except Invalid as error:  # in the namespace's configuration, not in the request
            return Recollection(
                outcome="degraded", reason=error.message, cause="configuration", namespace=namespace.name
            )
        return Recollection(
            outcome="used" if assembled.memories else "empty",
            cause="embedder" if assembled.degraded else None,
            namespace=namespace.name,
            assembled=assembled,
        )


def _cause(error: Unavailable) -> Cause:
    match error:
        case StoreTooSlow():
            return "deadline"
        case EmbedderUnavailable():
            return "embedder"
        case _:
            return "store"

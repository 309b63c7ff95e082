"""`POST /v1/context` and `GET /v1/receipts/{request_id}`."""

from time import perf_counter
from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from config.settings import Settings
from context import documentation
from context.analysis import QueryAnalysis
from context.assemble import Assembled, Assembler, ContextRequest
from context.budget import MAIA_HEADER, MAX_BUDGET, REMORA_HEADER, first_set, said
from context.entry import Position
from context.receipt import Learning, Outcome, Receipt, Receipts
from context.zones import DEFAULT_ALLOCATION, Share, ZoneAllocation, ZoneStats
from memory import ids
from memory.api.body import StrictJson
from memory.api.documentation import BODY_ERRORS, answer, errors, json_body
from memory.api.options import OPERATION
from memory.api.times import iso
from memory.caller import DEFAULT_NAMESPACE, SHARED, Caller, user_owner
from memory.engines.base import Filter
from memory.model import MemoryType, Name
from memory.service.namespaces import Namespaces

_SCORE_PLACES = 4


class ContextBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    query: Annotated[str, Meta(max_length=10_240)]
    namespace: str = DEFAULT_NAMESPACE
    token_budget: Annotated[int, Meta(ge=0, le=MAX_BUDGET)] | None = None
    """Default: the namespace's, else the tenant's, else the server's."""
    system_prompt: Annotated[str, Meta(max_length=400_000)] | None = None
    """Put first, and counted within the budget."""
    include_scores: bool = False
    """Adds to each memory's score what each signal contributed."""
    min_score: Share | None = None
    memory_types: list[MemoryType] | None = None
    zone_allocation: ZoneAllocation = DEFAULT_ALLOCATION
    user_id: Name | None = None
    """This user's memories and the shared ones. Default: everybody's."""
    agent_id: Name | None = None
    run_id: Name | None = None
    model: str | None = None
    """The model the text is for: tokens are counted in its encoding."""


class ContextMemory(Struct, frozen=True, kw_only=True):
    id: str
    content: str
    type: MemoryType
    score: float
    position: Position
    token_count: int
    truncated: bool
    reasons: dict[str, float] | UnsetType = UNSET


class ContextAnswer(Struct, frozen=True, kw_only=True):
    content: str
    """Ends with a line break where it holds memories."""
    memories: list[ContextMemory]
    token_count: int
    """That of `content`. Over the budget only where the system prompt alone is."""
    token_budget: int
    truncated: bool
    """Whether a memory was cut or left out for want of budget."""
    zone_stats: ZoneStats
    query_analysis: QueryAnalysis
    query_time: str
    encoding: str
    """In which tokens were counted."""


class InjectedMemoryView(Struct, frozen=True, kw_only=True):
    id: str
    score: float
    reasons: dict[str, float]
    """What added to the score, by signal."""
    position: Position
    tokens: int
    truncated: bool


class ReceiptView(Struct, frozen=True, kw_only=True):
    request_id: str
    created_at: str
    outcome: Outcome
    reason: str | None
    namespace: str
    query_analysis: QueryAnalysis | None
    memories: list[InjectedMemoryView]
    token_count: int
    token_budget: int
    encoding: str | None
    timings: dict[str, float]
    """Milliseconds by step."""
    learning: Learning | None


def _budget_header(name: str) -> HeaderParameter:
    return HeaderParameter(
        name=name,
        description="Goes before every other budget.",
        schema_extra={"type": "integer", "minimum": 0, "maximum": MAX_BUDGET},
    )


class ContextController(Controller):
    path = "/v1/context"
    tags = ("Context",)

    @post(
        operation_id="assembleContext",
        opt={OPERATION: "context"},
        responses=answer(200, ContextAnswer, documentation.ASSEMBLED) | errors(404, *BODY_ERRORS),
        status_code=200,
        dto=StrictJson[ContextBody],
    )
    async def assemble(
        self,
        *,
        data: Annotated[ContextBody, json_body(documentation.CONTEXT)],
        caller: NamedDependency[Caller],
        namespaces: NamedDependency[Namespaces],
        assembler: NamedDependency[Assembler],
        settings: NamedDependency[Settings],
        x_remora_token_budget: Annotated[str | None, _budget_header(REMORA_HEADER)] = None,
        x_maia_token_budget: Annotated[str | None, _budget_header(MAIA_HEADER)] = None,
    ) -> ContextAnswer:
        """The memories that a query calls for, as text for a prompt within a token budget."""
        started = perf_counter()
        caller.require("context")
        namespace = await namespaces.resolve(caller, data.namespace)
        config = await namespaces.effective(namespace)
        budget = first_set(
            header=said({REMORA_HEADER: x_remora_token_budget, MAIA_HEADER: x_maia_token_budget}),
            request=data.token_budget,
            namespace=config.token_budget,
            tenant=caller.token_budget,
            settings=settings.context.token_budget,
        )
        assembled = await assembler.assemble(
            ContextRequest(
                where=_visible(caller.tenant, namespace.name, data),
                query=data.query,
                token_budget=budget,
                model=data.model,
                system_prompt=data.system_prompt,
                min_score=data.min_score,
                zone_allocation=data.zone_allocation,
                weights=config.custom_scoring,
            )
        )
        return _answer(assembled, reasons=data.include_scores, milliseconds=1000 * (perf_counter() - started))


class ReceiptsController(Controller):
    path = "/v1/receipts"
    tags = ("Context",)

    @get(
        "/{request_id:str}",
        operation_id="getReceipt",
        opt={OPERATION: "read"},
        responses=answer(200, ReceiptView, documentation.RECEIPT) | errors(404),
    )
    async def show(
        self, request_id: FromPath[str], caller: NamedDependency[Caller], receipts: NamedDependency[Receipts]
    ) -> ReceiptView:
        """What memory did for one proxied call: which memories went in, how they scored and why, what it cost. It
        holds no texts, and is kept for some days."""
        return _receipt_view(await receipts.of(caller, request_id))


def context_routes() -> list[type[Controller]]:
    """They need the named dependencies `caller`, `namespaces`, `assembler`, `receipts` and `settings`."""
    return [ContextController, ReceiptsController]


def _visible(tenant: str, namespace: str, body: ContextBody) -> Filter:
    return Filter(
        tenant=tenant,
        namespaces=(namespace,),
        owners=None if body.user_id is None else (user_owner(body.user_id), SHARED),
        types=tuple(body.memory_types) if body.memory_types else None,
        agent_id=body.agent_id,
        run_id=body.run_id,
    )


def _answer(assembled: Assembled, *, reasons: bool, milliseconds: float) -> ContextAnswer:
    return ContextAnswer(
        content=assembled.content,
        memories=[
            ContextMemory(
                id=ids.spell(placed.id),
                content=placed.content,
                type=placed.type,
                score=round(placed.score, _SCORE_PLACES),
                position=placed.position,
                token_count=placed.token_count,
                truncated=placed.truncated,
                reasons=_rounded(placed.reasons) if reasons else UNSET,
            )
            for placed in assembled.memories
        ],
        token_count=assembled.token_count,
        token_budget=assembled.token_budget,
        truncated=assembled.truncated,
        zone_stats=assembled.zones,
        query_analysis=assembled.analysis,
        query_time=f"{milliseconds:.1f}ms",
        encoding=assembled.encoding,
    )


def _rounded(reasons: dict[str, float]) -> dict[str, float]:
    return {signal: round(share, _SCORE_PLACES) for signal, share in reasons.items()}


def _receipt_view(receipt: Receipt) -> ReceiptView:
    return ReceiptView(
        request_id=receipt.request_id,
        created_at=iso(receipt.at),
        outcome=receipt.outcome,
        reason=receipt.reason,
        namespace=receipt.namespace,
        query_analysis=receipt.query_analysis,
        memories=[
            InjectedMemoryView(
                id=ids.spell(memory.id),
                score=memory.score,
                reasons=receipt.reasons(memory),
                position=memory.position,
                tokens=memory.tokens,
                truncated=memory.truncated,
            )
            for memory in receipt.injected()
        ],
        token_count=receipt.token_count,
        token_budget=receipt.token_budget,
        encoding=receipt.encoding,
        timings=receipt.timings,
        learning=receipt.learning,
    )

"""What the application is made of, made in the order of dependence and ended in the opposite one."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from msgspec import Struct

from admin.auth import Authenticator
from admin.capacity import Capacity
from admin.erasure import JOB_KIND as ERASE_TENANT
from admin.erasure import Erasure
from admin.feed import Feed
from admin.gate import Gate
from admin.jobs import JobStatuses
from admin.keys import Keys
from admin.limits import Limiter
from admin.meter import Meter
from admin.metrics import Metrics
from admin.scrape import Scrape
from admin.statistics import Statistics
from admin.tenants import Tenants
from admin.trail import AuditTrail
from admin.usage import TenantUses
from config.settings import Settings
from config.supervisor import Supervisor
from context.assemble import Assembler
from context.receipt import Receipts
from context.tokens import TokenCounters
from memory.embedding.base import Embedder
from memory.embedding.factory import open_embedder
from memory.engines.base import Engine
from memory.engines.factory import make_engine
from memory.extraction.exchange import JOB_KIND
from memory.extraction.factory import open_llm
from memory.extraction.fields import extract_fields
from memory.extraction.learner import Learner
from memory.extraction.worker import Handler, Reporting
from memory.lifecycle.retention import JOB_KIND as SWEEP
from memory.lifecycle.retention import Retention
from memory.service.clock import system_clock
from memory.service.export import Export
from memory.service.forget import Forget
from memory.service.history import History
from memory.service.imports import Imports
from memory.service.namespaces import LATECOMERS, LEFTOVERS, Namespaces
from memory.service.read import Read
from memory.service.readiness import Readiness
from memory.service.reading import Reading
from memory.service.recall import Recall
from memory.service.remember import Remember
from memory.service.revise import Revise
from memory.service.search import Search
from memory.service.tally import Tally


class Parts(Struct, frozen=True, kw_only=True):
    settings: Settings
    metrics: Metrics
    scrape: Scrape
    supervisor: Supervisor
    embedder: Embedder
    tokens: TokenCounters
    engine: Engine
    tenants: Tenants
    keys: Keys
    authenticator: Authenticator
    meter: Meter
    gate: Gate
    capacity: Capacity
    statistics: Statistics
    uses: TenantUses
    erasure: Erasure
    jobs: JobStatuses
    trail: AuditTrail
    feed: Feed
    namespaces: Namespaces
    remember: Remember
    revise: Revise
    forget: Forget
    read: Read
    history: History
    search: Search
    export: Export
    imports: Imports
    assembler: Assembler
    receipts: Receipts
    readiness: Readiness
    handlers: Mapping[str, Handler | Reporting]
    """What the worker does, by kind of job."""


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Raises Misconfigured where the settings and what they name don't go together, and EmbedderUnavailable. A Redis
    that is down is waited for by whoever needs it, not here."""
    async with AsyncExitStack() as stack:
        embedder = await stack.enter_async_context(open_embedder(settings))
        engine = await stack.enter_async_context(make_engine(settings, embedder.spec))
        # Entered after the engine, so that draining work still has one.
        supervisor = await stack.enter_async_context(Supervisor(drain_seconds=settings.stream.drain_seconds))
        metrics = Metrics()
        tokens = TokenCounters()
        await tokens.load()
        reading = Reading(tokens.for_model(None).count, extract_fields)
        tenants = Tenants(engine, supervisor)
        keys = Keys(engine, supervisor)
        authenticator = Authenticator(settings, keys, tenants)
        meter = await stack.enter_async_context(Meter(engine, supervisor))
        erasure = Erasure(engine, tenants, keys)
        namespaces = Namespaces(engine)
        remember = Remember(engine, embedder, namespaces, quotas=tenants, reading=reading)
        revise = Revise(engine, embedder, quotas=tenants, reading=reading)
        learner = Learner(
            engine,
            embedder,
            namespaces,
            remember,
            revise,
            quotas=tenants,
            receipt_seconds=settings.receipt.ttl_seconds,
            llm=await stack.enter_async_context(open_llm(settings)),
            facts=settings.extraction.mode != "off",
            heard=metrics.learned,
        )
        recall = Recall(engine.memories, embedder, settings.retrieval)
        tally = Tally(engine.memories)
        supervisor.start(tally.run(), name="tally of searches")
        yield Parts(
            settings=settings,
            metrics=metrics,
            scrape=Scrape(metrics, engine.jobs),
            supervisor=supervisor,
            embedder=embedder,
            tokens=tokens,
            engine=engine,
            tenants=tenants,
            keys=keys,
            meter=meter,
            authenticator=authenticator,
            gate=Gate(authenticator, tenants, Limiter(engine.counters), meter, settings.limits),
            capacity=Capacity(settings.limits, metrics),
            statistics=Statistics(engine, namespaces, dimension=embedder.spec.dimension),
            uses=TenantUses(engine),
            erasure=erasure,
            jobs=JobStatuses(engine.jobs, tenants),
            trail=AuditTrail(engine.log, tenants),
            feed=Feed(engine.log, supervisor, listeners=settings.events.listeners),
            namespaces=namespaces,
            remember=remember,
            revise=revise,
            forget=Forget(engine),
            read=Read(engine),
            history=History(engine),
            search=Search(engine, recall, tally),
            export=Export(engine, embedder.spec),
            imports=Imports(engine, embedder, namespaces, quotas=tenants, reading=reading),
            assembler=Assembler(recall, tokens, system_clock),
            receipts=Receipts(engine.documents),
            readiness=_readiness(engine, embedder, tokens),
            handlers={
                JOB_KIND: learner.handle,
                LEFTOVERS: namespaces.sweep_up,
                LATECOMERS: namespaces.keep_latecomers,
                SWEEP: Retention(engine, namespaces.directory, tenants.kept).handle,
                ERASE_TENANT: Reporting(erasure.handle),
            },
        )


def _readiness(engine: Engine, embedder: Embedder, tokens: TokenCounters) -> Readiness:
    async def storage() -> str:
        await engine.ping()
        return "ok"

    async def embedding() -> str:
        # Another text each minute, so that an endpoint's own answer is asked for now and then, not a cached one.
        await embedder.embed([f"ready? {system_clock() // 60_000}"])
        return "ok"

    async def tokenizer() -> str:
        counter = tokens.default
        return "ok" if counter.exact else f"ok: counting with {counter.encoding}, which over-counts"

    async def learning() -> str:
        backlog = await engine.jobs.backlog()
        if not backlog.waiting:
            return "ok"
        return f"ok: {backlog.waiting:,} jobs are due, the oldest for {backlog.oldest_ms / 1000:.0f} s"

    return Readiness({"storage": storage, "embedder": embedding, "tokenizer": tokenizer, "learning": learning})

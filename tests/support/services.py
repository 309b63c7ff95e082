"""The services over an engine, as `create_app` wires them, with a clock that tests set."""

from collections.abc import Sequence

from msgspec import Struct

from config.settings import Retrieval
from memory.caller import ALL_SCOPES, Caller
from memory.embedding.base import Embedder
from memory.engines.base import Engine, Limit
from memory.service.export import Export
from memory.service.forget import Forget
from memory.service.history import History
from memory.service.imports import Imports
from memory.service.namespaces import Namespaces
from memory.service.quota import Quotas
from memory.service.read import Read
from memory.service.reading import Reading
from memory.service.recall import Recall
from memory.service.remember import Remember
from memory.service.revise import Revise
from memory.service.search import Search
from memory.service.tally import Tally

START = 1_768_816_800_000
"""2026-01-19T10:00:00Z."""


class SetClock:
    """Stands still unless moved; counts as the cache's timer too."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def seconds(self) -> float:
        return self.now / 1000

    def pass_(self, *, ms: int = 0, seconds: float = 0) -> None:
        self.now += ms + round(seconds * 1000)


class NoQuotas:
    """Tenants without limits."""

    async def limits(self, tenant: str) -> Sequence[Limit]:  # noqa: ARG002
        return ()


class Services(Struct):
    engine: Engine
    embedder: Embedder
    clock: SetClock
    namespaces: Namespaces
    remember: Remember
    revise: Revise
    forget: Forget
    read: Read
    search: Search
    tally: Tally
    history: History
    export: Export
    imports: Imports


def services_over(
    engine: Engine, embedder: Embedder, *, quotas: Quotas | None = None, clock: SetClock | None = None
) -> Services:
    clock = clock or SetClock()
    quotas = quotas or NoQuotas()
    reading = Reading(count_words, extract_mails)
    namespaces = Namespaces(engine, clock, timer=clock.seconds)
    recall = Recall(engine.memories, embedder, Retrieval(), clock)
    tally = Tally(engine.memories, clock=clock)
    return Services(
        engine=engine,
        embedder=embedder,
        clock=clock,
        namespaces=namespaces,
        remember=Remember(engine, embedder, namespaces, quotas=quotas, reading=reading, clock=clock),
        revise=Revise(engine, embedder, quotas=quotas, reading=reading, clock=clock),
        forget=Forget(engine, clock=clock),
        read=Read(engine, clock=clock),
        search=Search(engine, recall, tally),
        tally=tally,
        history=History(engine),
        export=Export(engine, embedder.spec),
        imports=Imports(engine, embedder, namespaces, quotas=quotas, reading=reading, clock=clock),
    )


def count_words(text: str) -> int:
    return len(text.split())


def extract_mails(text: str) -> dict[str, list[str]]:
    mails = [word for word in text.split() if "@" in word]
    return {"emails": mails} if mails else {}


def a_caller(**given: object) -> Caller:
    fields: dict[str, object] = {"tenant": "default", "credential": "test", "scopes": ALL_SCOPES}
    return Caller(**fields | given)  # type: ignore[arg-type]

from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import AsyncTestClient

from config.settings import Retrieval, Settings
from context.api import context_routes
from context.assemble import Assembler
from context.receipt import Receipts
from context.tokens import TokenCounters
from memory.api.errors import rest_error
from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.sqlite.engine import SqliteEngine
from memory.service.recall import Recall
from tests.support.services import Services, a_caller, services_over


@pytest.fixture(scope="session")
def embedder() -> BundledEmbedder:
    return BundledEmbedder()


@pytest.fixture
async def services(embedder: BundledEmbedder) -> AsyncIterator[Services]:
    async with SqliteEngine(None, embedding=embedder.spec) as engine:
        yield services_over(engine, embedder)


@pytest.fixture
def caller() -> Caller:
    return a_caller()


@pytest.fixture(scope="session")
def token_counters() -> TokenCounters:
    """The bundled encoding: the tables of the others are not loaded."""
    return TokenCounters()


@pytest.fixture
def assembler(services: Services, embedder: BundledEmbedder, token_counters: TokenCounters) -> Assembler:
    recall = Recall(services.engine.memories, embedder, Retrieval(), services.clock)
    return Assembler(recall, token_counters, services.clock)


@pytest.fixture
async def client(services: Services, assembler: Assembler, caller: Caller) -> AsyncIterator[AsyncTestClient[Any]]:
    async with AsyncTestClient(context_app(services, assembler, caller)) as client:
        yield client


def context_app(services: Services, assembler: Assembler, caller: Caller) -> Litestar:
    provided: dict[str, Any] = {
        "caller": caller,
        "namespaces": services.namespaces,
        "assembler": assembler,
        "receipts": Receipts(services.engine.documents),
        "settings": Settings(),
    }
    return Litestar(
        context_routes(),
        dependencies={name: Provide(_giving(value), sync_to_thread=False) for name, value in provided.items()},
        exception_handlers={Exception: rest_error},
        openapi_config=None,
    )


def _giving(value: Any) -> Any:
    def give() -> Any:
        return value

    return give

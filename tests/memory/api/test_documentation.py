"""The OpenAPI document of the native routes."""

from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.di import Provide
from msgspec import Struct

from memory.api import documentation
from memory.api.body import read_json
from memory.api.routes import memory_routes
from memory.api.schemas import (
    BatchItem,
    MemoryChanges,
    NamespaceChanges,
    NewMemories,
    NewMemory,
    NewNamespace,
    SearchRequest,
)

DEPENDENCIES = ("caller", "namespaces", "remember", "revise", "forget", "read", "search", "history", "readiness")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    # A function of its own for each: Litestar tells providers apart by theirs.
    provided = {name: Provide(lambda: None, sync_to_thread=False) for name in DEPENDENCIES}
    return Litestar(memory_routes(), dependencies=provided).openapi_schema.to_schema()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


@pytest.mark.parametrize(
    ("example", "model"),
    [
        (documentation.NEW_MEMORY, NewMemory),
        (documentation.NEW_MEMORIES, NewMemories),
        (documentation.NEW_MEMORIES["memories"][0], BatchItem),
        (documentation.MEMORY_CHANGES, MemoryChanges),
        (documentation.SEARCH, SearchRequest),
        (documentation.NEW_NAMESPACE, NewNamespace),
        (documentation.NAMESPACE_CHANGES, NamespaceChanges),
    ],
)
def test_each_example_is_a_request_that_is_taken(example: dict[str, Any], model: type[Struct]) -> None:
    assert isinstance(read_json(msgspec.json.encode(example), model), model)


def test_every_error_is_documented_in_its_shape(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        if name in {"health", "ready"}:
            continue
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorBody"}, (name, status)
        assert {"400", "401", "403", "503"} <= set(operation["responses"])


def test_every_body_is_documented_with_an_example(document: dict[str, Any]) -> None:
    bodies = [operation["requestBody"] for operation in operations(document).values() if "requestBody" in operation]

    assert len(bodies) == 6
    for body in bodies:
        assert body["content"]["application/json"]["schema"]["examples"]

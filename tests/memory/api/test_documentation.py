"""The examples of the OpenAPI document; `tests/schema` looks at the document itself."""

from typing import Any

import msgspec
import pytest
from msgspec import Struct

from memory.api import documentation
from memory.api.body import read_json
from memory.api.schemas import (
    BatchItem,
    MemoryChanges,
    NamespaceChanges,
    NewMemories,
    NewMemory,
    NewNamespace,
    SearchRequest,
)


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

"""Whatever a client written from the OpenAPI document sends, it is answered as the document says.

Requests are made up by schemathesis: such as the document allows, and such as it does not. Whether those are refused
is the business of other tests; here no answer may be a failure of the server's own, have a status or a content type
that the document does not name, or a body that breaks its schema.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.settings import Settings
from proxy.app import create_app
from tests.support.document import Operation, document_of
from tests.support.operator import OPERATOR_KEY, Operator
from tests.support.server import RemoraServer

EXAMPLES = {"operator": 8, "tenant": 8, "limited": 4, "nobody": 3}
"""How many requests are made up for an operation, by who asks."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ENDLESS = {"listenToEvents"}
"""A stream that does not end by itself: its refusals only."""

DOCUMENT = document_of(create_app(Settings(store="sqlite://")))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT.schema)
OPERATIONS = [operation for operation in DOCUMENT.operations if operation.id not in ENDLESS]


@schemathesis.serializer("application/x-ndjson")
def lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str)


@dataclass(frozen=True)
class World:
    """What there is to be found, so that not everything that is asked for is missing."""

    url: str
    known: dict[str, list[str]]
    """Values by the name of the parameter."""
    keys: dict[str, str | None]


@pytest.fixture(scope="session")
def world(operator: Operator, shared_server: RemoraServer) -> World:
    tenant = operator.tenant()
    key = operator.key(tenant["id"])
    client = operator.acting(key)
    memories = [
        client.post("/v1/memories", json={"namespace": "default", "content": f"memory {number}"}).json()["id"]
        for number in range(20)
    ]
    client.post("/v1/namespaces", json={"name": "other", "parent": "default"})
    chat = {"model": "echo", "messages": [{"role": "user", "content": "memory"}]}
    receipt = client.post("/v1/chat/completions", json=chat).headers["X-Remora-Request-ID"]
    return World(
        url=shared_server.origin,
        known={
            "id": memories,
            "name_or_id": ["default", "other"],
            "namespace": ["default", "other"],
            "request_id": [receipt],
            "id_or_name": [tenant["id"], tenant["name"], "default"],
            "key_id": [operator.issued(tenant["id"])["id"] for _ in range(3)],
        },
        keys={
            "operator": OPERATOR_KEY,
            "tenant": key,
            "limited": operator.key(tenant["id"], scopes=["read", "write"], namespaces=["default"]),
            "nobody": None,
        },
    )


@pytest.mark.parametrize("who", EXAMPLES)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_it_answers_as_documented(world: World, operation: Operation, who: str) -> None:
    asked = SCHEMA[operation.path][operation.method]
    key = world.keys[who]
    headers = {} if key is None else {"X-API-Key": key}

    with requests.Session() as session:

        @settings(max_examples=EXAMPLES[who], database=None, suppress_health_check=list(HealthCheck))
        @given(data=st.data())
        def ask(data: st.DataObject) -> None:
            mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
            case = data.draw(asked.as_strategy(generation_mode=mode))
            for parameters in (case.path_parameters, case.query, case.body):
                _find_something(parameters, world, data)
            case.call_and_validate(base_url=world.url, session=session, headers=headers, checks=CHECKS)

        ask()


def _find_something(parameters: Any, world: World, data: st.DataObject) -> None:
    if isinstance(parameters, dict):
        for name in parameters:
            if name in world.known and data.draw(st.booleans()):
                parameters[name] = data.draw(st.sampled_from(world.known[name]))


@pytest.mark.parametrize(("query", "status"), [("kinds=nonsense", 400), ("namespace=none", 404)])
def test_an_endless_stream_is_refused_as_documented(operator: Operator, query: str, status: int) -> None:
    answer = operator.client.get(f"/v1/events?{query}")

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"

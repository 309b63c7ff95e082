"""The OpenAPI document tells all there is to know: of each route, parameter, body, answer and error."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from config.settings import Settings
from proxy.app import create_app
from tests.support.document import Operation, document_of

JSON = "application/json"
ANY_ROUTE = {400, 401, 403, 429, 500, 503}
DOCUMENT = document_of(create_app(Settings(store="sqlite://")))
OPERATIONS = list(DOCUMENT.operations)

every = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)


def test_every_native_route_is_in_it() -> None:
    app = create_app(Settings(store="sqlite://"))
    served = {
        (method, route.path_format)
        for route in app.routes
        for method in route.methods
        if method in {"GET", "POST", "PUT", "PATCH", "DELETE"} and not route.path.startswith("/schema")
    }
    assert {(operation.method, operation.path) for operation in DOCUMENT.operations} == served


def test_operation_ids_are_unique() -> None:
    assert max(Counter(operation.id for operation in DOCUMENT.operations).values()) == 1


@every
def test_an_operation_says_what_it_does(operation: Operation) -> None:
    assert operation.described["summary"]
    assert operation.described["description"]
    assert operation.described["tags"]
    assert operation.id[0].islower(), "an operation id of Litestar's making"


@every
def test_an_operation_has_its_errors(operation: Operation) -> None:
    missing = set() if operation.public else ANY_ROUTE - set(operation.answers)
    if operation.request:
        missing |= {413, 415} - set(operation.answers)
    if "{" in operation.path and 404 not in operation.answers:
        missing.add(404)
    assert not missing


@every
def test_errors_have_the_documents_shape(operation: Operation) -> None:
    for status, content in operation.answers.items():
        if status >= 400 and not (operation.id == "ready" and status == 503):
            assert content[JSON]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}, status


@every
def test_bodies_come_with_examples(operation: Operation) -> None:
    for status, content in operation.answers.items():
        for kind, body in content.items():
            assert list(_examples(body)), (status, kind)
    for kind, body in (operation.request or {}).items():
        assert list(_examples(body)), kind


@every
def test_examples_are_what_their_schemas_say(operation: Operation) -> None:
    bodies = [body for content in operation.answers.values() for body in content.values()]
    bodies += (operation.request or {}).values()
    for body in bodies:
        validator = jsonschema_rs.Draft202012Validator(
            {**body["schema"], "components": DOCUMENT.schema["components"]}, validate_formats=True
        )
        for example in _examples(body):
            validator.validate(example)


def _examples(body: dict[str, Any]) -> Iterator[Any]:
    yield from (example["value"] for example in body.get("examples", {}).values())
    yield from body["schema"].get("examples", ())
    if "example" in body:
        yield body["example"]

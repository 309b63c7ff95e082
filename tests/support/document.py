"""The OpenAPI document as tests read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Litestar


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    described: dict[str, Any]

    @property
    def id(self) -> str:
        name: str = self.described["operationId"]
        return name

    @property
    def public(self) -> bool:
        """Whether it asks for no key."""
        return self.described.get("security") == [{}]

    @property
    def parameters(self) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = self.described.get("parameters", [])
        return parameters

    @property
    def request(self) -> dict[str, Any] | None:
        """What it takes for a body, by content type."""
        content: dict[str, Any] | None = self.described.get("requestBody", {}).get("content")
        return content

    @property
    def answers(self) -> dict[int, dict[str, Any]]:
        """By status; each by content type."""
        return {int(status): answer.get("content", {}) for status, answer in self.described["responses"].items()}


@dataclass(frozen=True)
class OpenAPIDocument:
    schema: dict[str, Any]

    @property
    def operations(self) -> Iterator[Operation]:
        for path, methods in self.schema["paths"].items():
            for method, described in methods.items():
                yield Operation(method.upper(), path, described)


def document_of(app: Litestar) -> OpenAPIDocument:
    """As the application serves it."""
    return OpenAPIDocument(msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema())))

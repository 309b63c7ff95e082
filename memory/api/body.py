"""Reading a request's JSON body."""

from typing import Any, TypeVar

import msgspec
from litestar.dto import AbstractDTO
from litestar.exceptions import HTTPException
from litestar.typing import FieldDefinition
from msgspec import Struct

from memory.errors import Invalid
from memory.service.checks import broken_rule

T = TypeVar("T", bound=Struct)


class StrictJson(AbstractDTO[T]):
    """A body decoded once and strictly, for `@post(dto=StrictJson[Model])`; Litestar's own way takes "1" for a number.

    Raises Invalid naming the field, and 415 for what does not say that it is JSON: a web page can send that to a server
    on loopback unasked."""

    def decode_bytes(self, value: bytes) -> Any:
        content_type = self.asgi_connection.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json" and not content_type.endswith("+json"):
            raise HTTPException(status_code=415)
        return read_json(value, self.model_type)

    @classmethod
    def create_for_field_definition(cls, *_: Any, **__: Any) -> None:
        """Needs no transfer model: the struct is what is on the wire."""

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:  # noqa: ARG003
        """For requests only."""
        return False

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003
        schema_creator: Any,
    ) -> Any:
        return schema_creator.for_field_definition(field_definition)


def read_json(body: bytes, model: type[T], called: str = "the body") -> T:
    """Raises Invalid."""
    try:
        return msgspec.json.decode(body, type=model)
    except msgspec.ValidationError as error:
        raise broken_rule(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{called} is not JSON: {error}") from error
    except RecursionError as error:
        raise Invalid(f"{called} is nested too deeply") from error

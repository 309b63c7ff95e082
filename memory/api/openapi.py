"""What makes the OpenAPI document exact: plugins of the application's."""

import ast
import inspect
import re
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import msgspec
from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.plugins.base import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.typing import FieldDefinition
from msgspec import Struct
from msgspec import inspect as kinds

_KEYWORDS = {
    "additionalProperties": "additional_properties",
    "anyOf": "any_of",
    "maxItems": "max_items",
    "maxLength": "max_length",
    "minItems": "min_items",
    "minLength": "min_length",
}


class StructSchemas(OpenAPISchemaPlugin):
    """Structs as msgspec reads and writes them, described by their fields' docstrings. Litestar's own account of them
    lacks bounds of 0, rules inside lists and unions, and that unknown fields are refused."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        return isinstance(value, type) and issubclass(value, Struct)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Any:
        model: type[Struct] = field_definition.annotation
        described = msgspec.json.schema_components([model], ref_template="{name}")[1][model.__name__]
        for name, docstring in _docstrings(model):
            described["properties"][name]["description"] = docstring
        registry = schema_creator.schema_registry
        schema: Schema = registry.get_schema_for_field_definition(field_definition)
        fields = kinds.type_info(model)
        assert isinstance(fields, kinds.StructType)
        inner = {struct.__name__: struct for field in fields.fields for struct in _structs(field.type)}

        def read(keyword: str, value: Any) -> Any:
            match keyword:
                case "properties":
                    return {name: schema_of(each) for name, each in value.items()}
                case "items":
                    return schema_of(value)
                case "additionalProperties" if isinstance(value, dict):
                    return schema_of(value)
                case "anyOf":
                    return [schema_of(each) for each in value]
                case "pattern":
                    return value.replace(r"\Z", "$")  # which is JavaScript's, and so JSON Schema's, end of a text
                case _:
                    return value

        def schema_of(described: dict[str, Any]) -> Any:
            if (name := described.pop("$ref", None)) is None:
                return Schema(**{_KEYWORDS.get(key, key): read(key, value) for key, value in described.items()})
            reference = schema_creator.for_field_definition(FieldDefinition.from_annotation(inner[name]))
            return Schema(all_of=[reference], **described) if described else reference

        for keyword, value in described.items():
            setattr(schema, _KEYWORDS.get(keyword, keyword), read(keyword, value))
        return registry.get_reference_for_field_definition(field_definition) or schema


class Summaries(ReceiveRoutePlugin):
    """Sums a route up by its operation id: `createMemory` is "Create memory"."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute):
            for handler, _ in route.route_handler_map.values():
                if isinstance(handler.operation_id, str) and handler.summary is None:
                    handler.summary = re.sub(r"(?<=[a-z])[A-Z]", r" \g<0>", handler.operation_id).capitalize()


def _structs(kind: kinds.Type) -> Iterator[type[Struct]]:
    """Those that a schema of `kind` refers to."""
    match kind:
        case kinds.StructType(cls=model):
            yield model
        case kinds.UnionType(types=types):
            for each in types:
                yield from _structs(each)
        case kinds.ListType(item_type=inner) | kinds.DictType(value_type=inner) | kinds.Metadata(type=inner):
            yield from _structs(inner)


def _docstrings(model: type[Struct]) -> Iterator[tuple[str, str]]:
    """The fields that have one, those inherited first, by the names on the wire."""
    names = dict(zip(model.__struct_fields__, model.__struct_encode_fields__, strict=True))
    for base in reversed(model.__mro__):
        if base is not Struct and issubclass(base, Struct):
            [tree] = ast.parse(dedent(inspect.getsource(base))).body
            assert isinstance(tree, ast.ClassDef)
            for statement, following in zip(tree.body, tree.body[1:], strict=False):
                match statement, following:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        yield names[name], inspect.cleandoc(text)

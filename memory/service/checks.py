"""From msgspec's words about bad input to ours."""

import re

import msgspec

from memory.errors import Invalid
from memory.model import Name

_PATH = re.compile(r" - at `\$\.?(.*)`\Z")
_FIELD = re.compile(r"field `([^`]+)`")
_NAME_RULE = "must be 1-128 characters without '/' or control characters, and not '.' or '..'"


def broken_rule(error: msgspec.ValidationError, within: str = "") -> Invalid:
    """An Invalid that names the field (in `details["field"]` too) and the rule. `within` is the path of what was
    converted, e.g. `memories[3]`."""
    text = str(error)
    path = ""
    if match := _PATH.search(text):
        path, text = match.group(1), text[: match.start()]
    if named := _FIELD.search(text):
        path = f"{path}.{named.group(1)}" if path else named.group(1)
        text = "is missing" if "missing" in text else "is not a known field"
    elif "matching regex" in text:
        text = _NAME_RULE
    else:
        text = text.replace("`", "'").replace("Expected", "must be", 1)
    path = ".".join(part for part in (within, path) if part) or "body"
    return Invalid(f"{path}: {text}", field=path)


def check_name(text: str, field: str) -> str:
    """`text`, if it is a `Name`. Raises Invalid, naming `field`."""
    try:
        return msgspec.convert(text, Name)
    except msgspec.ValidationError as error:
        raise broken_rule(error, field) from error


def nested_within(value: object, depth: int) -> bool:
    """Whether no list or object in it lies deeper than `depth`, where 1 is one that holds none."""
    match value:
        case dict():
            return depth > 0 and all(nested_within(inner, depth - 1) for inner in value.values())
        case list() | tuple():
            return depth > 0 and all(nested_within(inner, depth - 1) for inner in value)
        case _:
            return True

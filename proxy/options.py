"""What a client asks of Remora, in headers: each as `X-Remora-*` or, for MAIA's clients, as `X-MAIA-*`."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from config.settings import Position
from context.budget import BUDGET_RULE, read_budget
from memory.errors import Invalid
from memory.model import MAX_NAME, Name

PREFIXES = (b"x-remora-", b"x-maia-")


class Options(Struct, frozen=True, kw_only=True):
    """None: not said."""

    namespace: str | None = None
    skip_memory: bool = False
    skip_extract: bool = False
    token_budget: int | None = None
    position: Position | None = None
    user: str | None = None
    session: str | None = None
    agent: str | None = None
    app: str | None = None


def read_options(headers: Iterable[tuple[bytes, bytes]]) -> Options:
    """The options among a request's raw headers (their names in lower case).

    Raises Invalid, naming the header, for a bad value and for one option said twice in different ways.
    """
    said: dict[str, Any] = {}
    for name, value in headers:
        if name.startswith(PREFIXES) and (reader := _READERS.get(name[name.index(b"-", 2) + 1 :])):
            option, read = reader
            given = read(_Header(name, value))
            if said.setdefault(option, given) != given:
                raise _invalid(name, "contradicts another header for the same option")
    return Options(**said) if said else _NOTHING_SAID


_NOTHING_SAID = Options()


class _Header(Struct, frozen=True):
    name: bytes
    value: bytes

    def text(self) -> str:
        """Its value: UTF-8, in which `%` and two hexadecimal digits may stand for a byte."""
        try:
            return unquote(self.value.decode().strip(), errors="strict")
        except UnicodeDecodeError:
            raise _invalid(self.name, "must be UTF-8, as it is or percent-encoded") from None


def _name(header: _Header) -> str:
    try:
        return msgspec.convert(header.text(), Name)
    except msgspec.ValidationError:
        raise _invalid(
            header.name, f"must have 1 to {MAX_NAME} characters, no '/' or control character, and not be '.' or '..'"
        ) from None


def _flag(header: _Header) -> bool:
    match header.text().lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
    raise _invalid(header.name, "must be 'true' or 'false'")


def _budget(header: _Header) -> int:
    budget = read_budget(header.text())
    if budget is None:
        raise _invalid(header.name, BUDGET_RULE)
    return budget


def _position(header: _Header) -> Position:
    try:
        position: Position = msgspec.convert(header.text(), Position)
    except msgspec.ValidationError:
        raise _invalid(header.name, "must be 'system', 'first_user' or 'before_last'") from None
    return position


_READERS: dict[bytes, tuple[str, Callable[[_Header], Any]]] = {
    b"namespace": ("namespace", _name),
    b"skip-memory": ("skip_memory", _flag),
    b"skip-extract": ("skip_extract", _flag),
    b"token-budget": ("token_budget", _budget),
    b"position": ("position", _position),
    b"user": ("user", _name),
    b"session": ("session", _name),
    b"agent": ("agent", _name),
    b"app": ("app", _name),
}


def _invalid(name: bytes, rule: str) -> Invalid:
    spelled = "-".join("MAIA" if part == "maia" else part.capitalize() for part in name.decode("ascii").split("-"))
    return Invalid(f"{spelled}: {rule}", field=spelled)

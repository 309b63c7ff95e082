"""What is read out of a memory's content wherever one is written."""

from collections.abc import Callable
from typing import TypedDict

from msgspec import Struct

from memory.model import content_hash


class Derived(TypedDict):
    """By the names that a Memory has for it."""

    content_hash: str
    token_count: int
    fields: dict[str, list[str]]


class Reading(Struct, frozen=True):
    count: Callable[[str], int]
    """Counts the tokens of a text."""
    extract_fields: Callable[[str], dict[str, list[str]]]
    """Reads e-mails, URLs, people … out of one."""

    def of(self, content: str) -> Derived:
        return Derived(
            content_hash=content_hash(content),
            token_count=self.count(content),
            fields=self.extract_fields(content),
        )

"""What extraction draws out of an exchange."""

from typing import Literal

from msgspec import Struct

Category = Literal["identity", "fact", "preference", "instruction"]


class Fact(Struct, frozen=True, kw_only=True):
    """One thing the user said, in the third person."""

    content: str
    category: Category
    confidence: float
    slot: str | None = None
    """The single-valued attribute it fills: it takes the place of the older fact there."""
    ends: str | None = None
    """A value that no longer holds ("User no longer lives in Lisbon"): in the slot, only facts naming it give way."""
    replaces: int | None = None
    """The id of an existing memory that it takes the place of."""


class Correction(Struct, frozen=True, kw_only=True):
    """ "It's Porto, not Lisbon": what was said before is right with `right` in the place of `wrong`."""

    right: str
    wrong: str

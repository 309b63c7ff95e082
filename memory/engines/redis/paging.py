"""Pages of a list in the order of an indexed number.

For one page Redis sorts all that match ([M] 15 ms for 10,000) and answers nobody meanwhile. So of a long list in the
order of time it is remembered where a page ended: what lies beyond need not be sorted the next time ([M] 1 ms).
"""

from collections import OrderedDict
from typing import Any

from msgspec import Struct

from memory.engines.base import SortKey
from memory.engines.redis.schema import Schema
from memory.engines.redis.search import TIMEOUT_MS, Search
from memory.engines.redis.wire import Command

LONG = 1000
"""From how many matches on an end is remembered."""
SPARE = 50
"""How many more than asked for lie before a remembered end, so that it still serves when some are deleted."""
REMEMBERED = 10_000

_TIMES = ("created_at", "updated_at", "happened_at")


class Place(Struct, frozen=True):
    """Which page of which list."""

    allowed: str
    """The filter, rendered."""
    sort: SortKey
    descending: bool
    offset: int
    limit: int


class Paging:
    def __init__(self, schema: Schema, search: Search) -> None:
        self._schema = schema
        self._search = search
        self._ends: OrderedDict[Place, int] = OrderedDict()

    async def page(self, place: Place) -> tuple[int, list[int]]:
        """How many match, and the ids of the page."""
        count = ("FT.SEARCH", self._schema.index, place.allowed, "LIMIT", 0, 0, "TIMEOUT", TIMEOUT_MS, "DIALECT", 2)
        if place.limit <= 0:
            ((total,),) = await self._search.ask([count])
            return total, []
        (total,), rows = await self._search.ask([count, self._rows(place, self._ends.get(place))])
        wanted = min(place.limit, max(total - place.offset, 0))
        if len(rows) - 1 < wanted and place in self._ends:
            [rows] = await self._search.ask([self._rows(place, None)])
        found = [dict(zip(row[::2], row[1::2], strict=True)) for row in rows[1:]]
        self._remember(place, total, found)
        return total, [int(row[b"id"]) for row in found[: place.limit]]

    def _rows(self, place: Place, end: int | None) -> Command:
        allowed, direction = place.allowed, "DESC" if place.descending else "ASC"
        if end is not None:
            allowed += f" @{place.sort}:" + (f"[{end} inf]" if place.descending else f"[-inf {end}]")
        most = place.limit + SPARE
        return (
            *("FT.AGGREGATE", self._schema.index, allowed),
            *("SORTBY", 4, f"@{place.sort}", direction, "@id", direction),
            *("MAX", place.offset + most, "LIMIT", place.offset, most, "TIMEOUT", TIMEOUT_MS, "DIALECT", 2),
        )

    def _remember(self, place: Place, total: int, found: list[dict[bytes, Any]]) -> None:
        self._ends.pop(place, None)
        if place.sort in _TIMES and total > LONG and found:
            self._ends[place] = int(found[-1][place.sort.encode()])
            if len(self._ends) > REMEMBERED:
                self._ends.popitem(last=False)

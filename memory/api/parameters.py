"""Parameters that several routes share. Bounds stand in `QueryParameter`: Litestar passes over `msgspec.Meta` there."""

from typing import Annotated, Literal

from litestar.params import QueryParameter

from memory import ids
from memory.api.schemas import MAX_OFFSET
from memory.errors import NotFound
from memory.model import MemoryType

LimitParameter = Annotated[int, QueryParameter(ge=1, le=1000, description="How many at most.")]
OffsetParameter = Annotated[int, QueryParameter(ge=0, le=MAX_OFFSET, description="How many to pass over.")]
Types = Annotated[list[MemoryType] | None, QueryParameter(description="Any of these.")]
Exclude = Annotated[Literal["embedding"] | None, QueryParameter(description="Leave the embedding out of the answer.")]


def memory_id(text: str) -> int:
    """Raises NotFound for what is no id of a memory."""
    number = ids.parse(text)
    if number is None:
        raise NotFound("Memory not found", memory_id=text)
    return number

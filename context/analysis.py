"""What a query wants, in the words of the API document."""

from typing import Literal

from msgspec import Struct

from memory.model import MemoryType

Intent = Literal["factual", "procedural", "conversational", "exploratory", "temporal"]
TemporalScope = Literal["recent", "historical", "all"]


class QueryAnalysis(Struct, frozen=True):
    intent: Intent
    context_type: MemoryType
    temporal_scope: TemporalScope

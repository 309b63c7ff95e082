"""Dividing a token budget among memories."""

from typing import Literal

from msgspec import Struct

Position = Literal["critical", "middle", "recency"]


class ZoneAllocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of the token budget."""

    critical: float = 0.15
    middle: float = 0.65
    recency: float = 0.20


class ZoneStats(Struct, frozen=True, kw_only=True):
    """Tokens by zone."""

    critical_used: int = 0
    critical_budget: int = 0
    middle_used: int = 0
    middle_budget: int = 0
    recency_used: int = 0
    recency_budget: int = 0

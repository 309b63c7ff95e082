"""What each plan allows."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

Plan = Literal["free", "standard", "premium"]
Amount = Annotated[int, Meta(ge=0, le=2**53 - 1)]

_MIB, _GIB = 2**20, 2**30


class Quotas(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """0 is no limit."""

    max_memories: Amount
    max_storage_bytes: Amount
    """Of contents and metadata, in UTF-8."""
    requests_per_minute: Amount
    requests_per_day: Amount


class QuotaChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Quotas set by hand; one that is not is the plan's. In a change null gives one back to the plan."""

    max_memories: Amount | UnsetType | None = UNSET
    max_storage_bytes: Amount | UnsetType | None = UNSET
    requests_per_minute: Amount | UnsetType | None = UNSET
    requests_per_day: Amount | UnsetType | None = UNSET


PLANS: Mapping[Plan, Quotas] = {
    "free": Quotas(max_memories=10_000, max_storage_bytes=100 * _MIB, requests_per_minute=100, requests_per_day=10_000),
    "standard": Quotas(
        max_memories=100_000, max_storage_bytes=_GIB, requests_per_minute=1_000, requests_per_day=100_000
    ),
    "premium": Quotas(
        max_memories=1_000_000, max_storage_bytes=10 * _GIB, requests_per_minute=10_000, requests_per_day=1_000_000
    ),
}

UNLIMITED = Quotas(max_memories=0, max_storage_bytes=0, requests_per_minute=0, requests_per_day=0)
"""The operator's own tenant, unless it is given others."""


def quotas_of(plan: Plan, by_hand: QuotaChanges) -> Quotas:
    """The plan's, with those set by hand over them."""
    return structs.replace(
        PLANS[plan],
        **{name: value for name, value in structs.asdict(by_hand).items() if value is not UNSET and value is not None},
    )

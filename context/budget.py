"""The token budget of a call: who sets it."""

from collections.abc import Mapping

from memory.errors import Invalid

REMORA_HEADER, MAIA_HEADER = "X-Remora-Token-Budget", "X-MAIA-Token-Budget"
MAX_BUDGET = 1_000_000

BUDGET_RULE = f"must be a whole number from 0 to {MAX_BUDGET}"


def read_budget(text: str) -> int | None:
    """The budget that a header's value names; None where it breaks BUDGET_RULE."""
    if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= MAX_BUDGET:
        return int(text)
    return None


def said(headers: Mapping[str, str | None]) -> int | None:
    """The budget that headers name, by their names; None where none does. Raises Invalid, naming the header, for a bad
    one and for two that differ."""
    found: int | None = None
    for name, value in headers.items():
        if value is None:
            continue
        budget = read_budget(value)
        if budget is None:
            raise Invalid(f"{name}: {BUDGET_RULE}", field=name)
        if found not in (None, budget):
            raise Invalid(f"{name}: contradicts another header for the same option", field=name)
        found = budget
    return found


def first_set(
    *,
    header: int | None = None,
    request: int | None = None,
    namespace: int | None = None,
    tenant: int | None = None,
    settings: int,
) -> int:
    """Of those that may set it the first one that does, in this order."""
    for budget in (header, request, namespace, tenant):
        if budget is not None:
            return budget
    return settings

"""The weights of one query."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from config.settings import Retrieval
from memory.errors import Invalid


def override(weights: Retrieval, custom: Mapping[str, float] | None) -> Retrieval:
    """`weights` with those of `custom` (a namespace's `custom_scoring`) in their place.

    Raises Invalid, naming it, for one that does not exist or has no legal value.
    """
    return _overridden(weights, tuple(sorted(custom.items()))) if custom else weights


@lru_cache(maxsize=1024)
def _overridden(weights: Retrieval, custom: tuple[tuple[str, float], ...]) -> Retrieval:
    known = weights.__struct_fields__
    if unknown := [name for name, _ in custom if name not in known]:
        raise Invalid(
            f"custom_scoring: no such weight: {', '.join(unknown)}; there are {', '.join(known)}",
            field="custom_scoring",
        )
    try:
        return msgspec.convert({**msgspec.structs.asdict(weights), **dict(custom)}, Retrieval)
    except msgspec.ValidationError as error:
        raise Invalid(f"custom_scoring: {error}", field="custom_scoring") from error

"""A namespace's configuration under changes, and under inheritance."""

from collections.abc import Mapping
from typing import Any

import msgspec

from config.settings import Retrieval
from memory.errors import Invalid
from memory.model import NamespaceConfig
from memory.service.checks import broken_rule

_WEIGHTS = frozenset(weight.name for weight in msgspec.structs.fields(Retrieval))


def over(config: NamespaceConfig, changes: Mapping[str, Any]) -> NamespaceConfig:
    """`config` with `changes` over it, field by field; None unsets one. Raises Invalid for a bad value."""
    try:
        merged = msgspec.convert({**msgspec.to_builtins(config), **changes}, NamespaceConfig)
    except msgspec.ValidationError as error:
        raise broken_rule(error, "config") from error
    if unknown := sorted(set(merged.custom_scoring or ()) - _WEIGHTS):
        raise Invalid(
            f"config.custom_scoring: there is no weight '{unknown[0]}', only {', '.join(sorted(_WEIGHTS))}",
            field=f"config.custom_scoring.{unknown[0]}",
        )
    return merged


def inherited(own: NamespaceConfig, above: NamespaceConfig) -> NamespaceConfig:
    """What `own` leaves open is `above`'s."""
    config = msgspec.to_builtins(above) | msgspec.to_builtins(own)
    if own.custom_scoring is not None and above.custom_scoring is not None:
        config["custom_scoring"] = above.custom_scoring | own.custom_scoring
    return msgspec.convert(config, NamespaceConfig)

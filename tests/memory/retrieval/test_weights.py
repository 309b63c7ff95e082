import pytest

from config.settings import Retrieval
from memory.errors import Invalid
from memory.retrieval.weights import override

BASE = Retrieval()


def test_each_weight_is_overridden_by_itself() -> None:
    weights = override(BASE, {"vector_weight": 0.9, "recency_weight": 0.0})

    assert (weights.vector_weight, weights.recency_weight) == (0.9, 0.0)
    assert weights.text_weight == BASE.text_weight


@pytest.mark.parametrize("custom", [None, {}])
def test_without_overrides_the_settings_stand(custom: dict[str, float] | None) -> None:
    assert override(BASE, custom) is BASE


def test_an_unknown_weight_is_named() -> None:
    with pytest.raises(Invalid, match="grap_weight") as caught:
        override(BASE, {"vector_weight": 0.5, "grap_weight": 0.1})
    assert caught.value.details["field"] == "custom_scoring"


def test_a_weight_out_of_bounds_is_refused() -> None:
    with pytest.raises(Invalid, match="custom_scoring"):
        override(BASE, {"vector_weight": 11.0})

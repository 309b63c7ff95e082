import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.engines.sqlite.rows import encode_vector, from_row, labels_of, metadata_label, to_row
from tests.contract.examples import a_memory, a_vector, unit

SCALARS = st.one_of(st.text(max_size=3), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))


@given(key=st.text(max_size=3), other_key=st.text(max_size=3), value=SCALARS, other=SCALARS)
def test_metadata_is_labelled_alike_exactly_where_it_is_equal(
    key: str, other_key: str, value: str | float, other: str | float
) -> None:
    same_kind = isinstance(value, str) == isinstance(other, str) and isinstance(value, bool) == isinstance(other, bool)
    equal = key == other_key and same_kind and value == other
    assert (metadata_label(key, value) == metadata_label(other_key, other)) == equal


def test_metadata_that_is_no_scalar_has_no_label() -> None:
    assert labels_of(a_memory(1, metadata={"a": [1], "b": {"c": 1}, "d": None})) == set()


def test_a_tag_is_no_category() -> None:
    assert labels_of(a_memory(1, tags=["x"])).isdisjoint(labels_of(a_memory(1, categories=["x"])))


def test_the_row_counts_bytes_not_characters() -> None:
    assert 6 in to_row(a_memory(1, "é😀"))


def test_what_touching_changes_comes_from_the_columns() -> None:
    memory = a_memory(1, access_count=1)
    record = to_row(memory)[-1]
    assert isinstance(record, bytes)
    assert from_row(record, 5, 6, 7) == a_memory(1, accessed_at=5, access_count=6, search_count=7)


def test_a_vector_of_another_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="8 dimensions"):
        encode_vector(unit(a_vector("v", 9)), 8)

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import ids

numbers = st.integers(min_value=0, max_value=ids.LARGEST)
kinds = st.sampled_from(["mem", "ns", "tenant", "key", "job", "req"])
engram_kinds = st.sampled_from(["ep", "struct", "sem", "proc"])


@given(numbers, kinds)
def test_a_native_spelling_reads_back_as_its_id(number: int, kind: ids.Kind) -> None:
    assert number == ids.parse(ids.spell(number, kind), kind)


@given(numbers)
def test_a_uuid_reads_back_as_its_id(number: int) -> None:
    assert number == ids.from_uuid(uuid.UUID(str(ids.to_uuid(number))))


@given(numbers, engram_kinds)
def test_an_engram_spelling_reads_back_as_its_kind_and_id(number: int, kind: ids.EngramKind) -> None:
    assert (kind, number) == ids.from_engram(ids.to_engram(number, kind))


@given(numbers)
def test_a_double_carries_every_id_exactly(number: int) -> None:
    assert number == int(float(number))


@given(numbers, numbers)
def test_native_spellings_sort_as_their_ids(a: int, b: int) -> None:
    assert (a < b) == (ids.spell(a) < ids.spell(b))


@given(st.text(max_size=20))
def test_a_text_that_reads_as_an_id_is_that_ids_only_spelling(text: str) -> None:
    number = ids.parse(f"mem_{text}")

    assert number is None or f"mem_{text}" == ids.spell(number)


@given(st.uuids())
def test_a_foreign_uuid_is_not_taken_for_an_id(value: uuid.UUID) -> None:
    number = ids.from_uuid(value)

    assert number is None or value == ids.to_uuid(number)


def test_a_uuid_says_that_it_is_of_version_8() -> None:
    assert ids.to_uuid(ids.LARGEST).version == 8
    assert ids.to_uuid(ids.LARGEST).variant == uuid.RFC_4122


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("mem_", id="no letters"),
        pytest.param("ns_00000000001", id="another kind"),
        pytest.param("mem_0000000001", id="too short"),
        pytest.param("mem_000000000001", id="too long"),
        pytest.param("mem_0000000000A", id="upper case"),
        pytest.param("mem_0000000000u", id="letter outside the alphabet"),
        pytest.param("mem_00000000001\n", id="trailing newline"),
        pytest.param("mem_zzzzzzzzzzz", id="more than 53 bits"),
        pytest.param("mem_0000000000\N{FULLWIDTH DIGIT ONE}", id="fullwidth digit"),
    ],
)
def test_what_is_no_native_spelling_reads_as_none(text: str) -> None:
    assert ids.parse(text) is None


@pytest.mark.parametrize(
    "text", ["ep_123", "ep_0000000000000G", "xx_00000000000001", "ep_ffffffffffffff", "ep_-0000000000001"]
)
def test_what_is_no_engram_spelling_reads_as_none(text: str) -> None:
    assert ids.from_engram(text) is None


@pytest.mark.parametrize("number", [-1, ids.LARGEST + 1])
def test_a_number_beyond_53_bits_has_no_spelling(number: int) -> None:
    with pytest.raises(ValueError, match="53 bits"):
        ids.spell(number)


def test_ids_rise_within_and_across_batches() -> None:
    source = ids.IdSource()
    taken = [number for size in (1, 4096, 3, 1) for number in source.take(size)]

    assert sorted(set(taken)) == taken


def test_an_id_tells_when_it_was_made() -> None:
    assert ids.made_at(5 << 12 | 4095) == ids.EPOCH_MS + 5

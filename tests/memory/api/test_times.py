import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.api.times import iso, millis
from memory.errors import Invalid

JANUARY = 1_768_816_800_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-01-19T10:00:00Z", JANUARY),
        ("2026-01-19T10:00:00.250Z", JANUARY + 250),
        ("2026-01-19T10:00:00.2509Z", JANUARY + 250),
        ("2026-01-19T12:00:00+02:00", JANUARY),
        ("2026-01-19 10:00", JANUARY),
        ("2026-01-19T10:00:00", JANUARY),
        ("20260119T100000Z", JANUARY),
        ("2026-01-19", JANUARY - 10 * 3_600_000),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ],
)
def test_any_iso_8601_time_is_read_and_none_without_an_offset_is_elsewhere_than_utc(text: str, ms: int) -> None:
    assert millis(text, "at") == ms


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-01", "2026-01-19T25:00:00Z", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00",
     "9999-12-31T23:59:59-01:00", "1768816800", "2026-01-19T10:00:00Z trailing"],
)  # fmt: skip
def test_what_is_no_time_or_out_of_range_names_its_field(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        millis(text, "time_range.start")

    assert raised.value.details == {"field": "time_range.start"}
    assert raised.value.message.startswith("time_range.start: ")


def test_milliseconds_are_told_only_where_there_are_any() -> None:
    assert iso(JANUARY) == "2026-01-19T10:00:00Z"
    assert iso(JANUARY + 7) == "2026-01-19T10:00:00.007Z"


@given(ms=st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_every_time_survives_the_way_out_and_in(ms: int) -> None:
    assert millis(iso(ms), "at") == ms

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.errors import Invalid
from proxy.paths import path_of

SEGMENTS = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text not in {".", ".."}
)


@given(SEGMENTS)
def test_a_request_goes_where_its_segments_say_whatever_they_are(segment: str) -> None:
    asked = httpx.Client(base_url="http://localhost").build_request("DELETE", path_of("admin", segment, "keys"))
    assert asked.url.path == f"/admin/{segment}/keys"
    assert asked.url.query == b""


@pytest.mark.parametrize("segment", ["", ".", "..", "a/b", "../..", "/"])
def test_a_segment_that_leads_elsewhere_is_refused(segment: str) -> None:
    with pytest.raises(Invalid, match="no name or id"):
        path_of("admin", "tenants", segment)

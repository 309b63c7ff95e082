import re

from hypothesis import given
from hypothesis import strategies as st

from memory.engines.base import Filter
from memory.engines.redis.query import conditions, render
from memory.engines.words import query_stems, stems
from tests.contract.examples import HOSTILE

STRINGS = st.text() | st.sampled_from(HOSTILE)
SOME = st.lists(STRINGS, min_size=1, max_size=3).map(tuple)
SAFE = re.compile(r"(@labels:\{[0-9a-z|]+\}(=>\{\$weight: 0\})?|@[a-z_]+:\[[-+.e0-9inf ]+\]| )+")


FILTERS = st.builds(
    Filter,
    tenant=STRINGS,
    namespaces=st.none() | SOME,
    owners=st.none() | SOME,
    tags=SOME,
    categories=SOME,
    user_id=STRINGS,
    slot=STRINGS,
    metadata=st.dictionaries(STRINGS, STRINGS, max_size=2),
    current=st.booleans(),
    created_from=st.none() | st.integers(-(2**53), 2**53),
    min_confidence=st.none() | st.floats(0, 1),
)


@given(FILTERS, st.booleans())
def test_no_string_of_a_filter_reaches_the_query(where: Filter, scored: bool) -> None:
    found = conditions(where)
    assert found is not None
    assert SAFE.fullmatch(render(found, scored=scored))


@given(STRINGS)
def test_no_word_of_a_question_is_syntax(text: str) -> None:
    for word in query_stems(text):
        assert word
        assert all(letter.isalnum() or letter.isalpha() or ord(letter) > 0x2FF for letter in word)


def test_stems_never_vanish() -> None:
    words = ["s", "is", "as", "running", "companies", "寿司", "e"]
    assert stems(words) == ["s", "is", "as", "run", "compani", "寿司", "e"]


def test_a_filter_of_no_alternatives_matches_nothing() -> None:
    for where in (
        Filter(tenant="t", namespaces=()),
        Filter(tenant="t", owners=()),
        Filter(tenant="t", types=()),
        Filter(tenant="t", namespaces=(), owners=("o",)),
    ):
        assert conditions(where) is None
    assert conditions(Filter(tenant="t", types=("episodic",), current=False), facts=True) is None

from hypothesis import given
from hypothesis import strategies as st

from memory.engines.redis.keys import Keys, label, member, part
from tests.contract.examples import HOSTILE

STRINGS = st.text() | st.sampled_from(HOSTILE)


@given(STRINGS, STRINGS)
def test_two_strings_never_give_the_same_part(one: str, other: str) -> None:
    assert (part(one) == part(other)) == (one == other)


@given(st.lists(STRINGS, max_size=3), st.lists(STRINGS, max_size=3))
def test_two_lists_of_strings_never_give_the_same_label(one: list[str], other: list[str]) -> None:
    assert (label(*one) == label(*other)) == (one == other)


@given(STRINGS)
def test_a_part_has_no_character_that_means_something_in_a_key(value: str) -> None:
    assert set(":{} ").isdisjoint(part(value))


@given(STRINGS, STRINGS, STRINGS, STRINGS)
def test_documents_of_two_tenants_or_kinds_never_share_a_key(a: str, b: str, c: str, d: str) -> None:
    keys = Keys("p")
    assert (keys.document(a, b, "k") == keys.document(c, d, "k")) == ((a, b) == (c, d))
    assert keys.document(a, b, "k") not in (keys.documents(a, b), keys.documents(a, b, ("k", "k")))


@given(st.lists(st.integers(0, 2**53 - 1), max_size=10))
def test_members_sort_as_their_ids(ids: list[int]) -> None:
    assert [int(one) for one in sorted(map(member, ids))] == sorted(ids)


@given(STRINGS)
def test_a_key_has_the_tenant_as_its_hash_tag(tenant: str) -> None:
    keys = Keys("p")
    for key in (keys.memory(tenant, 1), keys.usage(tenant), keys.document(tenant, "{k}", "{k}"), keys.log(tenant, "{")):
        tag = key[key.index("{") + 1 : key.index("}")]
        assert tag == part(tenant)

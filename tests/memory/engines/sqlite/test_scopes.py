from hypothesis import given
from hypothesis import strategies as st

from memory.caller import user_owner
from memory.engines.base import Filter
from memory.engines.sqlite.scopes import scopes_for, scopes_of

NAMES = st.sampled_from(["", "a", "ab", "b", "a:b", "1:a"])
OWNERS = NAMES.map(user_owner) | st.just("")
FEW = st.none() | st.lists(NAMES, max_size=3).map(tuple)


MEMORIES = st.tuples(NAMES, NAMES, OWNERS)
"""Tenant, namespace and owner of one."""

FILTERS = st.builds(
    Filter,
    tenant=NAMES,
    namespaces=FEW,
    owners=st.none() | st.lists(OWNERS, max_size=3).map(tuple),
    user_id=st.none() | NAMES,
)


@given(memory=MEMORIES, where=FILTERS)
def test_what_a_filter_allows_is_in_exactly_one_of_its_scopes(memory: tuple[str, str, str], where: Filter) -> None:
    tenant, namespace, owner = memory
    allowed = (
        tenant == where.tenant
        and (where.namespaces is None or namespace in where.namespaces)
        and (where.owners is None or owner in where.owners)
        and (where.user_id is None or owner == user_owner(where.user_id))
    )
    mine = scopes_of(*memory)
    holding = [scope for scope in scopes_for(where) if getattr(mine, scope.column) == scope.number]
    assert len(holding) == (1 if allowed else 0)


@given(one=MEMORIES, other=MEMORIES)
def test_scopes_are_alike_only_where_the_names_are(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    first, second = scopes_of(*one), scopes_of(*other)
    assert (first.in_tenant == second.in_tenant) == (one[0] == other[0])
    assert (first.in_namespace == second.in_namespace) == (one[:2] == other[:2])
    assert (first.of_owner == second.of_owner) == ((one[0], one[2]) == (other[0], other[2]))
    assert (first.of_owner_in_namespace == second.of_owner_in_namespace) == (one == other)


def test_very_many_pairs_start_from_their_namespaces() -> None:
    where = Filter(
        tenant="t", namespaces=tuple(map(str, range(30))), owners=tuple(user_owner(str(n)) for n in range(30))
    )
    assert [scope.column for scope in scopes_for(where)] == ["in_namespace"] * 30

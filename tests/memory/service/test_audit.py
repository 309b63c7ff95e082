import msgspec
import pytest

from memory.caller import SYSTEM, Caller
from memory.service.audit import Audited, audit
from tests.support.services import START, a_caller


def entries(caller: Caller | str) -> dict[str, Audited]:
    """By whose log has them."""
    appends = audit(
        caller,
        "namespace.delete",
        "ns_1",
        tenant="tenant_x",
        at=START,
        details={"memories": 3},
        names={"namespace": "secret plans"},
    )
    return {append.tenant: msgspec.json.decode(append.entry, type=Audited) for append in appends}


@pytest.mark.parametrize("caller", [a_caller(operator=True), a_caller(), "retention"])
def test_the_operators_log_has_its_doings_and_the_servers_without_the_tenants_own_words(caller: Caller | str) -> None:
    told = entries(caller)
    assert {(entry.action, entry.tenant, entry.target, entry.at) for entry in told.values()} == {
        ("namespace.delete", "tenant_x", "ns_1", START)
    }
    assert told["tenant_x"].details == {"namespace": "secret plans", "memories": 3}
    assert told[SYSTEM].details == {"memories": 3}


def test_what_a_tenants_key_does_is_in_its_own_log_alone() -> None:
    told = entries(a_caller(tenant="tenant_x", key="key_1"))
    assert [(place, entry.actor) for place, entry in told.items()] == [("tenant_x", "key_1")]

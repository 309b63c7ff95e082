import msgspec

from memory.caller import SYSTEM
from memory.service.audit import Audited, audit
from tests.support.services import START, a_caller


def test_an_entry_goes_to_the_tenants_log_and_to_the_operators_which_lacks_the_tenants_own_words() -> None:
    caller = a_caller(tenant="tenant_x", key="key_1")
    appends = audit(
        caller,
        "namespace.delete",
        "ns_1",
        tenant="tenant_x",
        at=START,
        details={"memories": 3},
        names={"namespace": "secret plans"},
    )
    told = {append.tenant: msgspec.json.decode(append.entry, type=Audited) for append in appends}
    assert {(entry.actor, entry.action, entry.tenant, entry.target, entry.at) for entry in told.values()} == {
        ("key_1", "namespace.delete", "tenant_x", "ns_1", START)
    }
    assert told["tenant_x"].details == {"namespace": "secret plans", "memories": 3}
    assert told[SYSTEM].details == {"memories": 3}

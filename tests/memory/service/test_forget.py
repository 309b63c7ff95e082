import pytest

from memory.caller import Caller
from memory.errors import Forbidden, NotFound
from memory.service.drafts import MemoryDraft
from tests.support.services import Services, a_caller


async def test_a_forgotten_memory_is_gone(services: Services, caller: Caller) -> None:
    id = (await services.remember.one(caller, MemoryDraft(content="a"), "default")).memory.id

    await services.forget.one(caller, id)

    with pytest.raises(NotFound):
        await services.read.get(caller, id)
    with pytest.raises(NotFound):
        await services.forget.one(caller, id)
    assert (await services.engine.memories.usage("default")).memories == 0


async def test_forgetting_needs_the_scope_delete_and_the_namespace(services: Services, caller: Caller) -> None:
    id = (await services.remember.one(caller, MemoryDraft(content="a"), "default")).memory.id

    with pytest.raises(Forbidden):
        await services.forget.one(a_caller(scopes=frozenset({"read", "write"})), id)
    for stranger in (a_caller(tenant="other"), a_caller(namespaces=frozenset({"else"}))):
        with pytest.raises(NotFound):
            await services.forget.one(stranger, id)
    assert (await services.read.get(caller, id)).content == "a"

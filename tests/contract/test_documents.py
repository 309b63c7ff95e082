"""Documents: get, create, compare-and-set, unique values, indexed lists, expiry."""

import asyncio

import pytest

from memory.engines.base import Append, DeleteDocument, Document, Engine, PutDocument
from tests.contract.examples import HOSTILE, TENANT, eventually

KIND = "namespace"


def a_document(key: str, value: bytes = b"value", /, **fields: object) -> PutDocument:
    defaults: dict[str, object] = {"kind": KIND, "tenant": TENANT}
    return PutDocument(key=key, value=value, **(defaults | fields))  # type: ignore[arg-type]


async def keys(engine: Engine, index: tuple[str, str] | None = None) -> list[str]:
    found, total = await engine.documents.list(KIND, TENANT, index=index)
    assert total == len(found)
    return [document.key for document in found]


async def test_a_created_document_can_be_had(engine: Engine) -> None:
    assert await engine.documents.create(a_document("k", b"\0\xff bytes"))
    assert await engine.documents.get(KIND, TENANT, "k") == Document(key="k", value=b"\0\xff bytes", version=1)


async def test_a_missing_document_is_none(engine: Engine) -> None:
    assert await engine.documents.get(KIND, TENANT, "k") is None


async def test_a_key_that_is_taken_is_refused_and_nothing_changes(engine: Engine) -> None:
    await engine.documents.create(a_document("k", b"first"))
    assert not await engine.documents.create(a_document("k", b"second", indexes={"i": "v"}), unique={"u": "free"})
    assert await engine.documents.get(KIND, TENANT, "k") == Document(key="k", value=b"first", version=1)
    assert await keys(engine, ("i", "v")) == []
    assert await engine.documents.find(KIND, TENANT, "u", "free") is None


async def test_a_key_lives_in_its_kind_and_tenant(engine: Engine) -> None:
    await engine.documents.create(a_document("k", b"one"))
    assert await engine.documents.create(a_document("k", b"two", tenant="other"))
    assert await engine.documents.create(a_document("k", b"three", kind="other"))
    assert await engine.documents.get(KIND, TENANT, "k") == Document(key="k", value=b"one", version=1)
    assert await engine.documents.get("other", "other", "k") is None
    assert await keys(engine) == ["k"]


async def test_of_fifty_concurrent_creates_exactly_one_wins(engine: Engine, peer: Engine) -> None:
    won = await asyncio.gather(
        *(
            (engine if n % 2 else peer).documents.create(a_document(f"key {n}", b"%d" % n), unique={"name": "same"})
            for n in range(50)
        )
    )
    assert sum(won) == 1
    winner = await engine.documents.find(KIND, TENANT, "name", "same")
    assert winner is not None
    assert winner.key == f"key {won.index(True)}"
    assert await keys(engine) == [winner.key]


async def test_a_unique_value_that_is_taken_refuses_the_document(engine: Engine) -> None:
    await engine.documents.create(a_document("a"), unique={"name": "n", "slug": "s"})
    assert not await engine.documents.create(a_document("b"), unique={"name": "m", "slug": "s"})
    assert await engine.documents.get(KIND, TENANT, "b") is None
    assert await engine.documents.create(a_document("c"), unique={"name": "m"})


async def test_a_unique_value_is_unique_by_name_within_kind_and_tenant(engine: Engine) -> None:
    await engine.documents.create(a_document("a"), unique={"name": "n"})
    assert await engine.documents.create(a_document("b"), unique={"slug": "n"})
    assert await engine.documents.create(a_document("a", kind="other"), unique={"name": "n"})
    assert await engine.documents.create(a_document("a", tenant="other"), unique={"name": "n"})


async def test_a_document_is_found_by_its_unique_value(engine: Engine) -> None:
    await engine.documents.create(a_document("a"), unique={"name": "n"})
    assert await engine.documents.find(KIND, TENANT, "name", "n") == Document(key="a", value=b"value", version=1)
    assert await engine.documents.find(KIND, TENANT, "name", "m") is None
    assert await engine.documents.find(KIND, TENANT, "n", "name") is None
    assert await engine.documents.find(KIND, "other", "name", "n") is None


async def test_replace_compares_the_version_and_raises_it_by_one(engine: Engine) -> None:
    await engine.documents.create(a_document("k", b"one"))
    assert await engine.documents.replace(a_document("k", b"two"), expected=1)
    assert not await engine.documents.replace(a_document("k", b"three"), expected=1)
    assert await engine.documents.get(KIND, TENANT, "k") == Document(key="k", value=b"two", version=2)


async def test_replace_of_a_missing_document_is_refused(engine: Engine) -> None:
    assert not await engine.documents.replace(a_document("k"), expected=1)
    assert await engine.documents.get(KIND, TENANT, "k") is None


async def test_replace_keeps_the_unique_values_and_exchanges_the_indexes(engine: Engine) -> None:
    await engine.documents.create(a_document("k", indexes={"parent": "a", "colour": "red"}), unique={"name": "n"})
    assert await engine.documents.replace(a_document("k", b"new", indexes={"parent": "b"}), expected=1)
    assert await engine.documents.find(KIND, TENANT, "name", "n") == Document(key="k", value=b"new", version=2)
    assert await keys(engine, ("parent", "a")) == []
    assert await keys(engine, ("colour", "red")) == []
    assert await keys(engine, ("parent", "b")) == ["k"]


async def test_of_fifty_concurrent_replaces_exactly_one_wins(engine: Engine, peer: Engine) -> None:
    await engine.documents.create(a_document("k"))
    won = await asyncio.gather(
        *((engine if n % 2 else peer).documents.replace(a_document("k", b"%d" % n), expected=1) for n in range(50))
    )
    assert sum(won) == 1
    assert await engine.documents.get(KIND, TENANT, "k") == Document(key="k", value=b"%d" % won.index(True), version=2)


async def test_a_write_is_told_in_the_log_only_if_it_took_place(engine: Engine, peer: Engine) -> None:
    def told(entry: bytes) -> list[Append]:
        return [Append(tenant=tenant, stream="audit", entry=entry, max_length=9) for tenant in (TENANT, "other")]

    documents, others = engine.documents, peer.documents
    assert await documents.create(a_document("a"), unique={"name": "n"}, log=told(b"created"))
    assert not await others.create(a_document("a"), log=told(b"a key that is taken"))
    assert not await others.create(a_document("b"), unique={"name": "n"}, log=told(b"a value that is taken"))
    assert await others.replace(a_document("a"), expected=1, log=told(b"replaced"))
    assert not await documents.replace(a_document("a"), expected=1, log=told(b"another version"))
    assert not await documents.replace(a_document("missing"), expected=1, log=told(b"missing"))

    for tenant in (TENANT, "other"):
        assert [entry.entry for entry in await engine.log.read(tenant, "audit")] == [b"created", b"replaced"]


async def test_delete_says_whether_there_was_one_and_frees_its_key_and_unique_values(engine: Engine) -> None:
    await engine.documents.create(a_document("k", indexes={"i": "v"}), unique={"name": "n"})
    assert await engine.documents.delete(KIND, TENANT, "k")
    assert not await engine.documents.delete(KIND, TENANT, "k")
    assert await engine.documents.find(KIND, TENANT, "name", "n") is None
    assert await keys(engine) == []
    assert await keys(engine, ("i", "v")) == []
    assert await engine.documents.create(a_document("k"), unique={"name": "n"})
    assert await engine.documents.get(KIND, TENANT, "k") == Document(key="k", value=b"value", version=1)


async def test_a_commit_deletes_a_document_if_there_is_one(engine: Engine) -> None:
    await engine.documents.create(a_document("k", indexes={"i": "v"}), unique={"u": "v"})
    deletions = [DeleteDocument(kind=KIND, tenant=TENANT, key=key) for key in ("k", "missing")]
    await engine.commit([*deletions, a_document("other")])
    assert await keys(engine) == ["other"]
    assert await keys(engine, ("i", "v")) == []
    assert await engine.documents.create(a_document("k"), unique={"u": "v"})


async def test_a_list_rises_by_order_with_ties_by_key(engine: Engine) -> None:
    for key, order in (("b", 1.0), ("c", -2.5), ("a", 1.0), ("é", 1.0), ("B", 1.0), ("d", 0.5)):
        await engine.documents.create(a_document(key, order=order))
    assert await keys(engine) == ["c", "d", "B", "a", "b", "é"]


async def test_a_list_is_a_page_with_the_number_of_all(engine: Engine) -> None:
    for n in range(7):
        await engine.documents.create(a_document(f"k{n}", order=n, indexes={"half": str(n % 2)}))
    page, total = await engine.documents.list(KIND, TENANT, offset=2, limit=3)
    assert ([document.key for document in page], total) == (["k2", "k3", "k4"], 7)
    page, total = await engine.documents.list(KIND, TENANT, index=("half", "1"), offset=1, limit=1)
    assert ([document.key for document in page], total) == (["k3"], 3)
    assert await engine.documents.list(KIND, TENANT, offset=50) == ([], 7)


async def test_an_index_lists_what_has_its_name_and_value(engine: Engine) -> None:
    await engine.documents.create(a_document("k", indexes={"parent": "a", "other": "b"}))
    assert await keys(engine, ("parent", "a")) == ["k"]
    assert await keys(engine, ("parent", "b")) == []
    assert await keys(engine, ("a", "parent")) == []


async def test_put_creates_and_then_overwrites_whatever_the_version(engine: Engine) -> None:
    await engine.commit([a_document("k", b"one", indexes={"i": "a"}, order=5.0)])
    assert await engine.documents.get(KIND, TENANT, "k") == Document(key="k", value=b"one", version=1)
    await engine.commit([a_document("k", b"two", indexes={"i": "b"})])
    assert await engine.documents.get(KIND, TENANT, "k") == Document(key="k", value=b"two", version=2)
    assert await keys(engine, ("i", "a")) == []
    assert await keys(engine, ("i", "b")) == ["k"]
    assert await keys(engine) == ["k"]


async def test_put_keeps_the_unique_values(engine: Engine) -> None:
    await engine.documents.create(a_document("k"), unique={"name": "n"})
    await engine.commit([a_document("k", b"new")])
    assert await engine.documents.find(KIND, TENANT, "name", "n") == Document(key="k", value=b"new", version=2)


async def test_an_expired_document_does_not_exist_and_frees_what_it_held(engine: Engine) -> None:
    short = a_document("k", b"short", ttl_seconds=1, indexes={"i": "v"})
    assert await engine.documents.create(short, unique={"name": "n"})
    assert await engine.documents.create(a_document("stays", ttl_seconds=3600))
    assert await keys(engine) == ["k", "stays"]

    async def gone() -> bool:
        return await engine.documents.get(KIND, TENANT, "k") is None

    await eventually(gone)
    assert await engine.documents.find(KIND, TENANT, "name", "n") is None
    assert await keys(engine) == ["stays"]
    assert await keys(engine, ("i", "v")) == []
    assert not await engine.documents.delete(KIND, TENANT, "k")
    assert not await engine.documents.replace(a_document("k"), expected=1)
    assert await engine.documents.create(a_document("other"), unique={"name": "n"})
    assert await engine.documents.create(a_document("k"))
    assert await engine.documents.get(KIND, TENANT, "k") == Document(key="k", value=b"value", version=1)


async def test_a_write_without_a_time_to_live_ends_the_expiry(engine: Engine) -> None:
    for key in ("replaced", "put", "control"):
        await engine.documents.create(a_document(key, ttl_seconds=1), unique={"name": key})
    assert await engine.documents.replace(a_document("replaced"), expected=1)
    await engine.commit([a_document("put")])

    async def gone() -> bool:
        return await engine.documents.get(KIND, TENANT, "control") is None

    await eventually(gone)
    assert await keys(engine) == ["put", "replaced"]
    for key in ("put", "replaced"):
        assert await engine.documents.find(KIND, TENANT, "name", key) is not None


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_string_is_a_kind_a_tenant_a_key_an_index_and_a_unique_value(engine: Engine, name: str) -> None:
    documents = engine.documents
    put = PutDocument(kind=name, tenant=name, key=name, value=b"v", indexes={name: name})
    assert await documents.create(put, unique={name: name})
    expected = Document(key=name, value=b"v", version=1)
    assert await documents.get(name, name, name) == expected
    assert await documents.find(name, name, name, name) == expected
    assert await documents.list(name, name, index=(name, name)) == ([expected], 1)
    assert await documents.list(name, name) == ([expected], 1)
    near = name + "a"
    for kind, tenant, key in ((near, name, name), (name, near, name), (name, name, near)):
        assert await documents.get(kind, tenant, key) is None
    assert await documents.delete(name, name, name)


async def test_joined_names_are_not_confused(engine: Engine) -> None:
    await engine.documents.create(PutDocument(kind="k", tenant="a", key="b:c", value=b"1"), unique={"n": "x:y"})
    await engine.documents.create(PutDocument(kind="k", tenant="a:b", key="c", value=b"2"), unique={"n:x": "y"})
    assert await engine.documents.get("k", "a", "b:c") == Document(key="b:c", value=b"1", version=1)
    assert await engine.documents.get("k", "a:b", "c") == Document(key="c", value=b"2", version=1)
    assert await engine.documents.find("k", "a", "n:x", "y") is None
    assert (await engine.documents.list("k", "a"))[1] == 1

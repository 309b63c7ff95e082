"""Memories: writing, reading by id, listing, counting. Search has a file of its own."""

import asyncio
import random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.engines.base import Append, Engine, Filter, Limit, Record, SearchQuery, SortKey, Usage, Written
from memory.model import Link, Memory
from tests.contract.examples import HOSTILE, NAMESPACE, NOW, TENANT, a_memory, a_record, a_vector, everything
from tests.contract.examples import given as stored

ALL = Filter(tenant=TENANT, current=False)


async def entries(engine: Engine, stream: str = "s") -> list[bytes]:
    return [entry.entry for entry in await engine.log.read(TENANT, stream)]


def an_entry(entry: bytes = b"entry") -> Append:
    return Append(tenant=TENANT, stream="s", entry=entry)


async def test_a_memory_comes_back_with_every_field_as_it_was_stored(engine: Engine) -> None:
    full = Memory(
        id=2**53 - 1,
        version=7,
        tenant=TENANT,
        namespace=NAMESPACE,
        content="Zoë said: 「寿司」 😀\n\0 “quoted” * | : \\ end",
        content_hash="abc",
        type="episodic",
        user_id="u:1",
        agent_id="agent",
        run_id="run",
        app="app",
        org_id="org",
        credential="cred",
        seq=3,
        role="user",
        metadata={"a": 1, "b": [1.5, None, {"c": "d"}], "e": True, "": ""},
        tags=["x", "y|z", ""],
        categories=["food, drink"],
        source="inferred",
        confidence=0.123456789,
        importance=0.1,
        state="paused",
        slot="residence",
        source_ids=[1, 2**53 - 2],
        links=[Link(target=5, kind="because")],
        superseded_by=9,
        created_at=NOW,
        updated_at=NOW + 1,
        accessed_at=NOW + 2,
        derived_at=NOW + 3,
        event_at=-1,
        access_count=4,
        search_count=5,
        token_count=6,
        fields={"emails": ["zoe@example.com"]},
    )
    await stored(engine, msgspec.structs.replace(a_record(1), memory=full))
    assert await engine.memories.get(TENANT, [full.id]) == [full]


async def test_a_memory_with_only_the_required_fields_comes_back_as_it_was(engine: Engine) -> None:
    bare = Memory(id=0, tenant="", namespace="", content="", created_at=0, updated_at=0, accessed_at=0)
    await stored(engine, msgspec.structs.replace(a_record(0), memory=bare))
    assert await engine.memories.get("", [0]) == [bare]


async def test_get_answers_in_the_order_asked_with_none_for_the_missing(engine: Engine) -> None:
    await stored(engine, a_record(1), a_record(2))
    found = await engine.memories.get(TENANT, [2, 99, 1, 2])
    assert [memory and memory.id for memory in found] == [2, None, 1, 2]
    assert await engine.memories.get(TENANT, []) == []


async def test_vectors_come_back_bit_for_bit_in_the_order_asked(engine: Engine) -> None:
    records = [a_record(1), a_record(2)]
    await stored(engine, *records)
    second, missing, first = await engine.memories.vectors(TENANT, [2, 99, 1])
    assert missing is None
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, records[0].vector)
    np.testing.assert_array_equal(second, records[1].vector)
    assert first.dtype == np.float32


async def test_an_id_that_is_taken_is_refused_and_changes_nothing(engine: Engine) -> None:
    await stored(engine, a_record(1, "first"))
    assert await engine.memories.insert([a_record(1, "second"), a_record(2)]) == [Written.CLASH, Written.DONE]
    (kept,) = await engine.memories.get(TENANT, [1])
    assert kept is not None
    assert kept.content == "first"


async def test_an_id_twice_in_one_insert_is_taken_by_the_first(engine: Engine) -> None:
    assert await engine.memories.insert([a_record(1, "first"), a_record(1, "second")]) == [Written.DONE, Written.CLASH]
    (kept,) = await engine.memories.get(TENANT, [1])
    assert kept is not None
    assert kept.content == "first"
    assert (await engine.memories.usage(TENANT)).memories == 1


async def test_one_id_in_two_tenants_is_two_memories(engine: Engine) -> None:
    await stored(engine, a_record(1, "here"), a_record(1, "there", tenant="other"))
    assert await engine.memories.get(TENANT, [1]) == [a_memory(1, "here")]
    assert await engine.memories.get("other", [1]) == [a_memory(1, "there", tenant="other")]


async def test_of_fifty_concurrent_inserts_of_one_id_exactly_one_wins(engine: Engine, peer: Engine) -> None:
    answers = await asyncio.gather(
        *((engine if n % 2 else peer).memories.insert([a_record(1, f"writer {n}")]) for n in range(50))
    )
    assert sorted((answer[0] for answer in answers), key=list(Written).index) == [Written.DONE] + [Written.CLASH] * 49
    assert (await engine.memories.usage(TENANT)).memories == 1


async def test_what_is_inserted_is_logged_and_what_is_not_is_not(engine: Engine) -> None:
    logged = [
        msgspec.structs.replace(a_record(id), log=[an_entry(b"%d" % n), an_entry(b"%d more" % n)])
        for n, id in enumerate((1, 1, 2))
    ]
    assert await engine.memories.insert(logged) == [Written.DONE, Written.CLASH, Written.DONE]
    assert await entries(engine) == [b"0", b"0 more", b"2", b"2 more"]


async def test_replace_stores_the_memory_whole_when_the_version_is_the_expected_one(engine: Engine) -> None:
    await stored(engine, a_record(1, "likes tea", user_id="ann", tags=["old"], run_id="r", seq=1))
    changed = a_memory(1, "likes coffee", version=2, user_id="bob", tags=["new"], type="episodic", metadata={"k": "v"})
    assert await engine.memories.replace(changed, expected=1) is Written.DONE
    assert await engine.memories.get(TENANT, [1]) == [changed]


async def test_replace_is_refused_when_the_version_is_another(engine: Engine) -> None:
    await stored(engine, a_record(1, version=3))
    assert await engine.memories.replace(a_memory(1, "new", version=3), expected=2, log=[an_entry()]) is Written.CLASH
    (kept,) = await engine.memories.get(TENANT, [1])
    assert kept is not None
    assert kept.content == "likes tea"
    assert await entries(engine) == []


async def test_replace_of_a_missing_memory_is_refused_and_stores_nothing(engine: Engine) -> None:
    assert await engine.memories.replace(a_memory(1), expected=1, log=[an_entry()]) is Written.CLASH
    assert await engine.memories.get(TENANT, [1]) == [None]
    assert await entries(engine) == []


async def test_replace_never_reaches_another_tenants_memory(engine: Engine) -> None:
    await stored(engine, a_record(1))
    assert await engine.memories.replace(a_memory(1, "stolen", tenant="other"), expected=1) is Written.CLASH
    (kept,) = await engine.memories.get(TENANT, [1])
    assert kept is not None
    assert kept.content == "likes tea"


async def test_the_log_goes_with_a_replace(engine: Engine) -> None:
    await stored(engine, a_record(1))
    assert await engine.memories.replace(a_memory(1, version=2), expected=1, log=[an_entry()]) is Written.DONE
    assert await entries(engine) == [b"entry"]


async def test_of_fifty_concurrent_replaces_exactly_one_wins(engine: Engine, peer: Engine) -> None:
    await stored(engine, a_record(1))
    won = await asyncio.gather(
        *(
            (engine if n % 2 else peer).memories.replace(
                a_memory(1, f"writer {n}", version=2), expected=1, log=[an_entry(b"%d" % n)]
            )
            for n in range(50)
        )
    )
    assert won.count(Written.DONE) == 1
    winner = won.index(Written.DONE)
    (memory,) = await engine.memories.get(TENANT, [1])
    assert memory is not None
    assert memory.content == f"writer {winner}"
    assert await entries(engine) == [b"%d" % winner]


async def test_replace_without_a_vector_keeps_the_embedding(engine: Engine) -> None:
    record = a_record(1)
    await stored(engine, record)
    assert (
        await engine.memories.replace(a_memory(1, "new", version=2, type="episodic", user_id="x"), expected=1)
        is Written.DONE
    )
    (kept,) = await engine.memories.vectors(TENANT, [1])
    assert kept is not None
    np.testing.assert_array_equal(kept, record.vector)


async def test_replace_with_a_vector_changes_the_embedding(engine: Engine) -> None:
    await stored(engine, a_record(1))
    assert await engine.memories.replace(a_memory(1, version=2), expected=1, vector=a_vector("new")) is Written.DONE
    (changed,) = await engine.memories.vectors(TENANT, [1])
    assert changed is not None
    np.testing.assert_array_equal(changed, a_vector("new"))


async def test_delete_says_which_there_were_and_erases_them_everywhere(engine: Engine) -> None:
    await stored(engine, a_record(1), a_record(2))
    assert await engine.memories.delete(TENANT, [1, 99], [an_entry()]) == [True, False]
    assert await engine.memories.get(TENANT, [1]) == [None]
    assert await engine.memories.vectors(TENANT, [1]) == [None]
    assert await everything(engine, ALL) == {2}
    hits = await engine.memories.search(ALL, SearchQuery(text="tea", vector=a_vector("q")))
    assert {hit.id for hit in hits} == {2}
    assert await entries(engine) == [b"entry"]


async def test_an_id_twice_in_one_delete_was_there_once(engine: Engine) -> None:
    await stored(engine, a_record(1))
    assert await engine.memories.delete(TENANT, [1, 1]) == [True, False]
    assert await engine.memories.usage(TENANT) == Usage()


async def test_delete_of_nothing_leaves_the_log_alone(engine: Engine) -> None:
    assert await engine.memories.delete(TENANT, [1], [an_entry()]) == [False]
    assert await entries(engine) == []


async def test_delete_never_reaches_another_tenants_memory(engine: Engine) -> None:
    await stored(engine, a_record(1))
    assert await engine.memories.delete("other", [1]) == [False]
    assert await everything(engine, ALL) == {1}


async def test_an_id_is_free_again_once_deleted(engine: Engine) -> None:
    await stored(engine, a_record(1, "old words"))
    await engine.memories.delete(TENANT, [1])
    await stored(engine, a_record(1, "new words"))
    assert [hit.id for hit in await engine.memories.search(ALL, SearchQuery(text="new"))] == [1]
    assert await engine.memories.search(ALL, SearchQuery(text="old")) == []


async def test_touch_counts_accesses_and_searches_and_leaves_the_version(engine: Engine) -> None:
    await stored(engine, a_record(1), a_record(2))
    await engine.memories.touch(TENANT, [1, 99], now=NOW + 500, accesses=2, searches=3)
    touched, other = await engine.memories.get(TENANT, [1, 2])
    assert touched == a_memory(1, access_count=2, search_count=3, accessed_at=NOW + 500)
    assert other == a_memory(2)
    assert await engine.memories.get(TENANT, [99]) == [None]
    assert await everything(engine, ALL) == {1, 2}


async def test_touch_for_searches_only_leaves_the_time_of_access(engine: Engine) -> None:
    await stored(engine, a_record(1))
    await engine.memories.touch(TENANT, [1], now=NOW + 500, accesses=0, searches=1)
    assert await engine.memories.get(TENANT, [1]) == [a_memory(1, search_count=1)]


async def test_concurrent_touches_are_all_counted(engine: Engine, peer: Engine) -> None:
    await stored(engine, a_record(1))
    await asyncio.gather(*((engine if n % 2 else peer).memories.touch(TENANT, [1], now=NOW) for n in range(100)))
    (memory,) = await engine.memories.get(TENANT, [1])
    assert memory is not None
    assert memory.access_count == 100


async def test_a_touched_memory_can_still_be_replaced_by_its_version(engine: Engine) -> None:
    await stored(engine, a_record(1))
    await engine.memories.touch(TENANT, [1], now=NOW)
    assert await engine.memories.replace(a_memory(1, version=2), expected=1) is Written.DONE


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", ["created_at", "updated_at", "accessed_at", "happened_at", "importance", "confidence"])
async def test_a_list_is_sorted_with_ties_by_id_in_the_same_direction(
    engine: Engine, sort: SortKey, descending: bool
) -> None:
    field = "event_at" if sort == "happened_at" else sort
    values = [0.3, 0.1, 0.3, 0.2, 0.3] if sort in ("importance", "confidence") else [NOW + n for n in (3, 1, 3, 2, 3)]
    ids = [50, 40, 9, 8, 100]
    fields: list[dict[str, Any]] = [{"created_at": NOW, field: value} for value in values]
    await stored(engine, *(a_record(id, **those) for id, those in zip(ids, fields, strict=True)))
    page = await engine.memories.list(ALL, sort=sort, descending=descending)
    expected = sorted(zip(values, ids, strict=True), reverse=descending)
    assert [memory.id for memory in page.memories] == [id for _, id in expected]


async def test_happened_at_sorts_what_has_no_event_time_by_its_creation(engine: Engine) -> None:
    await stored(
        engine,
        a_record(1, created_at=NOW + 10),
        a_record(2, created_at=NOW + 30, event_at=NOW),
        a_record(3, created_at=NOW + 5),
    )
    page = await engine.memories.list(ALL, sort="happened_at", descending=False)
    assert [memory.id for memory in page.memories] == [2, 3, 1]


async def test_a_page_tells_how_many_there_are_in_all(engine: Engine) -> None:
    await stored(engine, *(a_record(id) for id in range(1, 8)))
    page = await engine.memories.list(ALL, offset=2, limit=3)
    assert [memory.id for memory in page.memories] == [5, 4, 3]
    assert page.total == 7


async def test_an_offset_past_the_end_gives_an_empty_page_and_the_total(engine: Engine) -> None:
    await stored(engine, a_record(1))
    page = await engine.memories.list(ALL, offset=5)
    assert page.memories == []
    assert page.total == 1


async def test_a_limit_of_nothing_still_tells_the_total(engine: Engine) -> None:
    await stored(engine, a_record(1))
    page = await engine.memories.list(ALL, limit=0)
    assert page.memories == []
    assert page.total == 1


@pytest.mark.parametrize("descending", [True, False])
async def test_the_pages_of_a_long_list_stay_right_while_it_changes(engine: Engine, descending: bool) -> None:
    dice = random.Random(7)
    kept = {id: NOW + dice.randrange(300) for id in range(1500)}
    await stored(engine, *(a_record(id, created_at=at) for id, at in kept.items()))

    async def check() -> None:
        expected = sorted(kept, key=lambda id: (kept[id], id), reverse=descending)
        for offset, limit in ((0, 20), (0, 3), (700, 20), (len(kept) - 5, 20), (0, 1)):
            page = await engine.memories.list(ALL, descending=descending, offset=offset, limit=limit)
            assert [memory.id for memory in page.memories] == expected[offset : offset + limit]
            assert page.total == len(expected)

    await check()
    for turn in range(1, 5):
        gone = (
            dice.sample(sorted(kept), 20) + sorted(kept, key=lambda id: kept[id], reverse=descending)[: 40 * (turn % 2)]
        )
        await engine.memories.delete(TENANT, gone)
        kept = {id: at for id, at in kept.items() if id not in gone}
        await check()
        added = {turn * 10_000 + n: NOW - 50 + dice.randrange(400) for n in range(30)}
        await stored(engine, *(a_record(id, created_at=at) for id, at in added.items()))
        kept |= added
        await check()


async def test_usage_counts_memories_tokens_and_bytes_of_a_namespace_and_of_the_tenant(engine: Engine) -> None:
    await stored(
        engine,
        a_record(1, "tea", token_count=2),
        a_record(2, "é😀", token_count=3, superseded_by=1),
        a_record(3, "elsewhere", token_count=5, namespace="other"),
        a_record(1, "another tenant's", tenant="other"),
    )
    assert await engine.memories.usage(TENANT, NAMESPACE) == Usage(memories=2, tokens=5, bytes=9)
    assert await engine.memories.usage(TENANT) == Usage(memories=3, tokens=10, bytes=18)
    assert await engine.memories.usage(TENANT, "unknown") == Usage()
    assert await engine.memories.usages(TENANT, [NAMESPACE, "unknown", "other"]) == {
        NAMESPACE: Usage(memories=2, tokens=5, bytes=9),
        "unknown": Usage(),
        "other": Usage(memories=1, tokens=5, bytes=9),
    }
    assert await engine.memories.usages(TENANT, []) == {}


async def test_usage_leaves_out_what_is_deleted_in_state(engine: Engine) -> None:
    await stored(engine, a_record(1), a_record(2, state="deleted"))
    assert (await engine.memories.usage(TENANT)).memories == 1
    assert await engine.memories.replace(a_memory(1, version=2, state="deleted"), expected=1) is Written.DONE
    assert await engine.memories.usage(TENANT) == Usage()
    assert await engine.memories.replace(a_memory(2, version=2, state="active"), expected=1) is Written.DONE
    assert (await engine.memories.usage(TENANT)).memories == 1


# -------------------------------------------------------------------------------------------------------------- limits


def a_tenth(id: int, **fields: Any) -> Record:
    """A memory of ten bytes."""
    return a_record(id, "0123456789", **fields)


async def test_a_limit_is_filled_to_the_last_and_not_passed(engine: Engine) -> None:
    limits = [Limit(memories=2)]
    assert await engine.memories.insert([a_record(1), a_record(2), a_record(3)], limits=limits) == [
        Written.DONE,
        Written.DONE,
        Written.FULL,
    ]
    assert await everything(engine, ALL) == {1, 2}


async def test_a_smaller_memory_may_fit_where_a_larger_one_did_not(engine: Engine) -> None:
    records = [a_record(1, "x" * 6), a_record(2, "x" * 5), a_record(3, "x" * 4), a_record(4, "é"), a_record(5, "")]
    assert await engine.memories.insert(records, limits=[Limit(bytes=10)]) == [
        Written.DONE,
        Written.FULL,
        Written.DONE,
        Written.FULL,
        Written.DONE,
    ]
    assert (await engine.memories.usage(TENANT)).bytes == 10


async def test_a_tenants_limit_counts_all_its_namespaces_and_a_namespaces_its_own(engine: Engine) -> None:
    await stored(engine, a_tenth(1, namespace="a"), a_tenth(2, namespace="b"), a_tenth(3, tenant="other"))
    for id, (limit, expected) in enumerate(
        (
            (Limit(memories=2), Written.FULL),
            (Limit(memories=3), Written.DONE),
            (Limit(bytes=39), Written.FULL),
            (Limit(bytes=40), Written.DONE),
            (Limit(namespace="a", memories=3), Written.FULL),
            (Limit(namespace="a", memories=4), Written.DONE),
            (Limit(namespace="b", memories=0), Written.DONE),
        ),
        start=10,
    ):
        assert await engine.memories.insert([a_tenth(id, namespace="a")], limits=[limit]) == [expected]


async def test_the_narrowest_of_several_limits_holds(engine: Engine) -> None:
    limits = [Limit(memories=3), Limit(namespace="a", memories=1), Limit(bytes=25)]
    records = [a_tenth(1, namespace="a"), a_tenth(2, namespace="a"), a_tenth(3, namespace="b"), a_record(4, "x" * 6)]
    assert await engine.memories.insert(records, limits=limits) == [
        Written.DONE,
        Written.FULL,
        Written.DONE,
        Written.FULL,
    ]


async def test_a_refused_memory_changes_nothing(engine: Engine) -> None:
    await stored(engine, a_tenth(1))
    refused = msgspec.structs.replace(a_tenth(2, user_id="ann", run_id="r", seq=1), log=[an_entry()])
    assert await engine.memories.insert([refused], limits=[Limit(memories=1)]) == [Written.FULL]
    assert await engine.memories.get(TENANT, [2]) == [None]
    assert await engine.memories.vectors(TENANT, [2]) == [None]
    assert await everything(engine, ALL) == {1}
    both = SearchQuery(text="0123456789", vector=refused.vector)
    assert [hit.id for hit in await engine.memories.search(ALL, both)] == [1]
    assert await engine.memories.usage(TENANT) == Usage(memories=1, tokens=1, bytes=10)
    assert await entries(engine) == []
    await stored(engine, a_tenth(2))


async def test_a_taken_id_is_a_clash_though_there_is_no_room_either(engine: Engine) -> None:
    await stored(engine, a_tenth(1))
    assert await engine.memories.insert([a_tenth(1)], limits=[Limit(memories=1)]) == [Written.CLASH]


async def test_what_usage_does_not_count_needs_no_room(engine: Engine) -> None:
    nothing = [Limit(memories=0, bytes=0)]
    assert await engine.memories.insert([a_tenth(1, state="deleted")], limits=nothing) == [Written.DONE]
    back = a_memory(1, "0123456789", version=2)
    assert await engine.memories.replace(back, expected=1, limits=nothing) is Written.FULL
    assert await engine.memories.replace(back, expected=1, limits=[Limit(memories=1, bytes=10)]) is Written.DONE


async def test_deleting_makes_room(engine: Engine) -> None:
    limits = [Limit(memories=1, bytes=10)]
    await stored(engine, a_tenth(1))
    assert await engine.memories.insert([a_tenth(2)], limits=limits) == [Written.FULL]
    await engine.memories.delete(TENANT, [1])
    assert await engine.memories.insert([a_tenth(2)], limits=limits) == [Written.DONE]
    await engine.memories.erase(TENANT)
    assert await engine.memories.insert([a_tenth(3)], limits=limits) == [Written.DONE]


async def test_a_replacement_needs_room_only_for_what_it_adds(engine: Engine) -> None:
    await stored(engine, a_tenth(1), a_tenth(2))
    limits = [Limit(memories=2, bytes=21), Limit(namespace=NAMESPACE, bytes=22), Limit(namespace="other", bytes=0)]
    longer = a_memory(1, "x" * 12, version=2)
    assert await engine.memories.replace(longer, expected=1, log=[an_entry()], limits=limits) is Written.FULL
    assert await engine.memories.get(TENANT, [1]) == [a_tenth(1).memory]
    assert await entries(engine) == []
    fits = a_memory(1, "x" * 11, version=2)
    assert await engine.memories.replace(fits, expected=1, log=[an_entry()], limits=limits) is Written.DONE
    assert await entries(engine) == [b"entry"]


async def test_a_limit_passed_already_hinders_only_what_passes_it_further(engine: Engine) -> None:
    await stored(engine, a_tenth(1), a_tenth(2))
    limits = [Limit(memories=1, bytes=5)]
    same, shorter, longer = (a_memory(1, "x" * size, version=2) for size in (10, 9, 11))
    assert await engine.memories.replace(longer, expected=1, limits=limits) is Written.FULL
    assert await engine.memories.replace(same, expected=1, limits=limits) is Written.DONE
    assert await engine.memories.replace(shorter, expected=2, limits=limits) is Written.DONE
    assert await engine.memories.insert([a_record(3, "")], limits=limits) == [Written.FULL]


async def test_a_replacement_of_another_version_is_a_clash_though_there_is_no_room_either(engine: Engine) -> None:
    await stored(engine, a_tenth(1))
    longer = a_memory(1, "x" * 11, version=3)
    assert await engine.memories.replace(longer, expected=2, limits=[Limit(bytes=10)]) is Written.CLASH


async def test_of_two_hundred_concurrent_inserts_exactly_the_limit_is_stored(engine: Engine, peer: Engine) -> None:
    limits = [Limit(memories=37), Limit(namespace=NAMESPACE, memories=41)]
    answers = await asyncio.gather(
        *(
            (engine if n % 2 else peer).memories.insert([a_record(3 * n), a_record(3 * n + 1)], limits=limits)
            for n in range(100)
        )
    )
    outcomes = [outcome for answer in answers for outcome in answer]
    assert (outcomes.count(Written.DONE), outcomes.count(Written.FULL)) == (37, 163)
    assert (await engine.memories.usage(TENANT)).memories == 37
    assert len(await everything(engine, ALL)) == 37


async def test_concurrent_replacements_never_pass_a_limit_in_bytes(engine: Engine, peer: Engine) -> None:
    await stored(engine, *(a_tenth(id) for id in range(20)))
    answers = await asyncio.gather(
        *(
            (engine if id % 2 else peer).memories.replace(
                a_memory(id, "x" * 13, version=2), expected=1, limits=[Limit(bytes=220)]
            )
            for id in range(20)
        )
    )
    assert answers.count(Written.DONE) == 6
    assert (await engine.memories.usage(TENANT)).bytes == 218


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_limit_is_of_its_namespace_alone_whatever_the_name(engine: Engine, name: str) -> None:
    await stored(engine, a_record(1, tenant=name, namespace=name))
    limits = [Limit(namespace=name, memories=1)]
    near = a_record(2, tenant=name, namespace=name + "a")
    assert await engine.memories.insert([near], limits=limits) == [Written.DONE]
    more = a_record(3, tenant=name, namespace=name)
    assert await engine.memories.insert([more], limits=limits) == [Written.FULL]
    assert await engine.memories.insert([more], limits=[Limit(memories=2)]) == [Written.FULL]


# -------------------------------------------------------------------------------------------------------------- erasing


async def test_erasing_a_namespace_leaves_the_others(engine: Engine) -> None:
    await stored(
        engine,
        *(a_record(id) for id in range(1, 6)),
        a_record(6, namespace="other"),
        a_record(1, tenant="other"),
    )
    assert await engine.memories.erase(TENANT, NAMESPACE) == 5
    assert await everything(engine, ALL) == {6}
    assert await everything(engine, Filter(tenant="other")) == {1}
    assert await engine.memories.usage(TENANT, NAMESPACE) == Usage()
    assert await engine.memories.erase(TENANT, NAMESPACE) == 0


async def test_erasing_a_tenant_takes_every_state_and_leaves_other_tenants(engine: Engine) -> None:
    await stored(
        engine,
        a_record(1),
        a_record(2, namespace="b", state="deleted"),
        a_record(3, superseded_by=1),
        a_record(1, tenant="b"),
    )
    assert await engine.memories.erase(TENANT) == 3
    assert await everything(engine, ALL) == set()
    assert await engine.memories.usage(TENANT) == Usage()
    assert await everything(engine, Filter(tenant="b")) == {1}


async def test_more_than_a_batch_is_erased_whole(engine: Engine) -> None:
    await stored(engine, *(a_record(id) for id in range(1200)))
    assert await engine.memories.erase(TENANT) == 1200
    assert await everything(engine, ALL) == set()
    assert await engine.memories.usage(TENANT) == Usage()


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_string_names_a_tenant_a_namespace_and_an_owner(engine: Engine, name: str) -> None:
    record = a_record(
        1, tenant=name, namespace=name, user_id=name, run_id=name, seq=1, tags=[name], metadata={name: name}
    )
    lookalike = a_record(2, tenant=name, namespace=name + "a", user_id=name + "a")
    await stored(engine, record, lookalike, a_record(1, tenant=name + "a", namespace=name, user_id=name))
    where = Filter(
        tenant=name,
        namespaces=(name,),
        owners=(record.memory.owner,),
        user_id=name,
        run_id=name,
        tags=(name,),
        metadata={name: name},
    )
    assert (await engine.memories.list(where)).memories == [record.memory]
    hits = await engine.memories.search(where, SearchQuery(text="tea", vector=record.vector, facts=5))
    assert [hit.id for hit in hits] == [1]
    assert (await engine.memories.usage(name, name)).memories == 1
    assert await engine.memories.erase(name, name) == 1
    assert await everything(engine, Filter(tenant=name)) == {2}


async def test_joined_names_are_not_confused(engine: Engine) -> None:
    await stored(engine, a_record(1, tenant="a", namespace="b:c"), a_record(2, tenant="a:b", namespace="c"))
    assert await everything(engine, Filter(tenant="a", namespaces=("b:c",))) == {1}
    assert await everything(engine, Filter(tenant="a:b", namespaces=("c",))) == {2}
    assert await everything(engine, Filter(tenant="a", namespaces=("c",))) == set()
    assert await engine.memories.usage("a", "c") == Usage()


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "replace", "delete", "erase"]),
        st.integers(1, 4),
        st.sampled_from(["n", "m"]),
        st.sampled_from(["active", "deleted", "archived"]),
        st.text(max_size=5),
        st.integers(0, 9),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
async def test_usage_is_exact_after_any_writes(engine: Engine, operations: list[tuple[Any, ...]]) -> None:
    await engine.memories.erase(TENANT)
    for verb, id, namespace, state, content, tokens in operations:
        match verb:
            case "insert":
                await engine.memories.insert(
                    [a_record(id, content, namespace=namespace, state=state, token_count=tokens)]
                )
            case "replace":
                (old,) = await engine.memories.get(TENANT, [id])
                if old is not None:
                    new = a_memory(
                        id, content, namespace=old.namespace, state=state, token_count=tokens, version=old.version + 1
                    )
                    assert await engine.memories.replace(new, expected=old.version) is Written.DONE
            case "delete":
                await engine.memories.delete(TENANT, [id])
            case _:
                await engine.memories.erase(TENANT, namespace)
    kept = [m for m in (await engine.memories.list(ALL)).memories if m.state != "deleted"]
    for namespace in ("n", "m", None):
        mine = [m for m in kept if namespace in (None, m.namespace)]
        assert await engine.memories.usage(TENANT, namespace) == Usage(
            memories=len(mine),
            tokens=sum(m.token_count for m in mine),
            bytes=sum(len(m.content.encode()) for m in mine),
        )

"""Memories: the legs of a search, and the turns around a hit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.engines.base import Engine, Filter, Neighbourhood, Record, SearchQuery, Written
from memory.model import Hit
from tests.contract.examples import HOSTILE, NAMESPACE, NOW, TENANT, a_memory, a_record, a_vector, unit
from tests.contract.examples import given as stored

ALL = Filter(tenant=TENANT)


async def found(engine: Engine, text: str, where: Filter = ALL) -> set[int]:
    return {hit.id for hit in await engine.memories.search(where, SearchQuery(text=text))}


async def test_a_hit_carries_the_fields_of_its_memory(engine: Engine) -> None:
    memory = a_memory(
        7,
        "likes green tea",
        type="episodic",
        user_id="ann",
        run_id="run",
        seq=3,
        role="user",
        confidence=0.75,
        event_at=NOW - 5,
        access_count=4,
        accessed_at=NOW + 9,
        token_count=11,
    )
    await stored(engine, Record(memory=memory, vector=a_vector("q")))
    (hit,) = await engine.memories.search(ALL, SearchQuery(text="tea"))
    assert hit == Hit(
        id=7,
        content="likes green tea",
        type="episodic",
        owner="u:ann",
        namespace=NAMESPACE,
        run_id="run",
        seq=3,
        role="user",
        confidence=0.75,
        created_at=memory.created_at,
        happened_at=NOW - 5,
        accessed_at=NOW + 9,
        access_count=4,
        content_hash=memory.content_hash,
        token_count=11,
        dense=None,
        text=1.0,
    )


async def test_a_hit_tells_of_the_latest_touch(engine: Engine) -> None:
    await stored(engine, a_record(1))
    await engine.memories.touch(TENANT, [1], now=NOW + 77, accesses=3)
    (hit,) = await engine.memories.search(ALL, SearchQuery(text="tea"))
    assert (hit.access_count, hit.accessed_at) == (3, NOW + 77)


async def test_words_match_by_their_stem(engine: Engine) -> None:
    await stored(engine, a_record(1, "She was running two companies"), a_record(2, "one quiet evening"))
    assert await found(engine, "Who RUNS a company?") == {1}


async def test_one_shared_word_is_enough(engine: Engine) -> None:
    await stored(engine, a_record(1, "green tea"), a_record(2, "black coffee"), a_record(3, "water"))
    assert await found(engine, "tea or coffee, perhaps juice") == {1, 2}


async def test_case_and_accents_make_no_difference(engine: Engine) -> None:
    await stored(engine, a_record(1, "Le Café de Zoë"), a_record(2, "nothing"))
    assert await found(engine, "CAFE") == {1}
    assert await found(engine, "zoe") == {1}
    assert await found(engine, "ZOË") == {1}


@pytest.mark.parametrize(
    ("content", "question"),
    [
        ("私は寿司が好きです", "寿司は好きですか"),
        ("我住在上海", "上海"),
        ("白い猫を飼っている", "猫"),
        ("저는 서울에서 일해요", "서울"),
        ("ฉันชอบกินข้าวผัด", "ข้าวผัด"),
        ("मुझे हिन्दी पसंद है", "हिन्दी"),
        ("Я живу в Москве", "москве"),
    ],
)
async def test_every_script_has_words_to_find(engine: Engine, content: str, question: str) -> None:
    await stored(engine, a_record(1, content), a_record(2, "nothing of the kind 木"))
    assert await found(engine, question) == {1}


@pytest.mark.parametrize(
    "question", [*HOSTILE, "tea*", '"', "NEAR(tea", "tea AND", "content:x", "-tea", "^tea", "x OR"]
)
async def test_no_text_of_a_question_is_syntax(engine: Engine, question: str) -> None:
    await stored(engine, a_record(1, "likes tea"), a_record(2, "quiet evening"))
    assert await found(engine, question) <= {1}
    assert await found(engine, f"{question} tea") == {1}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(max_size=200), question=st.text(max_size=200))
async def test_any_text_can_be_stored_and_asked(engine: Engine, content: str, question: str) -> None:
    await engine.memories.erase(TENANT)
    await stored(engine, a_record(1, content + " sentinel"))
    assert await found(engine, question) <= {1}
    assert await found(engine, question[:50] + " sentinel") == {1}


@pytest.mark.parametrize("question", ["", "   ", "\n", "?!… —", "😀"])
async def test_a_question_without_words_finds_nothing_by_text(engine: Engine, question: str) -> None:
    await stored(engine, a_record(1, "?! tea 😀"))
    assert await found(engine, question) == set()


async def test_a_question_of_two_thousand_words_is_answered(engine: Engine) -> None:
    await stored(engine, a_record(1, "likes tea"))
    assert await found(engine, "tea " + " ".join(f"word{n}" for n in range(2000))) == {1}


async def test_text_scores_are_shares_of_the_best_one(engine: Engine) -> None:
    await stored(
        engine,
        a_record(1, "peanut allergy"),
        a_record(2, "peanut butter on toast every single morning with some jam and milk"),
        *(a_record(id, "something quite different") for id in range(3, 9)),
    )
    hits = {hit.id: hit.text for hit in await engine.memories.search(ALL, SearchQuery(text="peanut allergy"))}
    assert hits.keys() == {1, 2}
    assert hits[1] == pytest.approx(1.0)
    assert hits[2] is not None
    assert 0.0 < hits[2] < 1.0


async def test_the_text_leg_returns_its_best(engine: Engine) -> None:
    await stored(
        engine,
        *(a_record(id, f"tea {'filler words that go on and on ' * id}") for id in range(1, 30)),
        a_record(30, "tea ceremony tea"),
    )
    hits = await engine.memories.search(ALL, SearchQuery(text="tea ceremony", limit=5))
    assert len(hits) == 5
    assert 30 in {hit.id for hit in hits}


async def test_dense_is_the_cosine_and_the_nearest_are_returned(engine: Engine) -> None:
    records = [a_record(id, f"memory {id}") for id in range(40)]
    await stored(engine, *records)
    query = a_vector("query")
    cosines = {record.memory.id: float(record.vector @ query) for record in records}
    hits = await engine.memories.search(ALL, SearchQuery(vector=query, limit=10))
    assert {hit.id for hit in hits} == set(sorted(cosines, key=cosines.__getitem__)[-10:])
    for hit in hits:
        assert hit.dense == pytest.approx(cosines[hit.id], abs=1e-5)
        assert hit.text is None


async def test_the_opposite_of_the_question_has_a_cosine_of_minus_one(engine: Engine) -> None:
    await stored(engine, a_record(1, vector=a_vector("v")))
    (hit,) = await engine.memories.search(ALL, SearchQuery(vector=unit(-a_vector("v"))))
    assert hit.dense == pytest.approx(-1.0, abs=1e-5)


async def test_both_legs_are_merged_by_id(engine: Engine) -> None:
    near = a_vector("query")
    await stored(
        engine,
        a_record(1, "tea", vector=near),
        a_record(2, "tea", vector=unit(-near)),
        a_record(3, "coffee", vector=unit(near + 0.1 * a_vector("other"))),
    )
    hits = {hit.id: hit for hit in await engine.memories.search(ALL, SearchQuery(text="tea", vector=near, limit=2))}
    assert hits.keys() == {1, 2, 3}
    assert hits[1].dense == pytest.approx(1.0, abs=1e-5)
    assert hits[1].text is not None
    assert (hits[2].dense, hits[3].text) == (None, None)


async def test_a_question_of_nothing_finds_nothing(engine: Engine) -> None:
    await stored(engine, a_record(1))
    assert await engine.memories.search(ALL, SearchQuery()) == []


async def test_nothing_is_found_where_nothing_is_stored(engine: Engine) -> None:
    assert await engine.memories.search(ALL, SearchQuery(text="tea", vector=a_vector("q"), facts=5)) == []


async def test_facts_are_the_nearest_of_any_type_but_episodic(engine: Engine) -> None:
    query = a_vector("query")
    episodes = [
        a_record(id, "an episode", type="episodic", vector=unit(query + 0.01 * a_vector(f"e{id}"))) for id in range(30)
    ]
    facts = [a_record(100 + n, "a fact", type=kind) for n, kind in enumerate(("semantic", "working", "procedural"))]
    await stored(engine, *episodes, *facts)
    hits = await engine.memories.search(ALL, SearchQuery(vector=query, limit=5, facts=2))
    cosines = {record.memory.id: float(record.vector @ query) for record in facts}
    nearest = set(sorted(cosines, key=cosines.__getitem__)[-2:])
    assert {hit.id for hit in hits if hit.type != "episodic"} == nearest
    assert len([hit for hit in hits if hit.type == "episodic"]) == 5
    for hit in hits:
        assert hit.dense is not None
        if hit.id in nearest:
            assert hit.dense == pytest.approx(cosines[hit.id], abs=1e-5)


async def test_facts_without_a_vector_are_the_newest(engine: Engine) -> None:
    await stored(
        engine,
        *(a_record(id, "fact", created_at=NOW + id) for id in range(1, 6)),
        a_record(9, "episode", type="episodic", created_at=NOW + 9),
    )
    hits = await engine.memories.search(ALL, SearchQuery(facts=2))
    assert {hit.id for hit in hits} == {4, 5}
    assert {(hit.dense, hit.text) for hit in hits} == {(None, None)}


async def test_facts_obey_the_filter(engine: Engine) -> None:
    await stored(engine, a_record(1), a_record(2, user_id="ann"), a_record(3, superseded_by=1))
    hits = await engine.memories.search(
        Filter(tenant=TENANT, owners=("u:ann",)), SearchQuery(vector=a_vector("q"), limit=1, facts=10)
    )
    assert {hit.id for hit in hits} == {2}


@pytest.mark.parametrize(
    "narrow",
    [
        Filter(tenant=TENANT, owners=("u:ann",)),
        Filter(tenant=TENANT, namespaces=("small",)),
        Filter(tenant=TENANT, run_id="run"),
        Filter(tenant=TENANT, tags=("rare",)),
        Filter(tenant=TENANT, metadata={"k": "v"}),
        Filter(tenant=TENANT, min_confidence=0.9),
        Filter(tenant=TENANT, types=("working",)),
        Filter(tenant="tenant of few"),
    ],
)
async def test_what_the_filter_leaves_out_starves_no_leg(engine: Engine, narrow: Filter) -> None:
    query = a_vector("query")
    crowd = [
        a_record(id, "tea tea tea", vector=unit(query + 0.01 * a_vector(f"{id}")), confidence=0.5) for id in range(400)
    ]
    few = [
        a_record(
            1000 + n,
            "tea, but far from the question and long",
            vector=unit(-query + a_vector(f"{n}")),
            tenant=narrow.tenant,
            namespace="small",
            user_id="ann",
            run_id="run",
            tags=["rare"],
            metadata={"k": "v"},
            confidence=0.95,
            type="working",
        )
        for n in range(5)
    ]
    await stored(engine, *crowd, *few)
    for question in (SearchQuery(vector=query, limit=10), SearchQuery(text="tea", limit=10)):
        hits = await engine.memories.search(narrow, question)
        assert {hit.id for hit in hits} == {1000, 1001, 1002, 1003, 1004}


async def test_a_write_is_found_as_soon_as_it_is_acknowledged(engine: Engine, peer: Engine) -> None:
    query = a_vector("query")
    for id in range(1, 30):
        await stored(engine, a_record(id, f"note number{id}", vector=unit(query + 0.01 * a_vector(f"{id}"))))
        assert await found(peer, f"number{id}") == {id}
        hits = await peer.memories.search(ALL, SearchQuery(vector=query))
        assert {hit.id for hit in hits} == set(range(1, id + 1))


async def test_a_replaced_memory_is_found_by_its_new_words_vector_and_owner_only(engine: Engine) -> None:
    old, new = a_vector("old"), a_vector("new")
    await stored(engine, a_record(1, "lives in Lisbon", vector=old, user_id="ann"))
    await engine.memories.search(ALL, SearchQuery(vector=old))
    changed = a_memory(1, "lives in Porto", version=2, user_id="bob")
    assert await engine.memories.replace(changed, expected=1, vector=new) is Written.DONE
    assert await found(engine, "Lisbon") == set()
    assert await found(engine, "Porto") == {1}
    (hit,) = await engine.memories.search(ALL, SearchQuery(vector=new))
    assert hit.dense == pytest.approx(1.0, abs=1e-5)
    for owner, ids in (("u:ann", set()), ("u:bob", {1})):
        mine = Filter(tenant=TENANT, owners=(owner,))
        assert await found(engine, "Porto", mine) == ids
        assert {hit.id for hit in await engine.memories.search(mine, SearchQuery(vector=old))} == ids


async def test_a_memory_that_changes_its_type_joins_the_facts(engine: Engine) -> None:
    await stored(engine, a_record(1, type="episodic"))
    question = SearchQuery(vector=a_vector("q"), limit=0, facts=5)
    assert await engine.memories.search(ALL, question) == []
    assert await engine.memories.replace(a_memory(1, version=2, type="semantic"), expected=1) is Written.DONE
    assert [hit.id for hit in await engine.memories.search(ALL, question)] == [1]


async def test_a_superseded_memory_is_found_only_when_asked_for(engine: Engine) -> None:
    await stored(engine, a_record(1), a_record(2))
    assert await engine.memories.replace(a_memory(1, version=2, superseded_by=2), expected=1) is Written.DONE
    both = SearchQuery(text="tea", vector=a_vector("q"))
    assert {hit.id for hit in await engine.memories.search(ALL, both)} == {2}
    past = Filter(tenant=TENANT, current=False)
    assert {hit.id for hit in await engine.memories.search(past, both)} == {1, 2}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 60), limit=st.integers(1, 60), owners=st.integers(1, 3))
async def test_the_vector_leg_returns_the_nearest_of_any_vectors(
    engine: Engine, seed: int, count: int, limit: int, owners: int
) -> None:
    await engine.memories.erase(TENANT)
    rng = np.random.default_rng(seed)
    vectors = [unit(row) for row in rng.standard_normal((count + 1, 8)).astype(np.float32)]
    query = vectors.pop()
    records = [a_record(id, vector=vector, user_id=f"u{id % owners}") for id, vector in enumerate(vectors)]
    await stored(engine, *records)
    mine = Filter(tenant=TENANT, owners=("u:u0",))
    cosines = sorted((float(r.vector @ query) for r in records if r.memory.owner == "u:u0"), reverse=True)
    hits = await engine.memories.search(mine, SearchQuery(vector=query, limit=limit))
    assert sorted((hit.dense or 0.0 for hit in hits), reverse=True) == pytest.approx(cosines[:limit], abs=1e-5)


# ------------------------------------------------------------------------------------------------------- neighbours


def around(seq: int, run_id: str = "run", owner: str = "u:ann", namespace: str = NAMESPACE) -> Neighbourhood:
    return Neighbourhood(namespace=namespace, owner=owner, run_id=run_id, seq=seq)


async def test_neighbours_are_the_turns_within_the_radius_itself_included(engine: Engine) -> None:
    await stored(engine, *(a_record(seq, user_id="ann", run_id="run", seq=seq) for seq in range(1, 10)))
    hits = await engine.memories.neighbours(ALL, [around(5)], radius=2)
    assert {hit.id for hit in hits} == {3, 4, 5, 6, 7}
    assert {(hit.dense, hit.text) for hit in hits} == {(None, None)}
    assert {hit.id for hit in await engine.memories.neighbours(ALL, [around(1)])} == {1, 2}


async def test_overlapping_neighbourhoods_give_each_turn_once(engine: Engine) -> None:
    await stored(engine, *(a_record(seq, user_id="ann", run_id="run", seq=seq) for seq in range(1, 10)))
    hits = await engine.memories.neighbours(ALL, [around(2), around(3), around(8)])
    assert sorted(hit.id for hit in hits) == [1, 2, 3, 4, 7, 8, 9]


async def test_neighbours_stay_in_their_session(engine: Engine) -> None:
    await stored(
        engine,
        a_record(1, user_id="ann", run_id="run", seq=1),
        a_record(2, user_id="bob", run_id="run", seq=2),
        a_record(3, user_id="ann", run_id="run2", seq=2),
        a_record(4, user_id="ann", run_id="run", seq=2, namespace="other"),
        a_record(5, user_id="ann", run_id="run", seq=2, tenant="other"),
        a_record(6, user_id="ann", run_id="run", seq=2, state="archived"),
        a_record(7, user_id="ann", run_id="run"),
        a_record(8, run_id="run", seq=2),
        a_record(9, user_id="ann", run_id="run", seq=2),
    )
    assert {hit.id for hit in await engine.memories.neighbours(ALL, [around(1)])} == {1, 9}


async def test_neighbours_obey_the_filter(engine: Engine) -> None:
    await stored(engine, a_record(1, user_id="ann", run_id="run", seq=1))
    elsewhere = Filter(tenant=TENANT, namespaces=("other",))
    assert await engine.memories.neighbours(elsewhere, [around(1)]) == []
    others = Filter(tenant=TENANT, owners=("u:bob",))
    assert await engine.memories.neighbours(others, [around(1)]) == []


async def test_no_neighbourhoods_have_no_neighbours(engine: Engine) -> None:
    await stored(engine, a_record(1, user_id="ann", run_id="run", seq=1))
    assert await engine.memories.neighbours(ALL, []) == []

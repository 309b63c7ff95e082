"""What is particular to the index: scores that depend on nothing but the words, and policies that find the same."""

import random

import pytest
import redis.asyncio

from memory.engines.base import Filter, SearchQuery
from memory.engines.redis.engine import RedisEngine
from tests.contract.examples import TENANT, a_record, a_vector
from tests.contract.examples import given as stored
from tests.support.engines import indexed

QUESTION = SearchQuery(text="running tea companies", limit=1000)


@pytest.fixture
async def engine(engine: RedisEngine) -> RedisEngine:
    """With an index that is through with what was there before it. Until then it takes what is stored meanwhile in a
    second time, and counts its words twice until they are cleared away: scores move between two searches."""
    await indexed(engine)
    return engine


async def scores(engine: RedisEngine, where: Filter) -> dict[int, float]:
    hits = await engine.memories.search(where, QUESTION)
    return {hit.id: hit.text for hit in hits if hit.text is not None}


async def test_a_text_score_depends_on_the_words_and_not_on_the_filter(engine: RedisEngine) -> None:
    """Whichever of the filter and the words matches less, and whatever else the filter says."""
    await stored(
        engine,
        a_record(1, "she runs a tea company", user_id="ann", tags=["t"]),
        a_record(2, "a company that runs", user_id="ann", tags=["t"]),
        a_record(3, "tea", user_id="ann", tags=["t"]),
        *(a_record(id, f"filler {id} of ann", user_id="ann") for id in range(10, 60)),
        *(a_record(id, f"filler {id} of bob", user_id="bob") for id in range(60, 300)),
        a_record(300, "tea and more tea", user_id="bob"),
    )
    plain = await scores(engine, Filter(tenant=TENANT))
    assert plain[1] == 1.0
    for narrow in (
        Filter(tenant=TENANT, owners=("u:ann",)),
        Filter(tenant=TENANT, owners=("u:ann", "")),
        Filter(tenant=TENANT, owners=("u:ann",), types=("semantic",), created_from=0),
        Filter(tenant=TENANT, user_id="ann", tags=("t",)),
        Filter(tenant=TENANT, tags=("t",), current=False, min_confidence=0.1),
    ):
        assert await scores(engine, narrow) == pytest.approx({id: plain[id] for id in (1, 2, 3)})


async def test_every_word_counts_beside_a_filter_as_it_does_without(
    engine: RedisEngine, bare: redis.asyncio.Redis
) -> None:
    """Redis's unions lose words there, but only in stores of some size and for words of some rarity."""
    chance = random.Random(1)
    vocabulary = [f"w{chr(97 + n % 26)}{n}" for n in range(400)]
    weights = [1 / (rank + 1) for rank in range(len(vocabulary))]
    texts = [" ".join(chance.choices(vocabulary, weights, k=12)) for _ in range(1500)]
    await stored(engine, *(a_record(id, text) for id, text in enumerate(texts)))
    for text in texts[:20]:
        words = list(dict.fromkeys(text.split()))[:4]
        hits = await engine.memories.search(Filter(tenant=TENANT), SearchQuery(text=" ".join(words), limit=30))
        unfiltered = ("VERBATIM", "SCORER", "BM25STD", "WITHSCORES", "NOCONTENT", "LIMIT", 0, 1500, "DIALECT", 2)
        _, *reply = await bare.execute_command(
            "FT.SEARCH", engine._schema.index, f"@words:({'|'.join(words)})", *unfiltered
        )
        plain = {int(key[-16:]): float(score) for key, score in zip(reply[::2], reply[1::2], strict=True)}
        best = max(plain.values())
        assert {hit.id: hit.text for hit in hits} == pytest.approx({hit.id: plain[hit.id] / best for hit in hits})


async def test_every_policy_finds_the_nearest(engine: RedisEngine) -> None:
    await stored(engine, *(a_record(id, user_id="ann" if id % 4 else "bob") for id in range(300)))
    where, query = Filter(tenant=TENANT, owners=("u:ann",)), SearchQuery(vector=a_vector("q"), limit=10)
    by_default = {hit.id for hit in await engine.memories.search(where, query)}
    by_force = {hit.id for hit in await engine.memories.search(where, query)}
    engine.memories._search._sizes._sizes["*"] = (0, float("inf"))
    in_batches = {hit.id for hit in await engine.memories.search(where, query)}
    assert by_default == by_force == in_batches


async def test_a_touch_leaves_the_indexed_hash_alone(engine: RedisEngine, bare: redis.asyncio.Redis) -> None:
    """A change of it would insert the vector anew, once for each memory used in each call."""
    await stored(engine, a_record(1))
    key = engine._keys.memory(TENANT, 1)
    before = await bare.hgetall(key)
    await engine.memories.touch(TENANT, [1], now=5)
    assert await bare.hgetall(key) == before

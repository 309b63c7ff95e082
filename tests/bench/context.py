"""Retrieval and assembly alone: POST /v1/context, beside the two raw queries that any such answer begins with."""

import asyncio
import statistics
import time
from pathlib import Path

import redis.asyncio as redis
import uvloop

from memory.caller import DEFAULT_NAMESPACE, DEFAULT_TENANT, SHARED, user_owner
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Filter, Vector
from memory.engines.redis.codec import encode_vector
from memory.engines.redis.keys import Keys
from memory.engines.redis.query import conditions, render
from memory.engines.redis.schema import vector_field
from memory.engines.words import query_stems
from tests.bench import corpus, load
from tests.bench.contenders import Running
from tests.bench.load import Expected

GENERATION = 1
FOUND = 50
"""What each query returns at most."""

_ANSWER = Expected(200, 1_000_000, "}")


def assembled(contender: Running, requests: Path, seconds: int) -> dict[str, float]:
    """`p50` and `p99` of /v1/context over one connection. Raises LoadFailedError."""
    url = f"{contender.server.url}/v1/context"
    return dict(load.answers(url, requests, contender.headers, _ANSWER, connections=1, seconds=seconds))


def raw(url: str, contender: Running, seconds: float) -> dict[str, float]:
    """`p50` of nearest vectors and BM25, in one pipeline each time, on the index of the contender's memory, for the
    same users and questions; the vectors are made beforehand. Raises RuntimeError where they find nothing."""
    return {"p50": 1e3 * uvloop.run(_raw(url, Keys(contender.settings["REMORA_STORE_PREFIX"]), contender, seconds))}


def commands(keys: Keys, user: str, question: str, vector: Vector) -> list[tuple[str | bytes | int, ...]]:
    """The two, for the memories that this user's call may see."""
    where = Filter(tenant=DEFAULT_TENANT, namespaces=(DEFAULT_NAMESPACE,), owners=(user_owner(user), SHARED))
    found = conditions(where)
    assert found is not None
    near = f"({render(found)})=>[KNN {FOUND} @{vector_field(GENERATION)} $vector AS distance]"
    stems = query_stems(question)
    text = f"{render(found, scored=True)} (@words:({'|'.join(stems)}))"
    common = ("LIMIT", 0, FOUND, "DIALECT", 2)
    search = ("FT.SEARCH", keys.index(GENERATION))
    return [
        (*search, near, "RETURN", 2, "distance", "hit", "PARAMS", 2, "vector", encode_vector(vector), *common),
        (*search, text, "VERBATIM", "SCORER", "BM25STD", "WITHSCORES", "RETURN", 1, "hit", *common),
    ]


async def _raw(url: str, keys: Keys, contender: Running, seconds: float) -> float:
    asked = list(corpus.questions(contender.contender.users, 1_000))
    vectors = await BundledEmbedder().embed([question for _, question in asked])
    prepared = [commands(keys, user, question, vector) for (user, question), vector in zip(asked, vectors, strict=True)]
    times: list[float] = []
    async with redis.Redis.from_url(url, protocol=2) as client:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pipeline = client.pipeline(transaction=False)
            for command in prepared[len(times) % len(prepared)]:
                pipeline.execute_command(*command)
            began = time.perf_counter()
            near, _ = await pipeline.execute()
            times.append(time.perf_counter() - began)
            if not near[0]:
                raise RuntimeError("the raw query finds nothing: it is not the index's own any more")
            await asyncio.sleep(0)
    return statistics.median(times)

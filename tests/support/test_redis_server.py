import numpy as np
import redis
from redis.commands.search import Search
from redis.commands.search.field import TagField, TextField, VectorField
from redis.commands.search.index_definition import IndexDefinition
from redis.commands.search.query import Query

from tests.support.redis_server import RedisServer


def test_it_searches_vectors_behind_a_tag_filter(redis_url: str, redis_prefix: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        index = Search(client, f"{redis_prefix}-index")
        vector = VectorField("embedding", "HNSW", {"TYPE": "FLOAT32", "DIM": 2, "DISTANCE_METRIC": "COSINE"})
        index.create_index(
            [TagField("scope"), TextField("text"), vector], definition=IndexDefinition(prefix=[f"{redis_prefix}:"])
        )
        for name, scope, embedding in [("near", "a", [1, 0]), ("far", "a", [0, 1]), ("foreign", "b", [1, 0])]:
            client.hset(
                f"{redis_prefix}:{name}",
                mapping={"scope": scope, "text": name, "embedding": np.array(embedding, np.float32).tobytes()},
            )

        query = (
            Query("@scope:{a}=>[KNN 2 @embedding $v AS distance]").sort_by("distance").return_fields("text").dialect(2)
        )
        found = index.search(query, {"v": np.array([1, 0.1], np.float32).tobytes()})

        assert [document.text for document in found.docs] == ["near", "far"]


def test_data_and_address_survive_a_stop(private_redis_server: RedisServer) -> None:
    with redis.Redis.from_url(private_redis_server.url) as client:
        client.set("key", "value")
        private_redis_server.stop()
        private_redis_server.start()
        assert client.get("key") == b"value"


def test_data_and_address_survive_a_kill(private_redis_server: RedisServer) -> None:
    with redis.Redis.from_url(private_redis_server.url) as client:
        client.set("key", "value")
        private_redis_server.kill()
        private_redis_server.start()
        assert client.get("key") == b"value"

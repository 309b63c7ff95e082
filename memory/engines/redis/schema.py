"""The index, and whose vectors it holds: made where absent, never overwritten, refused where it is another embedder's.

A store has a generation, which names its index and the field of its vectors; a reindexing fills the next one beside it.
"""

import asyncio
from typing import Any

from msgspec import Struct
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redisvl.exceptions import RedisVLError
from redisvl.index import AsyncSearchIndex
from redisvl.schema import IndexSchema

from memory.engines.base import EmbeddingSpec
from memory.engines.redis.client import ANSWER_SECONDS, Client
from memory.engines.redis.codec import SORTABLE
from memory.engines.redis.keys import Keys
from memory.engines.redis.migrations import VERSION, bring_forward
from memory.errors import Misconfigured, StoreUnavailable

POLL_SECONDS = 0.05


class Schema:
    def __init__(self, client: Client, keys: Keys, embedding: EmbeddingSpec, *, reindexing: bool) -> None:
        self.embedding = embedding
        self._client = client
        self._keys = keys
        self._reindexing = reindexing
        self._generation: int | None = None
        self._lock = asyncio.Lock()

    @property
    def index(self) -> str:
        return self._keys.index(self.generation)

    @property
    def vector(self) -> str:
        return vector_field(self.generation)

    @property
    def generation(self) -> int:
        if self._generation is None:
            raise StoreUnavailable("the store holds another embedder's vectors: run `remora reindex`")
        return self._generation

    async def ready(self) -> None:
        """Returns once index and claim have been seen to be there."""
        if self._generation is None:
            await self.restore()

    async def restore(self) -> None:
        """As `prepare`, in the midst of a call: all that may come of it is StoreUnavailable."""
        try:
            await self.prepare()
        except Misconfigured as error:
            raise StoreUnavailable(error.message) from error

    async def prepare(self) -> None:
        """Claim the store, bring it forward and make its index, where that is not done yet. Raises Misconfigured,
        StoreUnavailable."""
        async with self._lock:
            try:
                meta = await self._claim()
            except StoreUnavailable as error:
                if isinstance(error.__cause__, AuthenticationError | NoPermissionError):
                    raise Misconfigured(
                        f"Redis refuses the user or the password of its URL: {error.__cause__}"
                    ) from error
                raise
            if meta.outdated:
                await bring_forward(self._client, self._keys)
            if meta.embedding == self.embedding:
                await self.create(meta.generation)
            self._generation = meta.generation if meta.embedding == self.embedding else None

    async def create(self, generation: int) -> None:
        """The index of a generation of this embedder's, where there is none."""
        schema = definition(self._keys, generation, self.embedding.dimension)
        index = AsyncSearchIndex(schema, redis_client=self._client.redis)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await index.create(overwrite=False)
        except TimeoutError as error:
            raise StoreUnavailable("the index can't be created: Redis does not answer") from error
        except (RedisVLError, RedisError) as error:
            if "already exists" in str(error):
                return
            if "unknown command" in str(error).lower():
                raise Misconfigured("this Redis cannot search: use Redis 8, or Redis Stack 7.4 or later") from error
            if "db != 0" in str(error):
                raise Misconfigured("Redis searches only its database 0: name no other one in the URL") from error
            raise StoreUnavailable(f"the index can't be created: {error}") from error

    async def indexed(self, generation: int) -> float:
        """The share of the store that an index has seen: below 1 while it is being made over existing memories."""
        return share_indexed(await self._client.one("FT.INFO", self._keys.index(generation)))

    async def wait(self, generation: int) -> None:
        """Until an index has seen the whole store."""
        while True:
            if await self.indexed(generation) >= 1:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _claim(self) -> "_Meta":
        mine = self.embedding
        reply = await self._client.run("claim", self._keys.meta, VERSION, mine.name, mine.dimension)
        fields = dict(zip(reply[::2], reply[1::2], strict=True))
        if int(fields[b"schema"]) > VERSION:
            raise Misconfigured("this store was made by a later version of Remora: update Remora")
        stored = EmbeddingSpec(name=fields[b"embedder"].decode(), dimension=int(fields[b"dimension"]))
        if stored != mine and not self._reindexing:
            raise Misconfigured(
                f"this store holds vectors of '{stored.name}' with {stored.dimension} dimensions, but '{mine.name}' "
                f"with {mine.dimension} is configured: configure the former, or run `remora reindex`"
            )
        outdated = int(fields[b"schema"]) < VERSION or b"stepping" in fields
        return _Meta(stored, int(fields[b"generation"]), outdated)


class _Meta(Struct, frozen=True):
    embedding: EmbeddingSpec
    generation: int
    outdated: bool


def share_indexed(info: list[Any]) -> float:
    """What FT.INFO tells of it: see `Schema.indexed`."""
    told = dict(zip(info[::2], info[1::2], strict=True))
    return float(told[b"percent_indexed"]) if int(told[b"indexing"]) else 1.0


def vector_field(generation: int) -> str:
    return f"vector_{generation}"


def definition(keys: Keys, generation: int, dimension: int) -> IndexSchema:
    sortable = [{"name": name, "type": "numeric", "attrs": {"sortable": True}} for name in SORTABLE]
    vector = {"algorithm": "hnsw", "dims": dimension, "distance_metric": "cosine", "datatype": "float32"}
    # [M] 99.6 % of the 50 nearest of 10,000, as with twice the construction effort, which costs 1.6 times the time.
    vector |= {"ef_construction": 100, "ef_runtime": 100}
    fields: list[dict[str, Any]] = [
        {"name": "labels", "type": "tag", "attrs": {"case_sensitive": True}},
        # Stemmed before, and without stop words: see words.py.
        {"name": "words", "type": "text", "attrs": {"no_stem": True}},
        *sortable,
        {"name": vector_field(generation), "type": "vector", "attrs": vector},
    ]
    place = {"name": keys.index(generation), "prefix": keys.memories, "key_separator": "", "storage_type": "hash"}
    return IndexSchema.from_dict({"index": place | {"stopwords": []}, "fields": fields})

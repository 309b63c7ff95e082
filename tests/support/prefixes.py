"""Keeping apart what shares one Redis."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.commands.search import Search


@contextmanager
def own_prefix(redis_url: str) -> Iterator[str]:
    """The beginning of every key and index name of one test or group of tests; what begins so is removed afterwards.

    Database numbers cannot separate tests: search indexes only database 0.
    """
    prefix = f"test-{uuid.uuid4().hex}"
    yield prefix
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        for index in client.execute_command("FT._LIST"):
            if index.startswith(prefix):
                Search(client, index).dropindex()
        if keys := list(client.scan_iter(f"{prefix}*", count=1000)):
            client.unlink(*keys)

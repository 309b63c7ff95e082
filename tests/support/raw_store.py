"""All that a store holds, read past the engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import redis


def traces(word: str, *, store: str, store_prefix: str = "") -> list[str]:
    """Where `word` (in lower case) is found, whatever its case, in the store that these settings name."""
    read = (
        _sqlite(Path(store.removeprefix("sqlite:///"))) if store.startswith("sqlite") else _redis(store, store_prefix)
    )
    return sorted({place for place, value in read if word.encode() in value.lower()})


def _sqlite(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, those behind the full-text index too."""
    with apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    yield table, value if isinstance(value, bytes) else str(value).encode()


def _redis(url: str, prefix: str) -> Iterator[tuple[str, bytes]]:
    client: Any  # its types say that an answer may be anything
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(f"{prefix}*", count=1000):
            name = key.decode(errors="replace").removeprefix(prefix)
            yield name, key
            for value in _values(client, key):
                yield name, value


def _values(client: Any, key: bytes) -> Iterator[bytes]:
    match client.type(key):
        case b"string":
            yield client.get(key) or b""
        case b"hash":
            for pair in client.hscan_iter(key):
                yield from pair
        case b"set":
            yield from client.sscan_iter(key)
        case b"zset":
            yield from (member for member, _ in client.zscan_iter(key))
        case b"list":
            yield from client.lrange(key, 0, -1)
        case b"stream":
            for _, fields in client.xrange(key):
                for pair in fields.items():
                    yield from pair
        case other:
            assert other == b"none", f"a {other!r} is not read"

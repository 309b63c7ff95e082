"""Walking all keys of a pattern."""

from collections.abc import AsyncIterator

from memory.engines.redis.client import Client

AT_ONCE = 500


async def scan(client: Client, match: str) -> AsyncIterator[list[bytes]]:
    """All keys that are there all the while, some perhaps twice."""
    cursor: bytes | None = None
    while cursor != b"0":
        cursor, names = await client.one("SCAN", cursor or 0, "MATCH", match, "COUNT", AT_ONCE)
        if names:
            yield names

"""What about a Redis's own settings endangers the promise to lose nothing."""

from memory.engines.redis.client import Client, Refused

SEARCH_VERSION = 21005
"""Redis Stack 7.4's; Redis 8's are higher."""


async def advice(client: Client) -> list[str]:
    """A sentence each; one that says so where this Redis doesn't tell its settings."""
    try:
        settings = await _settings(client)
    except Refused:
        return ["Redis refuses CONFIG GET, so see to it yourself that it is persistent and evicts nothing."]
    found = []
    if settings["appendonly"] != "yes":
        found.append("appendonly is off: a crash of Redis loses what came since its last snapshot; set it to yes.")
    elif settings["appendfsync"] == "no":
        found.append("appendfsync is 'no': a crash of the machine loses half a minute; set it to everysec or always.")
    policy = settings["maxmemory-policy"]
    if policy != "noeviction":
        found.append(f"maxmemory-policy is {policy}: a full Redis throws memories away; set it to noeviction.")
    version = await _search_version(client)
    if version is None:
        found.append("The search module is missing: Remora needs Redis 8, or Redis Stack 7.4 or later.")
    elif version < SEARCH_VERSION:
        found.append(f"The search module is too old ({version}): Remora needs Redis 8, or Redis Stack 7.4 or later.")
    return found


async def _settings(client: Client) -> dict[str, str]:
    pairs = await client.one("CONFIG", "GET", "appendonly", "appendfsync", "maxmemory-policy")
    texts = [text.decode() for text in pairs]
    return dict(zip(texts[::2], texts[1::2], strict=True))


async def _search_version(client: Client) -> int | None:
    for module in await client.one("MODULE", "LIST"):
        fields = dict(zip(module[::2], module[1::2], strict=True))
        if fields[b"name"] == b"search":
            return int(fields[b"ver"])
    return None

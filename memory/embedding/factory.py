"""From `REMORA_EMBEDDER` to an embedder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.settings import Settings
from config.supervisor import Supervisor
from memory.embedding.base import Embedder
from memory.embedding.bundled import BundledEmbedder
from memory.embedding.cache import CachedEmbedder
from memory.embedding.fastembed import load_fastembed

_OPENAI_MODEL = "text-embedding-3-small"
_FASTEMBED_MODEL = "BAAI/bge-small-en-v1.5"


@asynccontextmanager
async def open_embedder(settings: Settings) -> AsyncIterator[Embedder]:
    """The embedder that the settings name, ready for use. Raises Misconfigured, EmbedderUnavailable."""
    chosen = settings.embedder
    match chosen.kind:
        case "bundled":
            yield await asyncio.to_thread(BundledEmbedder)
        case "openai":
            from memory.embedding.openai import open_openai

            # The upstream's key is for the upstream only.
            base_url, api_key = (
                (settings.upstream.base_url, chosen.api_key or settings.upstream.api_key)
                if chosen.base_url is None
                else (chosen.base_url, chosen.api_key)
            )
            model = chosen.model or _OPENAI_MODEL
            async with (
                open_openai(base_url, model, api_key, timeout=chosen.timeout) as remote,
                Supervisor() as supervisor,
            ):
                yield CachedEmbedder(remote, supervisor)
        case "fastembed":
            local = await asyncio.to_thread(load_fastembed, chosen.model or _FASTEMBED_MODEL)
            async with Supervisor() as supervisor:
                yield CachedEmbedder(local, supervisor)

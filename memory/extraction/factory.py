"""From `REMORA_EXTRACTION_*` to an LLM that extracts, where there is to be one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from config.settings import Secret, Settings
from memory.errors import Misconfigured

if TYPE_CHECKING:
    from memory.extraction.llm import LlmExtractor


@asynccontextmanager
async def open_llm(settings: Settings) -> AsyncIterator["LlmExtractor | None"]:
    """The extractor the settings ask for; None where facts are drawn by rules or not at all.

    A client's own key is never used: without a key of the server's, only a server named for extraction itself, which
    may need none, is asked. Raises Misconfigured where an LLM is demanded and can't be had.
    """
    chosen = settings.extraction
    key = chosen.api_key or (settings.upstream.api_key if chosen.base_url is None else None)
    missing = None if chosen.model else "REMORA_EXTRACTION_MODEL"
    if missing is None and key is None and chosen.base_url is None:
        missing = "REMORA_EXTRACTION_API_KEY or REMORA_UPSTREAM_API_KEY"
    if chosen.mode == "llm" and missing is not None:
        raise Misconfigured(f"extraction by an LLM needs {missing}")
    if chosen.mode not in ("auto", "llm") or missing is not None or chosen.model is None:
        yield None
        return
    import httpx

    from memory.extraction.llm import LlmExtractor

    async with httpx.AsyncClient(
        base_url=chosen.base_url or settings.upstream.base_url,
        headers=_authorization(key),
        timeout=httpx.Timeout(chosen.timeout, connect=settings.upstream.connect_timeout),
    ) as client:
        yield LlmExtractor(client, chosen.model)


def _authorization(key: Secret | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key.reveal()}"}

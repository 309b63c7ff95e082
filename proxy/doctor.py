"""`remora doctor`: tries out what the settings name, and says of what is amiss what to do about it."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Literal

import httpx
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from admin.keys import Keys
from config.settings import Secret, Settings, without_credentials
from config.supervisor import Supervisor
from context.tokens import TokenCounters
from memory.caller import DEFAULT_NAMESPACE, DEFAULT_TENANT
from memory.embedding.factory import open_embedder
from memory.engines.base import Engine
from memory.engines.factory import make_engine
from memory.errors import RemoraError, StoreInUse
from memory.extraction.exchange import Exchange
from memory.extraction.factory import open_llm
from proxy.remote import origin
from proxy.serve import refusals

SECONDS = 20.0
"""How long each check may take."""

SHORT_KEY = 16
"""Characters: an operator's key of fewer may be a word that someone thought of, and another guesses."""

_SAMPLE = Exchange(
    tenant=DEFAULT_TENANT,
    namespace=DEFAULT_NAMESPACE,
    credential="",
    run_id="doctor",
    asked=["I live in Lisbon."],
    answer="Noted.",
    preceding="",
    at=0,
    request_id="doctor",
)

_MARKS = {"good": ("✓", "green"), "warning": ("!", "yellow"), "bad": ("✗", "red")}


class Finding(Struct, frozen=True):
    """What a check found; `remedy` says what to do about anything that is not good."""

    subject: str
    state: Literal["good", "warning", "bad"]
    text: str
    remedy: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """A finding or more for each thing the settings name."""
    return [
        *_settings(settings),
        await _upstream(settings),
        await _tokenizer(),
        *await _embedder_and_store(settings),
        await _extraction(settings),
    ]


def show(findings: list[Finding], console: Console) -> None:
    """Print them as a table."""
    table = Table(box=None, padding=(0, 1), show_header=False)
    for finding in findings:
        mark, colour = _MARKS[finding.state]
        text = Text(finding.text)
        if finding.remedy:
            text.append(f"\n→ {finding.remedy}", style=colour)
        table.add_row(Text(mark, style=colour), finding.subject, text)
    console.print(table)


def _settings(settings: Settings) -> Iterator[Finding]:
    problems = refusals(settings)
    for problem in problems:
        fault, _, remedy = problem.rpartition(": ")
        yield Finding("settings", "bad", fault, remedy)
    if not problems:
        operator = "there is no operator's key" if settings.admin_key is None else "asks for a key"
        yield Finding("settings", "good", f"{settings.host} port {settings.port}; {operator}")
    if settings.admin_key is not None and len(settings.admin_key.reveal()) < SHORT_KEY:
        told = f"the operator's key has fewer than {SHORT_KEY} characters, so it may be guessed"
        yield Finding("access", "warning", told, "set REMORA_ADMIN_KEY to a long random one: `openssl rand -hex 32`")


async def _upstream(settings: Settings) -> Finding:
    place, key = settings.upstream.base_url, settings.upstream.api_key
    answer = await _ask(f"{place}/models", key)
    match answer:
        case httpx.Response(status_code=200):
            kind = "clients bring their own" if key is None else "it takes the key"
            return Finding("upstream", "good", f"{place} answers; {kind}")
        case httpx.Response(status_code=401 | 403) if key is None:
            return Finding("upstream", "good", f"{place} answers; it wants a key, which each client has to bring")
        case httpx.Response(status_code=401 | 403):
            return Finding("upstream", "bad", f"{place} refuses the key", "set REMORA_UPSTREAM_API_KEY to a valid one")
        case httpx.Response(status_code=status):
            remedy = "see that REMORA_UPSTREAM_BASE_URL ends with the version of its API, mostly /v1"
            return Finding("upstream", "warning", f"{place}/models answers with status {status}", remedy)
        case error:
            remedy = "set REMORA_UPSTREAM_BASE_URL to the OpenAI-compatible server that should answer"
            return Finding("upstream", "bad", f"{place} can't be reached ({type(error).__name__})", remedy)


async def _tokenizer() -> Finding:
    counters = TokenCounters()
    await counters.load()
    counter = counters.default
    if counter.exact:
        return Finding("tokens", "good", f"counted exactly, with {counter.encoding}")
    return Finding(
        "tokens",
        "warning",
        f"the tables of OpenAI's encodings can't be loaded; counted with {counter.encoding}, about 1.2 times as many",
        "let it reach the network once with TIKTOKEN_CACHE_DIR set, or live with somewhat smaller budgets",
    )


async def _embedder_and_store(settings: Settings) -> list[Finding]:
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(SECONDS):
                embedder = await stack.enter_async_context(open_embedder(settings))
                (vector,) = await embedder.embed(["remora"])
        except (RemoraError, TimeoutError) as error:
            remedy = "see that REMORA_EMBEDDER, _BASE_URL, _MODEL and _API_KEY go together"
            return [
                Finding("embedder", "bad", _reason(error), remedy),
                Finding("store", "bad", "not looked at", "it needs the embedder first"),
            ]
        good = Finding("embedder", "good", f"{embedder.spec.name}, {len(vector)} dimensions")
        try:
            async with asyncio.timeout(SECONDS):
                engine = await stack.enter_async_context(make_engine(settings, embedder.spec))
                return [good, *await _store(settings, engine), await _access(settings, engine)]
        except StoreInUse as error:
            return [good, await _live_server(settings, error)]
        except (RemoraError, TimeoutError) as error:
            return [good, Finding("store", "bad", _reason(error), "see that REMORA_STORE is right, and that it runs")]


async def _live_server(settings: Settings, in_use: StoreInUse) -> Finding:
    """What the server that has the database open says of it."""
    address = f"{origin(settings)}/ready"
    try:
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            storage = (await client.get(address)).json()["checks"]["storage"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return Finding("store", "warning", in_use.message, "look at it again when that process has ended")
    good = storage == "ok"
    told = f"{settings.store}, open in the server at {address}, which says: {storage}"
    return Finding("store", "good" if good else "bad", told, "" if good else "see that server's log")


async def _store(settings: Settings, engine: Engine) -> list[Finding]:
    await engine.ping()
    usage = await engine.memories.usage(DEFAULT_TENANT)
    backlog = await engine.jobs.backlog()
    found = [Finding("store", "good", f"{without_credentials(settings.store)}; {usage.memories:,} memories")]
    found += [Finding("store", "warning", "its settings endanger memory", advice) for advice in await engine.advice()]
    if backlog.dead:
        lost = f"{backlog.dead:,} exchanges could not be learned from"
        found.append(Finding("learning", "warning", lost, "the log of the worker says why"))
    return found


async def _access(settings: Settings, engine: Engine) -> Finding:
    async with Supervisor() as supervisor:
        tenants_have_keys = await Keys(engine, supervisor).any()
    if settings.admin_key is not None:
        whose = "the operator's or a tenant's" if tenants_have_keys else "the operator's; no tenant has one yet"
        return Finding("access", "good", f"with a key, {whose}")
    if tenants_have_keys:
        told = "with a tenant's key; nobody can manage tenants over the API"
        return Finding("access", "warning", told, "set REMORA_ADMIN_KEY, the operator's key")
    return Finding("access", "good", "nothing asks for a key: anyone who reaches it may use it")


async def _extraction(settings: Settings) -> Finding:
    if settings.extraction.mode == "off":
        return Finding("extraction", "good", "off: conversations are kept, no facts drawn from them")
    try:
        async with asyncio.timeout(SECONDS), open_llm(settings) as llm:
            if llm is None:
                wanting = "a key of the server's" if settings.extraction.model else "REMORA_EXTRACTION_MODEL"
                return Finding("extraction", "good", f"by rules; {wanting} would have it done by an LLM")
            await llm.extract(_SAMPLE, [])
    except (RemoraError, TimeoutError) as error:
        remedy = "see that REMORA_EXTRACTION_MODEL, _BASE_URL and _API_KEY go together, and the model can fill a schema"
        return Finding("extraction", "bad", _reason(error), remedy)
    return Finding("extraction", "good", f"{settings.extraction.model} answers in the form it is asked for")


async def _ask(url: str, key: Secret | None) -> httpx.Response | httpx.HTTPError:
    headers = {} if key is None else {"Authorization": f"Bearer {key.reveal()}"}
    try:
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            return await client.get(url, headers=headers)
    except httpx.HTTPError as error:
        return error


def _reason(error: RemoraError | TimeoutError) -> str:
    return error.message if isinstance(error, RemoraError) else f"no answer within {SECONDS:g} seconds"

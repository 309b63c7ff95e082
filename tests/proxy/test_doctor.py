import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import uvicorn
from click.testing import CliRunner
from litestar import Litestar, Request, Response, get, post
from rich.console import Console

from admin.key import KeyDraft
from admin.tenant import DEFAULT
from config.settings import Embedder, Extraction, Secret, Settings, Upstream
from proxy.cli import main
from proxy.demo.servers import serving
from proxy.doctor import Finding, examine, show
from proxy.parts import open_parts
from tests.support.redis_server import RedisServer
from tests.support.server import RemoraServer, settings_for
from tests.support.services import a_caller

KEY = "sk-right"

NO_FACTS = {"choices": [{"message": {"role": "assistant", "content": '{"facts": []}'}}]}


@contextmanager
def upstream(status: int = 200) -> Iterator[str]:
    """A server that lists its models and finds no facts: with `status`, or 401 where the key is another than KEY."""

    def answer(request: Request[Any, Any, Any]) -> Response[Any]:
        right = request.headers.get("authorization") == f"Bearer {KEY}"
        return Response(NO_FACTS, status_code=status if right else 401)

    @get("/v1/models")
    async def models(request: Request[Any, Any, Any]) -> Response[Any]:
        return answer(request)

    @post("/v1/chat/completions")
    async def chat(request: Request[Any, Any, Any]) -> Response[Any]:
        return answer(request)

    app = Litestar([models, chat], logging_config=None, openapi_config=None)
    with serving(uvicorn.Config(app, log_config=None, access_log=False)) as url:
        yield f"{url}/v1"


@pytest.fixture
def closed_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def found(settings: Settings, subject: str) -> list[Finding]:
    return [finding for finding in await examine(settings) if finding.subject == subject]


def settings(base_url: str, key: str | None = KEY, *, store: str = "sqlite://", **more: Any) -> Settings:
    api_key = None if key is None else Secret(key)
    return Settings(store=store, upstream=Upstream(base_url=base_url, api_key=api_key), **more)


async def test_all_is_well_with_a_server_that_works() -> None:
    with upstream() as url:
        findings = await examine(settings(url))
    assert {finding.subject for finding in findings} == {
        "settings",
        "upstream",
        "tokens",
        "embedder",
        "store",
        "access",
        "extraction",
    }
    assert [finding for finding in findings if finding.state == "bad"] == []


async def test_a_refused_key_is_told_with_its_setting() -> None:
    with upstream() as url:
        (finding,) = await found(settings(url, "sk-wrong"), "upstream")
    assert (finding.state, finding.text) == ("bad", f"{url} refuses the key")
    assert "REMORA_UPSTREAM_API_KEY" in finding.remedy


async def test_an_upstream_that_wants_the_clients_key_is_well() -> None:
    with upstream() as url:
        (finding,) = await found(settings(url, None), "upstream")
    assert finding.state == "good"
    assert "each client has to bring" in finding.text


async def test_an_upstream_that_answers_something_else_is_a_warning() -> None:
    with upstream(404) as url:
        (finding,) = await found(settings(url), "upstream")
    assert finding.state == "warning"
    assert "REMORA_UPSTREAM_BASE_URL" in finding.remedy


async def test_an_upstream_out_of_reach_is_told_with_its_setting(closed_port: int) -> None:
    (finding,) = await found(settings(f"http://127.0.0.1:{closed_port}/v1"), "upstream")
    assert finding.state == "bad"
    assert "REMORA_UPSTREAM_BASE_URL" in finding.remedy


async def test_an_extraction_model_that_answers_is_well() -> None:
    with upstream() as url:
        (finding,) = await found(settings(url, extraction=Extraction(model="small")), "extraction")
    assert finding == Finding("extraction", "good", "small answers in the form it is asked for")


async def test_an_extraction_model_that_does_not_answer_is_told() -> None:
    with upstream() as url:
        chosen = Extraction(model="small", api_key=Secret("sk-wrong"))
        (finding,) = await found(settings(url, extraction=chosen), "extraction")
    assert (finding.state, "401" in finding.text) == ("bad", True)


async def test_extraction_by_an_llm_that_is_not_named_is_told(closed_port: int) -> None:
    chosen = settings(f"http://127.0.0.1:{closed_port}", extraction=Extraction(mode="llm"))
    (finding,) = await found(chosen, "extraction")
    assert (finding.state, finding.text) == ("bad", "extraction by an LLM needs REMORA_EXTRACTION_MODEL")


async def test_settings_that_are_not_to_be_served_are_told(closed_port: int) -> None:
    chosen = settings(f"http://127.0.0.1:{closed_port}", host="0.0.0.0")
    (finding,) = await found(chosen, "settings")
    assert (finding.state, "REMORA_ADMIN_KEY" in finding.remedy) == ("bad", True)


@pytest.mark.parametrize("admin_key", [None, Secret("the-operators-key")])
async def test_who_is_let_in_is_told(closed_port: int, tmp_path: Path, admin_key: Secret | None) -> None:
    chosen = settings(f"http://127.0.0.1:{closed_port}", store=f"sqlite:///{tmp_path}/remora.db", admin_key=admin_key)
    (before,) = await found(chosen, "access")
    async with open_parts(chosen) as parts:
        await parts.keys.issue(a_caller(operator=True), DEFAULT, KeyDraft())
    (after,) = await found(chosen, "access")

    if admin_key is None:
        assert "anyone" in before.text
        assert (after.state, after.remedy) == ("warning", "set REMORA_ADMIN_KEY, the operator's key")
    else:
        assert "no tenant has one" in before.text
        assert "a tenant's" in after.text


@pytest.mark.parametrize(("admin_key", "states"), [("x" * 15, ["warning", "good"]), ("x" * 16, ["good"])])
async def test_an_operators_key_that_may_be_guessed_is_told(
    closed_port: int, admin_key: str, states: list[str]
) -> None:
    chosen = settings(f"http://127.0.0.1:{closed_port}", admin_key=Secret(admin_key))
    findings = await found(chosen, "access")

    assert [finding.state for finding in findings] == states
    assert not any(admin_key in finding.text + finding.remedy for finding in findings)


async def test_an_embedder_out_of_reach_is_told_and_the_store_left_alone(closed_port: int) -> None:
    place = f"http://127.0.0.1:{closed_port}"
    chosen = settings(place, embedder=Embedder(kind="openai", base_url=place, timeout=0.5))
    (embedder,) = await found(chosen, "embedder")
    (store,) = await found(chosen, "store")
    assert (embedder.state, store.text) == ("bad", "not looked at")


async def test_a_redis_out_of_reach_is_told_with_its_setting(closed_port: int) -> None:
    chosen = Settings(
        store=f"redis://127.0.0.1:{closed_port}/0", upstream=Upstream(base_url=f"http://127.0.0.1:{closed_port}")
    )
    (finding,) = await found(chosen, "store")
    assert (finding.state, "REMORA_STORE" in finding.remedy) == ("bad", True)


async def test_a_redis_that_evicts_is_warned_of(private_redis_server: RedisServer, closed_port: int) -> None:
    with redis.Redis.from_url(private_redis_server.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    chosen = Settings(store=private_redis_server.url, upstream=Upstream(base_url=f"http://127.0.0.1:{closed_port}"))
    good, warning = await found(chosen, "store")
    assert (good.state, warning.state) == ("good", "warning")
    assert "noeviction" in warning.remedy


def test_every_finding_that_is_not_good_shows_what_to_do() -> None:
    page = io.StringIO()
    findings = [Finding("store", "bad", "it is gone", "set REMORA_STORE"), Finding("tokens", "good", "exact")]
    show(findings, Console(file=page, width=80))
    assert [line.split() for line in page.getvalue().splitlines()] == [
        ["✗", "store", "it", "is", "gone"],
        ["→", "set", "REMORA_STORE"],
        ["✓", "tokens", "exact"],
    ]


def test_a_bad_finding_ends_it_with_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {"REMORA_UPSTREAM_BASE_URL": f"http://127.0.0.1:{closed_port}", "REMORA_STORE": "sqlite://"}
    result = CliRunner().invoke(main, ["doctor"], env=environment)
    assert result.exit_code == 1
    assert "set REMORA_UPSTREAM_BASE_URL" in result.output


def test_no_bad_finding_ends_it_with_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with upstream() as url:
        environment = {"REMORA_UPSTREAM_BASE_URL": url, "REMORA_STORE": "sqlite://"}
        result = CliRunner().invoke(main, ["doctor"], env=environment)
    assert result.exit_code == 0, result.output


async def test_a_store_that_a_running_server_has_open_is_what_that_server_says(tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path}/remora.db"
    with upstream() as base_url, RemoraServer(settings_for(base_url, place)) as server:
        port = int(server.origin.rpartition(":")[2])
        [store] = await found(settings(base_url, store=place, port=port), "store")

    assert store.state == "good"
    assert server.origin in store.text


async def test_a_store_that_something_else_has_open_is_a_warning(tmp_path: Path, closed_port: int) -> None:
    place = f"sqlite:///{tmp_path}/remora.db"
    with upstream() as base_url, RemoraServer(settings_for(base_url, place)):
        [store] = await found(settings(base_url, store=place, port=closed_port), "store")

    assert store.state == "warning"

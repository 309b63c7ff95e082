from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from config.settings import Secret, Settings
from memory.errors import Invalid, NotFound, RemoraError, Unauthenticated, Unavailable
from proxy.remote import open_api, origin
from tests.support.asgi_server import AsgiServer
from tests.support.ports import free_port
from tests.support.server import RemoraServer, settings_for


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for("http://127.0.0.1:9/v1", f"sqlite:///{tmp_path}/remora.db", port=free_port())


@pytest.fixture
def guarded(settings: Settings) -> Iterator[RemoraServer]:
    """A server that has the store, and asks for a key."""
    with RemoraServer(with_(settings, admin_key=Secret("operator"))) as server:
        yield server


def with_(settings: Settings, **given: Any) -> Settings:
    return structs.replace(settings, **given)


MEMORY = {"namespace": "default", "content": "It rained in Porto"}


async def test_who_has_the_store_needs_no_server_and_no_key(settings: Settings) -> None:
    guarded = with_(settings, admin_key=Secret("operator"))
    for _ in range(2):
        async with open_api(guarded) as api:
            assert (await api.post("/v1/memories", json=MEMORY)).status_code == 201
    async with open_api(settings) as api:
        assert (await api.get("/v1/memories")).json()["total"] == 2


async def test_a_server_that_has_the_store_is_asked_with_the_operators_key(
    settings: Settings, guarded: RemoraServer
) -> None:
    here = with_(settings, admin_key=Secret("operator"), port=int(guarded.origin.rpartition(":")[2]))
    async with open_api(here) as api:
        assert (await api.get("/v1/memories")).json()["total"] == 0
        assert str(api.base_url) == guarded.origin


async def test_a_server_is_asked_by_its_url_with_or_without_v1(
    settings: Settings, guarded: RemoraServer, tmp_path: Path
) -> None:
    unopened = tmp_path / "unopened.db"
    elsewhere = with_(settings, admin_key=Secret("operator"), store=f"sqlite:///{unopened}")
    for url in (guarded.origin, guarded.url, f"{guarded.url}/"):
        async with open_api(elsewhere, url) as api:
            assert (await api.get("/v1/memories")).status_code == 200
    assert not unopened.exists()


async def test_memory_that_only_a_server_can_have_is_looked_for_there(settings: Settings) -> None:
    settings = with_(settings, store="sqlite://")
    with pytest.raises(Unavailable, match="no answer from a server at"):
        async with open_api(settings) as api:
            await api.get("/v1/memories")


async def test_a_server_that_wants_another_key_is_told_so(guarded: RemoraServer, settings: Settings) -> None:
    with pytest.raises(Unauthenticated, match="set REMORA_ADMIN_KEY to that server's"):
        async with open_api(settings, guarded.url) as api:
            await api.get("/v1/memories")


async def test_a_refusal_raises_with_the_servers_own_words(settings: Settings) -> None:
    async with open_api(settings) as api:
        with pytest.raises(RemoraError, match="Memory not found") as raised:
            await api.get("/v1/memories/none")
        assert raised.value.details["status"] == 404


async def test_a_refusal_in_another_shape_raises_with_its_status(settings: Settings) -> None:
    async def teapot(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>"})

    with AsgiServer(teapot) as server, pytest.raises(RemoraError, match="418 I'm a Teapot"):
        async with open_api(settings, server.origin) as api:
            await api.get("/v1/memories")


@pytest.mark.parametrize("error", [Invalid("mine"), NotFound("mine"), ValueError("mine")])
async def test_what_is_raised_while_it_is_open_comes_out_as_it_is(settings: Settings, error: Exception) -> None:
    with pytest.raises(type(error), match="mine"):
        async with open_api(settings):
            raise error


def test_an_address_of_version_6_stands_in_brackets() -> None:
    assert origin(Settings(host="::1", port=80)) == "http://[::1]:80"

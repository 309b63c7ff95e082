"""`remora keys` and `remora tenants`, over a store of their own and over a server's."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner, Result

from config.settings import Secret
from proxy.cli import main
from tests.support.ports import free_port
from tests.support.server import RemoraServer, settings_for


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def remora(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"REMORA_PORT": str(free_port()), **environment})


def key_ids(listed: Result) -> list[str]:
    return [line.split()[0] for line in listed.stdout.splitlines() if line.strip().startswith("key_")]


def test_a_new_key_stands_alone_on_standard_output() -> None:
    created = remora("keys", "create", "--name", "production", "--scope", "read", "--scope", "context")
    assert created.exit_code == 0, created.output
    [key] = created.stdout.splitlines()
    assert key.startswith("remora_")
    assert "may context, read" in created.stderr
    assert key not in created.stderr


def test_the_key_opens_a_server_over_the_same_store_which_then_asks_everybody_for_one(working_directory: Path) -> None:
    key = remora("keys", "create").stdout.strip()
    with RemoraServer(settings_for("http://127.0.0.1:9/v1", "sqlite:///remora.db")) as server:
        assert httpx.get(f"{server.url}/memories", headers={"X-API-Key": key}).status_code == 200
        assert httpx.get(f"{server.url}/memories").status_code == 401


def test_keys_are_listed_without_what_is_secret_and_revoked_by_their_ids() -> None:
    key = remora("keys", "create", "--name", "production", "--namespace", "work", "--expires", "90d").stdout.strip()
    listed = remora("keys", "list")
    [id] = key_ids(listed)
    assert "production" in listed.stdout
    assert "work" in listed.stdout
    assert key not in listed.stdout
    assert remora("keys", "revoke", id).exit_code == 0
    assert key_ids(remora("keys", "list")) == []
    again = remora("keys", "revoke", id)
    assert (again.exit_code, again.stderr) == (1, "Key not found\n")


@pytest.mark.parametrize(
    ("given", "days"),
    [("90d", 90), ("4w", 28), ("48h", 2), ((datetime.now(UTC) + timedelta(days=400)).date().isoformat(), 400)],
)
def test_a_key_may_end_at_a_time_or_after_a_span(given: str, days: int) -> None:
    created = remora("keys", "create", "--expires", given)
    ends = datetime.fromisoformat(created.stderr.partition(" until ")[2].partition(";")[0])
    assert abs(ends - datetime.now(UTC) - timedelta(days=days)) < timedelta(days=1)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--expires", "soon"), 2, "'soon' is neither a time like 2030-01-31 nor a span like 12h, 90d or 4w"),
        (("--expires", "2020-01-31"), 1, "expires_at: must be in the future"),
        (("--scope", "fly"), 2, "'fly' is not one of"),
        (("--namespace", "a/b"), 1, "namespaces: must be 1-128 characters"),
        (("--tenant", "nobody"), 1, "Tenant not found"),
    ],
)
def test_what_is_wrong_is_told_in_words(arguments: tuple[str, ...], code: int, told: str) -> None:
    result = remora("keys", "create", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bad_setting_is_told_as_by_every_command() -> None:
    result = remora("keys", "list", REMORA_PORT="high")
    assert (result.exit_code, result.stderr) == (2, "REMORA_PORT: expected a whole number of at least 0 up to 65535\n")


@pytest.fixture
def server(working_directory: Path) -> Iterator[RemoraServer]:
    settings = settings_for("http://127.0.0.1:9/v1", "sqlite:///remora.db", admin_key=Secret("operator"))
    with RemoraServer(settings) as server:
        yield server


def test_a_server_that_has_the_store_is_asked_with_the_operators_key(server: RemoraServer) -> None:
    port = server.origin.rpartition(":")[2]
    key = remora("keys", "create", REMORA_PORT=port, REMORA_ADMIN_KEY="operator").stdout.strip()
    assert httpx.get(f"{server.url}/memories", headers={"X-API-Key": key}).status_code == 200


def test_without_the_servers_key_nothing_is_done_and_what_to_set_is_told(server: RemoraServer) -> None:
    result = remora("keys", "create", "--url", server.url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "set REMORA_ADMIN_KEY to that server's" in result.stderr


def test_where_a_server_that_has_the_store_does_not_answer_it_is_told_where_it_was_looked_for(
    server: RemoraServer,
) -> None:
    port = str(free_port())
    result = remora("keys", "list", REMORA_PORT=port)
    assert result.exit_code == 1
    assert result.stderr == (
        f"no answer from a server at http://127.0.0.1:{port}: start it there, or name it with --url\n"
    )


def test_tenants_are_managed(server: RemoraServer) -> None:
    def tenants(*arguments: str) -> Result:
        result = remora("tenants", *arguments, "--url", server.url, REMORA_ADMIN_KEY="operator")
        assert result.exit_code == 0, result.output
        return result

    id = tenants("create", "acme corp", "--plan", "free").stdout.strip()
    assert id.startswith("tenant_")
    tenants("suspend", "acme corp", "--reason", "Payment overdue")
    assert "suspended" in tenants("list").stdout
    tenants("activate", id)
    assert "suspended" not in tenants("list").stdout
    assert tenants("delete", "acme corp", "--yes").stdout.strip()
    assert "deleting" in tenants("list").stdout


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_tenant_is_deleted_only_when_that_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    remora("tenants", "create", "acme")
    monkeypatch.setattr("sys.stdin", _Terminal("n\n"))
    with pytest.raises(click.Abort):
        main(["tenants", "delete", "acme"], standalone_mode=False)
    assert "active" in remora("tenants", "list").stdout.partition("acme")[2]


def test_without_a_terminal_a_tenant_is_deleted_only_with_yes() -> None:
    remora("tenants", "create", "acme")
    refused = CliRunner().invoke(main, ["tenants", "delete", "acme"], input="y\n")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    assert "active" in remora("tenants", "list").stdout.partition("acme")[2]


def test_a_name_or_id_that_leads_elsewhere_is_refused_and_nothing_is_asked() -> None:
    remora("tenants", "create", "acme")
    for key_id in ("..", "../../acme", ".", "", "%2e%2e", "key_1"):
        refused = remora("keys", "revoke", key_id, "--tenant", "acme")
        assert (refused.exit_code, refused.stdout) == (2, ""), refused.output
        assert "no id of a key" in refused.stderr
    for name in ("..", ".", "", "../tenants/acme", "x/../acme", "acme/"):
        refused = remora("tenants", "delete", name, "--yes")
        assert (refused.exit_code, refused.stderr) == (1, f"'{name}' is no name or id\n")
        assert remora("keys", "list", "--tenant", name).exit_code == 1
    assert "active" in remora("tenants", "list").stdout.partition("acme")[2]


def test_a_name_cannot_speak_to_the_terminal() -> None:
    created = remora("keys", "create", "--name", "[/x] \u202eacme", "--namespace", "[bold]")
    assert created.exit_code == 0, created.output
    listed = remora("keys", "list")
    assert listed.exit_code == 0, listed.output
    assert "[/x] \\u202eacme" in listed.stdout
    assert "[bold]" in listed.stdout
    refused = remora("tenants", "suspend", "a\x1b[2J\0/")
    assert refused.stderr == "'a\\x1b[2J\\x00/' is no name or id\n"

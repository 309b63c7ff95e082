import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.settings import Secret, Settings
from proxy.cli import main
from proxy.serve import refusals


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment)


def test_it_names_its_commands() -> None:
    output = run("--help").output
    for command in ("serve", "work", "demo", "doctor", "reindex"):
        assert f"\n  {command} " in output


def test_bad_settings_are_printed_one_per_line_and_end_it_with_2() -> None:
    result = run("serve", REMORA_PORT="high", REMORA_LOG_LEVEL="loud")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "REMORA_PORT: expected a whole number of at least 0 up to 65535",
        "REMORA_LOG_LEVEL: expected one of debug, error, info, warning",
    ]


def test_a_settings_file_in_the_working_directory_is_picked_up(working_directory: Path) -> None:
    (working_directory / "remora.toml").write_text("prot = 1\n")
    assert run("serve").stderr == "prot: no such setting\n"


def test_a_settings_file_can_be_named(working_directory: Path) -> None:
    (working_directory / "remora.toml").write_text("prot = 1\n")
    (working_directory / "other.toml").write_text("prot = 2\nprt = 3\n")
    assert run("serve", "--config", "other.toml").stderr == "prot: no such setting\nprt: no such setting\n"


def test_a_named_settings_file_has_to_exist() -> None:
    result = run("serve", "--config", "none.toml")
    assert (result.exit_code, result.stderr) == (2, "none.toml: No such file or directory\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "remora.example"])
def test_it_does_not_listen_beyond_loopback_without_a_key(host: str) -> None:
    result = run("serve", REMORA_HOST=host)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"REMORA_HOST: '{host}' can be reached from other machines")
    assert "set REMORA_ADMIN_KEY" in result.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
def test_it_listens_on_loopback_without_a_key(host: str) -> None:
    assert refusals(Settings(host=host)) == []


def test_it_listens_beyond_loopback_with_a_key_or_when_told_that_it_may() -> None:
    assert refusals(Settings(host="0.0.0.0", admin_key=Secret("k"))) == []
    assert refusals(Settings(host="0.0.0.0", insecure=True)) == []


@pytest.mark.parametrize("store", ["sqlite://", "sqlite:///memory.db"])
def test_several_processes_on_sqlite_are_refused_with_a_pointer_to_redis(store: str) -> None:
    result = run("serve", REMORA_WORKERS="2", REMORA_STORE=store)
    assert result.exit_code == 2
    assert "REMORA_WORKERS: SQLite serves one process, not 2" in result.stderr
    assert "redis://" in result.stderr


@pytest.mark.parametrize("proxy", ["10.0.0.1/8", "10.0.0", "::1/129", "a:b"])
def test_what_is_no_address_is_no_trusted_proxy(proxy: str) -> None:
    (problem,) = refusals(Settings(trusted_proxies=f"127.0.0.1, {proxy},"))
    assert f"REMORA_TRUSTED_PROXIES: '{proxy}' is no IP address and no network" in problem


def test_addresses_and_networks_are_trusted_proxies() -> None:
    assert refusals(Settings(trusted_proxies="127.0.0.1,10.0.0.0/8, ::1, 2001:db8::/32")) == []


def test_several_processes_on_redis_are_not() -> None:
    assert refusals(Settings(workers=2, store="redis://localhost")) == []


def test_a_taken_port_is_told_by_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", REMORA_PORT=str(port))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"REMORA_HOST, REMORA_PORT: can't listen on 127.0.0.1 port {port}")

"""`remora export` and `remora import`, over a store of their own and over a server's."""

import contextlib
import json
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from config.settings import Secret
from proxy import transfer
from proxy.cli import main
from tests.support.ports import free_port
from tests.support.process import RemoraProcess
from tests.support.server import RemoraServer, settings_for

UPSTREAM = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[RemoraServer]:
    """One that asks for a key."""
    with RemoraServer(settings_for(UPSTREAM, "sqlite:///server.db", admin_key=Secret("operator"))) as server:
        yield server


def remora(*arguments: str, given: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"REMORA_PORT": str(free_port()), **environment}, input=given)


def a_file(name: str, *lines: object) -> Path:
    path = Path(name)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def told(result: Result) -> tuple[int, int, int]:
    """Imported, skipped, refused."""
    found = re.search(r"([\d,]+) imported, ([\d,]+) there already, ([\d,]+) refused", result.stderr)
    assert found, result.output
    imported, skipped, refused = (int(number.replace(",", "")) for number in found.groups())
    return imported, skipped, refused


def contents(text: str) -> list[str]:
    lines = [json.loads(line) for line in text.splitlines()]
    assert "format" in lines[0]
    return sorted(line["content"] for line in lines[1:])


def test_memories_go_out_of_one_store_and_into_another_and_back_unchanged() -> None:
    a_file("in.jsonl", {"content": "likes tea", "user_id": "ada"}, {"content": "plays chess", "namespace": "games"})
    assert told(remora("import", "in.jsonl")) == (2, 0, 0)
    first = remora("export", "first.jsonl")
    assert first.exit_code == 0, first.output
    assert first.stdout == ""
    elsewhere = {"REMORA_STORE": "sqlite:///elsewhere.db"}
    assert told(remora("import", "first.jsonl", **elsewhere)) == (2, 0, 0)
    assert told(remora("import", "first.jsonl", **elsewhere)) == (0, 2, 0)
    assert remora("export", "second.jsonl", **elsewhere).exit_code == 0
    assert Path("second.jsonl").read_bytes() == Path("first.jsonl").read_bytes()


def test_standard_input_and_output_do_as_well() -> None:
    assert told(remora("import", "-", given='{"content": "likes tea"}\n{"content": "plays chess"}')) == (2, 0, 0)
    assert contents(remora("export", "-").stdout) == ["likes tea", "plays chess"]


def test_a_server_is_asked_with_the_key_of_the_environment(server: RemoraServer) -> None:
    a_file("in.jsonl", {"content": "likes tea"})
    refused = remora("import", "in.jsonl", "--url", server.url)
    assert refused.exit_code == 1
    assert "set REMORA_ADMIN_KEY" in refused.stderr
    assert told(remora("import", "in.jsonl", "--url", server.url, REMORA_ADMIN_KEY="operator")) == (1, 0, 0)
    # The same server, found by having the store.
    here = {"REMORA_STORE": "sqlite:///server.db", "REMORA_PORT": server.origin.rpartition(":")[2]}
    assert contents(remora("export", "-", REMORA_ADMIN_KEY="operator", **here).stdout) == ["likes tea"]


def test_the_options_narrow_an_export_and_complete_an_import() -> None:
    a_file("in.jsonl", {"content": "likes tea"}, {"content": "plays chess", "namespace": "games", "user_id": "bob"})
    assert told(remora("import", "in.jsonl", "--namespace", "notes", "--user", "ada")) == (2, 0, 0)
    for options, found in (
        (["--namespace", "notes"], ["likes tea"]),
        (["--user", "bob"], ["plays chess"]),
        (["--namespace", "notes", "--user", "bob"], []),
    ):
        assert contents(remora("export", "-", *options).stdout) == found
    missing = remora("export", "-", "--namespace", "nowhere")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "Namespace not found" in missing.stderr


def test_refused_lines_are_told_and_make_it_fail_but_stop_nothing() -> None:
    a_file("in.jsonl", {"content": "likes tea"}, {"contents": "plays chess"}, *[{"content": ""}] * 120)
    result = remora("import", "in.jsonl")
    assert result.exit_code == 1
    assert told(result) == (1, 0, 121)
    assert "line 2: contents: is not a known field" in result.stderr
    assert "… and 21 lines more" in result.stderr


def test_an_interrupted_export_goes_on_where_the_file_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAGE", 7)
    a_file("in.jsonl", *({"content": f"memory {place}"} for place in range(30)))
    assert told(remora("import", "in.jsonl")) == (30, 0, 0)
    assert remora("export", "whole.jsonl").exit_code == 0
    whole = Path("whole.jsonl").read_bytes()
    assert whole.count(b"\n") == 31
    for size in (
        0,
        1,
        20,
        whole.index(b"\n") - 1,
        whole.index(b"\n"),
        whole.index(b"\n") + 1,
        whole.index(b"\n") + 9,
        len(whole) // 2,
        len(whole) - 1,
        len(whole),
    ):
        Path("part.jsonl").write_bytes(whole[:size])
        assert remora("export", "part.jsonl").exit_code == 0
        assert Path("part.jsonl").read_bytes() == whole


def test_an_export_run_later_adds_what_is_new() -> None:
    a_file("in.jsonl", {"content": "likes tea"})
    remora("import", "in.jsonl")
    remora("export", "out.jsonl")
    with RemoraServer(settings_for(UPSTREAM, "sqlite:///remora.db")) as server:
        body = {"namespace": "default", "content": "plays chess"}
        httpx.post(f"{server.url}/memories", json=body).raise_for_status()
    assert remora("export", "out.jsonl").stderr.endswith("2 memories\n")
    assert contents(Path("out.jsonl").read_text()) == ["likes tea", "plays chess"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# my notes\n", "is no export"),
        ('{"format":"another"', "is no export"),
        ('{"format":"remora-memories","version":1}\nnotes\n', "is no export"),
        ('{"format":"remora-memories","version":1,"user_id":"bob"}\n{"id":"mem_00000000001"}\n', "another namespace"),
    ],
)
def test_a_file_that_is_something_else_is_left_alone(text: str, reason: str) -> None:
    Path("notes").write_text(text)
    result = remora("export", "notes")
    assert result.exit_code == 1
    assert reason in result.stderr
    assert Path("notes").read_text() == text


def test_an_export_is_nobody_elses_to_read() -> None:
    assert remora("export", "out.jsonl").exit_code == 0
    assert stat.S_IMODE(Path("out.jsonl").stat().st_mode) == 0o600


def test_a_missing_file_is_told() -> None:
    result = remora("import", "none.jsonl")
    assert result.exit_code == 2
    assert "none.jsonl" in result.stderr


def test_a_place_that_cannot_be_written_to_is_told_in_words() -> None:
    result = remora("export", "no/such/folder/out.jsonl")
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr


@pytest.mark.timeout(300)  # it starts four processes
def test_an_import_killed_at_either_end_is_whole_after_another_run() -> None:
    lines = [json.dumps({"content": f"turn {place}", "run_id": "s", "role": "user"}) for place in range(1_000)]
    Path("in.jsonl").write_text("\n".join(lines))
    with RemoraProcess(STORE=f"sqlite:///{Path.cwd()}/remora.db", UPSTREAM_BASE_URL=UPSTREAM) as server:
        server.start()
        begun = [_begun(server, lines[:500], killed="server")]
        server.start()
        begun += [_begun(server, lines[:900], killed="client")]
        assert 0 < begun[0] < begun[1]
        imported, skipped, refused = told(remora("import", "in.jsonl", "--url", server.url))
        assert (imported + skipped, refused) == (1_000, 0)
        assert skipped >= begun[1]
        turns = httpx.get(f"{server.url}/memories", params={"limit": "1000", "run_id": "s"}).json()["items"]
    assert len(turns) == 1_000
    assert [turn["content"] for turn in sorted(turns, key=lambda turn: turn["seq"])] == [
        json.loads(line)["content"] for line in lines
    ]


def _begun(server: RemoraProcess, lines: list[str], *, killed: str) -> int:
    """Begins an import that goes on for ever, kills one end of it, and says how many memories there are then."""
    command = [str(Path(sys.executable).with_name("remora")), "import", "-", "--url", server.url]
    with (
        httpx.Client(base_url=server.origin, timeout=30) as asking,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as client,
    ):

        def count() -> int:
            total: int = asking.get("/v1/memories", params={"limit": "1"}).json()["total"]
            return total

        assert client.stdin is not None
        assert client.stderr is not None
        before = count()
        client.stdin.write("".join(f"{line}\n" for line in lines).encode())
        client.stdin.flush()
        while (now := count()) <= before:
            assert client.poll() is None, client.stderr.read()
            time.sleep(0.02)
        if killed == "client":
            client.kill()
            return now
        server.kill()
        with contextlib.suppress(BrokenPipeError):
            client.stdin.write(b"\n" * 1_000_000)  # so that it finds out
        assert b"no answer from a server" in client.stderr.read()
        return now

"""The processes of the benchmark, each on a free loopback port and in a folder of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tests.bench.corpus import memories
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 10.0
BATCH = 100


@dataclass
class Server:
    """A process that listens on `url`."""

    url: str
    process: psutil.Process
    idle_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.idle_bytes = self.resident_bytes()

    def resident_bytes(self) -> int:
        return int(self.process.memory_info().rss)

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def running(module: str, *arguments: str, folder: Path, settings: dict[str, str] | None = None) -> Iterator[Server]:
    """`python -m module PORT arguments`, once it listens; with `settings`, `remora serve` under them instead."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REMORA_")}
    command = [sys.executable, "-m", module, str(port), *arguments]
    if settings is not None:
        command = [sys.executable, "-m", module, *arguments]
        environment |= {"REMORA_PORT": str(port), "REMORA_LOG_LEVEL": "warning", **settings}
    environment["PYTHONPATH"] = str(ROOT)
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_until_it_listens(process, port, Path(log.name))
            yield Server(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
        finally:
            _end(process)


def load_memories(
    server: Server, users: int, *, namespace: str = "default", at_most: int | None = None
) -> Iterator[int]:
    """Store the corpus through the API; yields after each batch how many are stored."""
    corpus = memories(users)[:at_most]
    with httpx.Client(base_url=server.url, timeout=60) as client:
        if namespace != "default":
            client.post("/v1/namespaces", json={"name": namespace}).raise_for_status()
        for start in range(0, len(corpus), BATCH):
            batch = {"namespace": namespace, "memories": corpus[start : start + BATCH]}
            answer = client.post("/v1/memories/batch", json=batch).raise_for_status().json()
            if answer["created_count"] != len(batch["memories"]):
                raise RuntimeError(f"memories were refused: {answer['failed'][:3]}")
            yield start + BATCH


def settle(servers: Sequence[Server], *, seconds: float = 60.0) -> None:
    """Wait until none is busy any more (with what it learns, above all), for `seconds` at most."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = sum(server.cpu_seconds() for server in servers)
        time.sleep(0.3)
        if sum(server.cpu_seconds() for server in servers) - before < 0.03:
            return


def library_bytes(program: str) -> int:
    """Resident memory of a process that runs `program` and then waits."""
    command = [sys.executable, "-c", f"{program}\nprint(flush=True)\ninput()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError("the libraries can't be imported")
        resident = int(psutil.Process(process.pid).memory_info().rss)
        process.terminate()
    return resident


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            # Anything that speaks HTTP answers this: a 404 too means that it is up.
            httpx.get(f"http://127.0.0.1:{port}/ready", timeout=START_SECONDS)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"a server did not start:\n{log.read_text(errors='replace')[-2000:]}")

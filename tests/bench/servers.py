"""The processes of the benchmark, each on a free loopback port and in a folder of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tests.bench.corpus import MEMORIES, memories
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


@contextmanager
def running(module: str, *arguments: str, folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """`python -m module PORT arguments`, once it listens; with `settings`, `remora serve` under them instead."""
    port = free_port()
    if settings is None:
        command, own = [sys.executable, "-m", module, str(port), *arguments], dict[str, str]()
    else:
        command = [sys.executable, "-m", module, *arguments]
        own = {"REMORA_PORT": str(port), "REMORA_LOG_LEVEL": "warning", **settings}
    with listening(command, port, folder=folder, environment=own | {"PYTHONPATH": str(ROOT)}) as server:
        yield server


@contextmanager
def listening(
    command: Sequence[str], port: int, *, folder: Path, environment: Mapping[str, str], patience: float = START_SECONDS
) -> Iterator[Server]:
    """A program, once something answers HTTP on its port. `environment` is added to this process's, less its REMORA_*.

    Raises RuntimeError with the end of what it printed where it does not within `patience` seconds.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REMORA_")}
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, env={**inherited, **environment}, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_until_it_listens(process, port, Path(log.name), patience)
            yield Server(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
        finally:
            _end(process)


def load_memories(
    server: Server, users: int, count: int = MEMORIES, *, namespace: str = "default", at_most: int | None = None
) -> Iterator[int]:
    """Store the corpus through the API; yields after each batch how many are stored."""
    corpus = memories(users, count)[:at_most]
    with httpx.Client(base_url=server.url, timeout=60) as client:
        if namespace != "default":
            client.post("/v1/namespaces", json={"name": namespace}).raise_for_status()
        for start in range(0, len(corpus), BATCH):
            batch = {"namespace": namespace, "memories": corpus[start : start + BATCH]}
            answer = client.post("/v1/memories/batch", json=batch).raise_for_status().json()
            if answer["created_count"] != len(batch["memories"]):
                raise RuntimeError(f"memories were refused: {answer['failed'][:3]}")
            yield start + BATCH


def settle(processes: Sequence[psutil.Process], *, seconds: float = 60.0) -> None:
    """Wait until none is busy any more (with what it learns, above all), for `seconds` at most."""
    deadline = time.monotonic() + seconds
    busy = _cpu_seconds(processes)
    while time.monotonic() < deadline:
        time.sleep(0.3)
        before, busy = busy, _cpu_seconds(processes)
        if busy - before < 0.03:
            return


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


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


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        try:
            # Anything that speaks HTTP answers this: a 404 too means that it is up.
            httpx.get(f"http://127.0.0.1:{port}/ready", timeout=START_SECONDS)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"a server did not start:\n{log.read_text(errors='replace')[-2000:]}")

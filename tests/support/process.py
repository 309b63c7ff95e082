"""Remora as users run it: the process `remora serve`, to be stopped, killed and started again."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil

from tests.support.ports import free_port

START_SECONDS = 150.0
STOP_SECONDS = 40.0


class RemoraProcess:
    """A context manager, which ends what was started; the port stays the same over restarts."""

    def __init__(self, **variables: str) -> None:
        """`variables` are settings without their prefix: `STORE="sqlite:///x.db"`."""
        self._port = free_port()
        given = {f"REMORA_{name}": value for name, value in variables.items()}
        self._environment = {**os.environ, "REMORA_PORT": str(self._port), **given}
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def start(self, **variables: str) -> None:
        """Returns once it answers; raises RuntimeError with its log if it does not. `variables` are for this start."""
        given = {f"REMORA_{name}": value for name, value in variables.items()}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [Path(sys.executable).with_name("remora"), "serve"],
                env={**self._environment, **given},
                cwd=self._folder.name,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                httpx.get(f"{self.origin}/health", timeout=1).raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
        self.kill()
        raise RuntimeError(f"remora did not start:\n{self._log.read_text(errors='replace')[-4000:]}")

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """An orderly end."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(STOP_SECONDS)
        self._process = None

    def workers(self) -> list[int]:
        """The ids of the processes that serve, where they are several."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children()
        return [child.pid for child in children if any("spawn_main" in word for word in child.cmdline())]

    def memories(self, **where: str) -> list[str]:
        """The contents of all memories of these scopes, newest first."""
        answer = httpx.get(f"{self.url}/memories", params={"limit": "1000", **where})
        return [memory["content"] for memory in answer.raise_for_status().json()["items"]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._folder.cleanup()

    @property
    def _log(self) -> Path:
        return Path(self._folder.name) / "remora.log"

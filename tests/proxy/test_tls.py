"""An upstream behind TLS, whose certificate is from an authority of its own."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from config import settings
from proxy.errors import UpstreamFailed
from proxy.upstream import Upstream

BODY = bytes(1_000_000)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def port(authority: trustme.CA) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(len(BODY)) == BODY
                writer.write(ANSWER)
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


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

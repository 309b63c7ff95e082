import pytest

from proxy.headers import headers_to_client, headers_upstream


def upstream(*headers: tuple[bytes, bytes], authorization: str | None = None, own_key: bool = False) -> dict[str, str]:
    return dict(headers_upstream(headers, authorization=authorization, own_key=own_key))


def test_ordinary_headers_go_upstream() -> None:
    assert upstream(
        (b"content-type", b"application/json"), (b"openai-beta", b"x=1"), (b"x-stainless-os", b"Linux")
    ) == {
        "content-type": "application/json",
        "openai-beta": "x=1",
        "x-stainless-os": "Linux",
    }


@pytest.mark.parametrize(
    "name",
    [
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authorization"),
        *("host", "content-length", "expect", "cookie", "x-api-key", "authorization"),
        *("x-remora-user", "x-remora-anything", "x-maia-namespace"),
    ],
)
def test_what_is_for_this_server_stays_here(name: str) -> None:
    assert upstream((name.encode(), b"value"), (b"accept", b"*/*")) == {"accept": "*/*"}


def test_what_connection_lists_stays_here() -> None:
    assert upstream((b"connection", b"close, X-Hop"), (b"x-hop", b"1"), (b"x-end", b"2")) == {"x-end": "2"}


def test_the_authorization_given_is_the_one_sent() -> None:
    assert upstream((b"authorization", b"Bearer client"), authorization="Bearer ours") == {
        "authorization": "Bearer ours"
    }


def test_organization_and_project_belong_to_the_clients_own_key() -> None:
    headers = ((b"openai-organization", b"org"), (b"openai-project", b"proj"))
    assert upstream(*headers, own_key=True) == {}
    assert upstream(*headers, own_key=False) == {"openai-organization": "org", "openai-project": "proj"}


def test_repeated_headers_stay_repeated() -> None:
    pairs = [(b"x-a", b"1"), (b"x-a", b"2")]
    assert headers_upstream(pairs, authorization=None, own_key=False) == [("x-a", "1"), ("x-a", "2")]


def test_a_header_in_utf8_keeps_its_bytes() -> None:
    assert upstream((b"x-name", "Zoë".encode()))["x-name"].encode() == "Zoë".encode()


def test_the_upstreams_headers_reach_the_client() -> None:
    kept = [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"content-encoding", b"gzip"),
        (b"x-request-id", b"req_up"),
        (b"retry-after", b"7"),
        (b"x-ratelimit-remaining-tokens", b"1"),
    ]
    assert headers_to_client([(name.title(), value) for name, value in kept], decoded=False) == kept


def test_after_decoding_neither_encoding_nor_length_are_told() -> None:
    headers = [(b"Content-Encoding", b"gzip"), (b"Content-Length", b"99"), (b"X-A", b"1")]
    assert headers_to_client(headers, decoded=True) == [(b"x-a", b"1")]


@pytest.mark.parametrize("name", [b"Connection", b"Transfer-Encoding", b"Set-Cookie", b"Alt-Svc", b"X-Remora-Memory"])
def test_what_the_upstream_says_to_this_server_alone_ends_here(name: bytes) -> None:
    assert headers_to_client([(name, b"x"), (b"x-a", b"1")], decoded=False) == [(b"x-a", b"1")]

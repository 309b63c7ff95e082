"""Which headers go on to the other side, and which end here."""

from collections.abc import Iterable

from proxy.options import PREFIXES

RawHeaders = Iterable[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case, repeated ones repeated."""

_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_NOT_UPSTREAM = _HOP_BY_HOP | {
    b"host",
    b"content-length",
    b"expect",
    b"cookie",
    b"authorization",
    b"x-api-key",
    b"referer",
}
_OF_THE_KEY = frozenset((b"api-key", b"openai-organization", b"openai-project"))
_NOT_TO_CLIENT = _HOP_BY_HOP | {b"set-cookie", b"set-cookie2", b"alt-svc"}


def headers_upstream(headers: RawHeaders, *, authorization: str | None, own_key: bool) -> list[tuple[str, str]]:
    """A client's headers as the upstream gets them, with `authorization` if there is one. `own_key`: it is this
    server's, so what belongs to a client's own account is left out.

    The content's length is for the sender to say.
    """
    headers = list(headers)
    dropped = _NOT_UPSTREAM | _listed(headers) | (_OF_THE_KEY if own_key else frozenset())
    kept = [
        (name.decode("latin-1"), _text(value))
        for name, value in headers
        if name not in dropped and not name.startswith(PREFIXES)
    ]
    if authorization is not None:
        kept.append(("authorization", authorization))
    return kept


def headers_to_client(headers: RawHeaders, *, decoded: bool) -> list[tuple[bytes, bytes]]:
    """An upstream's headers as the client gets them. `decoded`: its content encoding was undone, so neither that nor
    the length it had is true any more."""
    headers = [(name.lower(), value) for name, value in headers]
    dropped = _NOT_TO_CLIENT | _listed(headers) | ({b"content-encoding", b"content-length"} if decoded else frozenset())
    return [(name, value) for name, value in headers if name not in dropped and not name.startswith(PREFIXES)]


def _listed(headers: RawHeaders) -> frozenset[bytes]:
    """What `Connection` declares to be of this hop only."""
    listed = [value for name, value in headers if name == b"connection"]
    return frozenset(name.strip().lower() for value in listed for name in value.split(b","))


def _text(value: bytes) -> str:
    """As it will be encoded again (in UTF-8); a header in another encoding is Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")

"""Reading a request's credentials: the document's three methods, from raw headers and query string."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from msgspec import Struct


class Credentials(Struct, frozen=True):
    """What a request brought; nothing of it is verified yet."""

    authorization: str | None = None
    """The whole header, scheme included."""
    api_key_header: str | None = None
    api_key_query: str | None = None
    azure_key: str | None = None
    """Of the header `api-key`, by which Azure's clients authenticate to their upstream."""
    host: str | None = None
    origin: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(***, host={self.host!r}, origin={self.origin!r})"

    @property
    def bearer(self) -> str | None:
        scheme, _, token = (self.authorization or "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @property
    def everything(self) -> str:
        """All keys that came, of whatever kind, as one text: who it is where nobody is asked."""
        keys = (self.authorization, self.api_key_header, self.azure_key, self.api_key_query)
        return "\n".join(key for key in keys if key)

    @property
    def for_the_upstream(self) -> tuple[str, ...]:
        """What would reach the upstream of this: every word that may be a key."""
        return (*(self.authorization or "").split(), *(self.azure_key or "").split())

    @property
    def presented(self) -> tuple[str, ...]:
        """Every key that came, the most explicit method first."""
        return tuple(key for key in (self.api_key_header, self.bearer, self.api_key_query) if key)

    @property
    def beside_authorization(self) -> tuple[str, ...]:
        """Every key that came by a method of Remora's own."""
        return tuple(key for key in (self.api_key_header, self.api_key_query) if key)


def read(headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> Credentials:
    """The credentials of a request whose raw headers and query string these are."""
    authorization = api_key = azure_key = host = origin = None
    for name, value in headers:
        # ASGI lower-cases header names.
        if name == b"authorization":
            authorization = value.decode("latin-1")
        elif name == b"x-api-key":
            api_key = value.decode("latin-1").strip()
        elif name == b"api-key":
            # All of them go upstream.
            azure_key = f"{azure_key or ''} {value.decode('latin-1')}"
        elif name == b"host":
            host = value.decode("latin-1")
        elif name == b"origin":
            origin = value.decode("latin-1")
    query = None
    if b"api_key" in query_string:
        query = next((v for k, v in parse_qsl(query_string.decode("latin-1")) if k == "api_key"), None)
    return Credentials(authorization, api_key, query, azure_key, host, origin)

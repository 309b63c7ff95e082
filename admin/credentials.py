"""Reading a request's credentials: the document's three methods, from raw headers and query string."""

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus, unquote_to_bytes

from msgspec import Struct

from admin.key import PREFIX
from memory.errors import Invalid

_MOST_KEYS = 4
_TENANTS_KEY = re.compile(PREFIX + r"[\w-]{43}", re.ASCII)
_BETWEEN_WORDS = re.compile(r"""[\s"'`,;:=&?+()<>\[\]{}]+""")
_PASSED_TO_NOBODY = frozenset((b"x-api-key", b"cookie", b"referer"))


class Credentials(Struct, frozen=True):
    """What a request brought; nothing of it is verified yet. A header or parameter may come several times."""

    authorizations: tuple[str, ...] = ()
    """Whole headers, schemes included."""
    api_key_headers: tuple[str, ...] = ()
    api_key_queries: tuple[str, ...] = ()
    azure_keys: tuple[str, ...] = ()
    """Of the header `api-key`, by which Azure's clients authenticate to their upstream."""
    host: str | None = None
    origin: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(***, host={self.host!r}, origin={self.origin!r})"

    @property
    def authorization(self) -> str | None:
        """The one that counts for the upstream."""
        return self.authorizations[-1] if self.authorizations else None

    @property
    def everything(self) -> str:
        """All keys that came, of whatever kind, as one text: who it is where nobody is asked."""
        keys = (*self.authorizations, *self.api_key_headers, *self.azure_keys, *self.api_key_queries)
        return "\n".join(key for key in keys if key)

    @property
    def for_the_upstream(self) -> tuple[str, ...]:
        """What would reach the upstream of this: every word that may be a key."""
        return tuple(word for text in (*self.authorizations, *self.azure_keys) for word in _words(text))

    @property
    def presented(self) -> tuple[str, ...]:
        """Every key that came, by whatever method."""
        return self.beside_authorization + tuple(key for text in self.authorizations if (key := _bearer(text)))

    @property
    def beside_authorization(self) -> tuple[str, ...]:
        """Every key that came by a method of Remora's own."""
        return tuple(key for key in (*self.api_key_headers, *self.api_key_queries) if key)


def read(headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> Credentials:
    """The credentials of a request whose raw headers and query string these are. Raises Invalid for very many: each
    would be looked up, and all count as one attempt."""
    authorizations: list[str] = []
    api_keys: list[str] = []
    azure_keys: list[str] = []
    host = origin = None
    for name, value in headers:
        # ASGI lower-cases header names.
        if name == b"authorization":
            authorizations.append(value.decode("latin-1"))
        elif name == b"x-api-key":
            api_keys.append(value.decode("latin-1").strip())
        elif name == b"api-key":
            azure_keys.append(value.decode("latin-1"))
        elif name == b"host":
            host = value.decode("latin-1")
        elif name == b"origin":
            origin = value.decode("latin-1")
    queries = _query_keys(query_string)
    given = Credentials(tuple(authorizations), tuple(api_keys), queries, tuple(azure_keys), host, origin)
    if len(given.presented) > _MOST_KEYS:
        raise Invalid(f"more than {_MOST_KEYS} API keys: send one")
    return given


def without_key(query_string: bytes) -> bytes:
    """A query string, as it was sent, less Remora's own key."""
    return b"&".join(piece for piece in query_string.split(b"&") if not _is_key(piece))


def passed_on(headers: Iterable[tuple[bytes, bytes]], query_string: bytes, *, authorization: bool) -> str:
    """What an upstream may get to see of headers and query, to be searched, a line each: all but where Remora's own
    keys belong. `authorization`: that is for the upstream."""
    values = [
        value
        for name, value in headers
        if name not in _PASSED_TO_NOBODY and (authorization or name != b"authorization")
    ]
    if query_string:
        values.append(unquote_to_bytes(without_key(query_string)))
    return b"\n".join(values).decode("latin-1")


def holds_key(text: str, others: Iterable[str] = ()) -> bool:
    """Whether a tenant's key is somewhere in `text`, or one of the `others` is a word of it."""
    if PREFIX in text and _TENANTS_KEY.search(text):
        return True
    return any(key in text and key in _words(text) for key in others)


def _query_keys(query_string: bytes) -> tuple[str, ...]:
    if not query_string:
        return ()
    pieces = query_string.split(b"&")
    return tuple(unquote_plus(piece.partition(b"=")[2].decode("latin-1")) for piece in pieces if _is_key(piece))


def _is_key(piece: bytes) -> bool:
    return unquote_plus(piece.partition(b"=")[0].decode("latin-1")) == "api_key"


def _words(text: str) -> list[str]:
    """What may be a key, in quotes and lists too."""
    return [word for word in _BETWEEN_WORDS.split(text) if word]


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""

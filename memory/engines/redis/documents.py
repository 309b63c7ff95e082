"""The Documents port."""

from collections.abc import Mapping, Sequence

from memory.engines.base import Append, DeleteDocument, Document, PutDocument
from memory.engines.redis.client import Client
from memory.engines.redis.keys import Keys
from memory.engines.redis.log import appends
from memory.engines.redis.wire import Argument


class RedisDocuments:
    def __init__(self, client: Client, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def get(self, kind: str, tenant: str, key: str) -> Document | None:
        value, version = await self._client.one("HMGET", self._keys.document(tenant, kind, key), "value", "version")
        return None if value is None else Document(key=key, value=value, version=int(version))

    async def create(
        self, document: PutDocument, *, unique: Mapping[str, str] | None = None, log: Sequence[Append] = ()
    ) -> bool:
        taken = [
            self._keys.unique(document.tenant, document.kind, name, value) for name, value in (unique or {}).items()
        ]
        told = appends(self._keys, log)
        return bool(await self._client.run("create_document", *put(self._keys, document), len(taken), *taken, *told))

    async def replace(self, document: PutDocument, *, expected: int, log: Sequence[Append] = ()) -> bool:
        told = appends(self._keys, log)
        return bool(await self._client.run("replace_document", *put(self._keys, document), expected, *told))

    async def find(self, kind: str, tenant: str, name: str, value: str) -> Document | None:
        found = await self._client.run("find_document", self._keys.unique(tenant, kind, name, value))
        return None if found is None or found[0] is None else _document(found)

    async def delete(self, kind: str, tenant: str, key: str) -> bool:
        document = DeleteDocument(kind=kind, tenant=tenant, key=key)
        return bool(await self._client.run("delete_document", *delete(self._keys, document)))

    async def list(
        self, kind: str, tenant: str, *, index: tuple[str, str] | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[list[Document], int]:
        total, page = await self._client.run(
            "list_documents",
            self._keys.documents(tenant, kind, index),
            self._keys.documents_of(tenant, kind),
            offset,
            limit,
        )
        return [_document(found) for found in page], total


def put(keys: Keys, document: PutDocument) -> list[Argument]:
    """A document as documents.lua reads it."""
    indexes = [keys.documents(document.tenant, document.kind, index) for index in (None, *document.indexes.items())]
    return [
        keys.document(document.tenant, document.kind, document.key),
        document.key,
        document.value,
        document.order,
        -1 if document.ttl_seconds is None else document.ttl_seconds,
        len(indexes),
        *indexes,
    ]


def delete(keys: Keys, document: DeleteDocument) -> list[Argument]:
    return [keys.document(document.tenant, document.kind, document.key), document.key]


def _document(found: list[bytes]) -> Document:
    key, value, version = found
    return Document(key=key.decode("utf-8", "surrogatepass"), value=value, version=int(version))

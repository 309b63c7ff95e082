"""`/admin/tenants/{id}/keys`."""

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from admin.api import documentation
from admin.api.schemas import IssuedKey, KeyList, NewKey
from admin.api.views import issued_key, key_view
from admin.key import KeyDraft
from admin.keys import Keys
from admin.tenants import Tenants
from memory.api.body import StrictJson
from memory.api.documentation import BODY_ERRORS, answer, errors, json_body
from memory.api.parameters import LimitParameter, OffsetParameter
from memory.api.times import millis
from memory.caller import Caller


class KeysController(Controller):
    path = "/admin/tenants/{id_or_name:str}/keys"
    tags = ("Keys",)

    @post(
        operation_id="createKey",
        responses=answer(201, IssuedKey, documentation.ISSUED_KEY) | errors(404, 409, *BODY_ERRORS),
        dto=StrictJson[NewKey],
    )
    async def create(
        self,
        id_or_name: FromPath[str],
        data: Annotated[NewKey, json_body(documentation.NEW_KEY)],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        keys: NamedDependency[Keys],
    ) -> IssuedKey:
        """Issue a key, which is told here and never again. A key with the scope `admin` may issue keys of its own
        tenant, with no more rights than it has itself."""
        tenant = await tenants.administered(caller, id_or_name)
        draft = KeyDraft(
            name=data.name,
            scopes=None if data.scopes is None else frozenset(data.scopes),
            namespaces=None if data.namespaces is None else frozenset(data.namespaces),
            expires_at=None if data.expires_at is None else millis(data.expires_at, "expires_at"),
        )
        key, secret = await keys.issue(caller, tenant, draft)
        return issued_key(key, secret)

    @get(operation_id="listKeys", responses=answer(200, KeyList, documentation.KEYS) | errors(404))
    async def browse(
        self,
        *,
        id_or_name: FromPath[str],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        keys: NamedDependency[Keys],
        limit: LimitParameter = 100,
        offset: OffsetParameter = 0,
    ) -> KeyList:
        """In the order of their issue, expired ones among them. A key with the scope `admin` may ask for its own
        tenant's."""
        tenant = await tenants.administered(caller, id_or_name)
        page, total = await keys.page(tenant, offset=offset, limit=limit)
        views = [key_view(key) for key in page]
        return KeyList(keys=views, total=total, limit=limit, offset=offset, has_more=offset + len(page) < total)

    @delete("/{key_id:str}", operation_id="deleteKey", responses=errors(404))
    async def remove(
        self,
        id_or_name: FromPath[str],
        key_id: FromPath[str],
        caller: NamedDependency[Caller],
        tenants: NamedDependency[Tenants],
        keys: NamedDependency[Keys],
    ) -> None:
        """Revoke a key: at once in the process that is asked, within a minute in all. A key with the scope `admin` may
        revoke its own tenant's."""
        tenant = await tenants.administered(caller, id_or_name)
        await keys.revoke(caller, tenant, key_id)

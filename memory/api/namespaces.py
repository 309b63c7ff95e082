"""`/v1/namespaces`."""

from typing import Annotated

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from msgspec import structs

from memory.api import documentation
from memory.api.body import StrictJson
from memory.api.documentation import BODY_ERRORS, answer, errors, json_body
from memory.api.options import OPERATION
from memory.api.parameters import LimitParameter, OffsetParameter, Types
from memory.api.schemas import NamespaceChanges, NamespaceList, NamespaceMemories, NamespaceView, NewNamespace
from memory.api.views import memory_view, namespace_view
from memory.caller import Caller
from memory.engines.base import Filter, Usage
from memory.model import Namespace
from memory.service.directory import NamespacePatch
from memory.service.namespaces import NamespaceDraft, Namespaces
from memory.service.read import Read


class NamespacesController(Controller):
    path = "/v1/namespaces"
    tags = ("Namespaces",)

    @post(
        operation_id="createNamespace",
        opt={OPERATION: "write"},
        responses=answer(201, NamespaceView, documentation.NAMESPACE) | errors(409, *BODY_ERRORS),
        dto=StrictJson[NewNamespace],
    )
    async def create(
        self,
        data: Annotated[NewNamespace, json_body(documentation.NEW_NAMESPACE)],
        caller: NamedDependency[Caller],
        namespaces: NamedDependency[Namespaces],
    ) -> NamespaceView:
        """Create a namespace. `parent` and `template` have to exist."""
        draft = NamespaceDraft(name=data.name, parent=data.parent, template=data.template, config=data.config)
        return await _view(caller, namespaces, await namespaces.create(caller, draft))

    @get(
        operation_id="listNamespaces",
        opt={OPERATION: "read"},
        responses=answer(200, NamespaceList, documentation.NAMESPACES) | errors(404),
    )
    async def browse(
        self,
        caller: NamedDependency[Caller],
        namespaces: NamedDependency[Namespaces],
        parent: Annotated[str | None, QueryParameter(description="Name or id: only its children.")] = None,
        limit: LimitParameter = 100,
        offset: OffsetParameter = 0,
    ) -> NamespaceList:
        """In the order of their creation."""
        page, total = await namespaces.page(caller, parent=parent, offset=offset, limit=limit)
        usages = await namespaces.usages(caller.tenant, page)
        views = [await _view(caller, namespaces, namespace, usages[namespace.name]) for namespace in page]
        return NamespaceList(
            namespaces=views, total=total, limit=limit, offset=offset, has_more=offset + len(views) < total
        )

    @get(
        "/{name_or_id:str}",
        operation_id="getNamespace",
        opt={OPERATION: "read"},
        responses=answer(200, NamespaceView, documentation.NAMESPACE) | errors(404),
    )
    async def show(
        self, name_or_id: FromPath[str], caller: NamedDependency[Caller], namespaces: NamedDependency[Namespaces]
    ) -> NamespaceView:
        """Get a namespace by its name or id."""
        caller.require("read")
        return await _view(caller, namespaces, await namespaces.resolve(caller, name_or_id))

    @put(
        "/{name_or_id:str}",
        operation_id="updateNamespace",
        opt={OPERATION: "write"},
        responses=answer(200, NamespaceView, documentation.NAMESPACE) | errors(404, 409, *BODY_ERRORS),
        dto=StrictJson[NamespaceChanges],
    )
    async def change(
        self,
        name_or_id: FromPath[str],
        data: Annotated[NamespaceChanges, json_body(documentation.NAMESPACE_CHANGES)],
        caller: NamedDependency[Caller],
        namespaces: NamedDependency[Namespaces],
    ) -> NamespaceView:
        """Change what is given; null unsets it."""
        patch = NamespacePatch(parent=data.parent, config=data.config)
        return await _view(caller, namespaces, await namespaces.update(caller, name_or_id, patch))

    @delete("/{name_or_id:str}", operation_id="deleteNamespace", opt={OPERATION: "write"}, responses=errors(404))
    async def remove(
        self,
        name_or_id: FromPath[str],
        caller: NamedDependency[Caller],
        namespaces: NamedDependency[Namespaces],
        force: Annotated[
            bool, QueryParameter(description="Delete it although it holds memories or has children.")
        ] = False,
    ) -> None:
        """Delete a namespace with all its memories."""
        await namespaces.delete(caller, name_or_id, force=force)

    @get(
        "/{name_or_id:str}/memories",
        operation_id="listNamespaceMemories",
        opt={OPERATION: "read"},
        responses=answer(200, NamespaceMemories, documentation.NAMESPACE_MEMORIES) | errors(404),
    )
    async def memories(
        self,
        *,
        name_or_id: FromPath[str],
        caller: NamedDependency[Caller],
        namespaces: NamedDependency[Namespaces],
        read: NamedDependency[Read],
        type: Types = None,  # noqa: A002
        limit: LimitParameter = 100,
        offset: OffsetParameter = 0,
    ) -> NamespaceMemories:
        """Newest first. Superseded memories are left out."""
        caller.require("read")
        namespace = await namespaces.resolve(caller, name_or_id)
        where = Filter(tenant=caller.tenant, namespaces=(namespace.name,), types=tuple(type or ()) or None)
        page = await read.list(caller, where, offset=offset, limit=limit)
        return NamespaceMemories(
            memories=[memory_view(memory) for memory in page.memories],
            total=page.total,
            limit=limit,
            offset=offset,
            has_more=offset + len(page.memories) < page.total,
        )


async def _view(
    caller: Caller, namespaces: Namespaces, namespace: Namespace, usage: Usage | None = None
) -> NamespaceView:
    effective = await namespaces.effective(namespace)
    return namespace_view(_as_seen(caller, namespace), effective, usage or await namespaces.usage(namespace))


def _as_seen(caller: Caller, namespace: Namespace) -> Namespace:
    """Without the names of namespaces that are closed to the caller."""
    parent, template = (
        name if name is not None and caller.sees(name) else None for name in (namespace.parent, namespace.template)
    )
    return structs.replace(namespace, parent=parent, template=template)

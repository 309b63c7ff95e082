"""`/v1/memories`."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from memory import ids
from memory.api import documentation
from memory.api.body import StrictJson
from memory.api.documentation import BODY_ERRORS, answer, errors, json_body
from memory.api.errors import detail
from memory.api.filters import search_filter
from memory.api.options import OPERATION
from memory.api.parameters import Exclude, LimitParameter, OffsetParameter, Types, memory_id
from memory.api.schemas import (
    BatchAnswer,
    BatchItem,
    Failed,
    HistoryAnswer,
    MemoryChanges,
    MemoryList,
    MemoryView,
    NewMemories,
    NewMemory,
    SearchAnswer,
    SearchRequest,
    SearchResult,
)
from memory.api.times import millis
from memory.api.views import change_view, memory_view
from memory.caller import Caller
from memory.engines.base import Filter, Record
from memory.errors import Invalid, RemoraError
from memory.model import Source
from memory.service.checks import broken_rule
from memory.service.drafts import MemoryDraft, MemoryFields, MemoryPatch
from memory.service.forget import Forget
from memory.service.history import History
from memory.service.namespaces import Namespaces
from memory.service.read import Read
from memory.service.remember import Remember
from memory.service.revise import Revise
from memory.service.search import Search


class MemoriesController(Controller):
    path = "/v1/memories"
    tags = ("Memories",)

    @post(
        operation_id="createMemory",
        opt={OPERATION: "write"},
        responses=answer(201, MemoryView, documentation.EMBEDDED_MEMORY) | errors(404, *BODY_ERRORS),
        dto=StrictJson[NewMemory],
    )
    async def create(
        self,
        data: Annotated[NewMemory, json_body(documentation.NEW_MEMORY)],
        caller: NamedDependency[Caller],
        remember: NamedDependency[Remember],
        exclude: Exclude = None,
    ) -> MemoryView:
        """Store a memory. Its namespace has to exist."""
        written = await remember.one(caller, _draft(data), data.namespace)
        return memory_view(written.memory, None if exclude else written.vector)

    @post(
        "/batch",
        operation_id="createMemories",
        opt={OPERATION: "write"},
        responses=answer(201, BatchAnswer, documentation.BATCH) | errors(404, *BODY_ERRORS),
        dto=StrictJson[NewMemories],
    )
    async def create_batch(
        self,
        data: Annotated[NewMemories, json_body(documentation.NEW_MEMORIES)],
        caller: NamedDependency[Caller],
        remember: NamedDependency[Remember],
    ) -> BatchAnswer:
        """Store up to 100 memories; the bad ones are told by their index and do not stop the rest. When none is
        stored, the answer is the first one's error, with all of them in its details."""
        read = [_batch_draft(item) for item in data.memories]
        drafts = [item for item in read if isinstance(item, MemoryDraft)]
        outcomes = iter(await remember.write(caller, drafts, data.namespace))
        stored, failed, reasons = [], [], []
        for index, item in enumerate(read):
            outcome = next(outcomes) if isinstance(item, MemoryDraft) else item
            if isinstance(outcome, Record):
                stored.append(memory_view(outcome.memory))
            else:
                reasons.append(outcome)
                failed.append(Failed(index=index, error=detail(outcome)))
        if not stored:
            raise reasons[0].__class__(f"no memory was stored; the first: {reasons[0].message}", failed=failed)
        return BatchAnswer(memories=stored, created_count=len(stored), failed_count=len(failed), failed=failed)

    @post(
        "/search",
        operation_id="searchMemories",
        opt={OPERATION: "search"},
        responses=answer(200, SearchAnswer, documentation.FOUND) | errors(404, *BODY_ERRORS),
        status_code=200,
        dto=StrictJson[SearchRequest],
    )
    async def search(
        self,
        data: Annotated[SearchRequest, json_body(documentation.SEARCH)],
        caller: NamedDependency[Caller],
        search: NamedDependency[Search],
        namespaces: NamedDependency[Namespaces],
    ) -> SearchAnswer:
        """With a query best first, to a depth of 1,000; without one newest first. `total` is how many memories match
        the filters. Superseded memories are left out."""
        caller.require("read")
        namespace = None if data.namespace is None else await namespaces.resolve(caller, data.namespace)
        weights = None if namespace is None else (await namespaces.effective(namespace)).custom_scoring
        where = search_filter(data, caller.tenant, None if namespace is None else namespace.name)
        found = await search.find(caller, where, data.query, offset=data.offset, limit=data.limit, weights=weights)
        return SearchAnswer(
            results=[
                SearchResult(memory=memory_view(memory), score=round(score, 6)) for memory, score in found.results
            ],
            total=found.total,
            limit=data.limit,
            offset=data.offset,
            has_more=found.has_more,
        )

    @get(
        operation_id="listMemories",
        opt={OPERATION: "read"},
        responses=answer(200, MemoryList, documentation.MEMORY_PAGE) | errors(404),
    )
    async def browse(
        self,
        *,
        caller: NamedDependency[Caller],
        read: NamedDependency[Read],
        namespaces: NamedDependency[Namespaces],
        namespace: FromQuery[str | None] = None,
        type: Types = None,  # noqa: A002
        tags: Annotated[list[str] | None, QueryParameter(description="All of these.")] = None,
        source: FromQuery[Source | None] = None,
        user_id: FromQuery[str | None] = None,
        agent_id: FromQuery[str | None] = None,
        run_id: FromQuery[str | None] = None,
        app: FromQuery[str | None] = None,
        org_id: FromQuery[str | None] = None,
        limit: LimitParameter = 100,
        offset: OffsetParameter = 0,
    ) -> MemoryList:
        """Newest first. Superseded memories are left out."""
        caller.require("read")
        where = Filter(
            tenant=caller.tenant,
            namespaces=None if namespace is None else ((await namespaces.resolve(caller, namespace)).name,),
            types=tuple(type or ()) or None,
            tags=tuple(tags or ()),
            source=source,
            user_id=user_id,
            agent_id=agent_id,
            run_id=run_id,
            app=app,
            org_id=org_id,
        )
        page = await read.list(caller, where, offset=offset, limit=limit)
        return MemoryList(
            items=[memory_view(memory) for memory in page.memories],
            total=page.total,
            limit=limit,
            offset=offset,
            has_more=offset + len(page.memories) < page.total,
        )

    @get(
        "/{id:str}",
        operation_id="getMemory",
        opt={OPERATION: "read"},
        responses=answer(200, MemoryView, documentation.EMBEDDED_MEMORY) | errors(404),
    )
    async def show(
        self, id: FromPath[str], caller: NamedDependency[Caller], read: NamedDependency[Read], exclude: Exclude = None
    ) -> MemoryView:
        """Counts as an access, which the answer's `access_count` and `accessed_at` include."""
        if exclude:
            return memory_view(await read.get(caller, memory_id(id)))
        return memory_view(*await read.with_vector(caller, memory_id(id)))

    @put(
        "/{id:str}",
        operation_id="updateMemory",
        opt={OPERATION: "write"},
        responses=answer(200, MemoryView, documentation.EMBEDDED_MEMORY) | errors(404, 409, *BODY_ERRORS),
        dto=StrictJson[MemoryChanges],
    )
    async def change(
        self,
        *,
        id: FromPath[str],
        data: Annotated[MemoryChanges, json_body(documentation.MEMORY_CHANGES)],
        caller: NamedDependency[Caller],
        revise: NamedDependency[Revise],
        read: NamedDependency[Read],
        exclude: Exclude = None,
    ) -> MemoryView:
        """Change what is given. New content is embedded anew; metadata is merged at the top level, null removing an
        entry; tags are replaced."""
        patch = MemoryPatch(content=data.content, metadata=data.metadata, tags=data.tags, confidence=data.confidence)
        memory = await revise.update(caller, memory_id(id), patch)
        return memory_view(memory, None if exclude else await read.vector(memory))

    @delete("/{id:str}", operation_id="deleteMemory", opt={OPERATION: "write"}, responses=errors(404))
    async def remove(self, id: FromPath[str], caller: NamedDependency[Caller], forget: NamedDependency[Forget]) -> None:
        """Delete a memory. Its history stays."""
        await forget.one(caller, memory_id(id))

    @get(
        "/{id:str}/history",
        operation_id="getMemoryHistory",
        opt={OPERATION: "read"},
        responses=answer(200, HistoryAnswer, documentation.HISTORY) | errors(404),
    )
    async def history(
        self, id: FromPath[str], caller: NamedDependency[Caller], history: NamedDependency[History]
    ) -> HistoryAnswer:
        """What became of a memory and of those that it superseded, oldest first; also of a deleted one."""
        number = memory_id(id)
        changes = await history.of(caller, number)
        return HistoryAnswer(id=ids.spell(number), history=[change_view(change) for change in changes])


def _batch_draft(item: Any) -> MemoryDraft | RemoraError:
    try:
        return _draft(msgspec.convert(item, BatchItem))
    except msgspec.ValidationError as error:
        return broken_rule(error)
    except Invalid as error:
        return error


def _draft(item: BatchItem) -> MemoryDraft:
    return MemoryDraft(
        **{name: getattr(item, name) for name in MemoryFields.__struct_fields__},
        created_at=None if item.created_at is None else millis(item.created_at, "created_at"),
        event_at=None if item.event_at is None else millis(item.event_at, "event_at"),
    )

"""From the domain to the wire."""

import numpy as np
from msgspec import UNSET

from memory import ids
from memory.api.schemas import ChangeView, MemoryView, NamespaceStats, NamespaceView
from memory.api.times import iso
from memory.engines.base import Usage, Vector
from memory.model import Memory, Namespace, NamespaceConfig
from memory.service.history import Change

_PLACES = 7
"""Decimals of an embedding's numbers: what a float32 near 1 holds."""


def memory_view(memory: Memory, vector: Vector | None = None) -> MemoryView:
    """With `embedding` where the vector is given."""
    return MemoryView(
        id=ids.spell(memory.id),
        namespace=memory.namespace,
        content=memory.content,
        type=memory.type,
        embedding=UNSET if vector is None else embedding_view(vector),
        metadata=memory.metadata,
        tags=memory.tags,
        confidence=memory.confidence,
        source=memory.source,
        created_at=iso(memory.created_at),
        updated_at=iso(memory.updated_at),
        accessed_at=iso(memory.accessed_at),
        access_count=memory.access_count,
        user_id=UNSET if memory.user_id is None else memory.user_id,
        agent_id=UNSET if memory.agent_id is None else memory.agent_id,
        run_id=UNSET if memory.run_id is None else memory.run_id,
        app=UNSET if memory.app is None else memory.app,
        org_id=UNSET if memory.org_id is None else memory.org_id,
        seq=UNSET if memory.seq is None else memory.seq,
        role=UNSET if memory.role is None else memory.role,
        categories=memory.categories or UNSET,
        importance=UNSET if memory.importance == 0.5 else memory.importance,
        state=UNSET if memory.state == "active" else memory.state,
        event_at=UNSET if memory.event_at is None else iso(memory.event_at),
        source_ids=[ids.spell(id) for id in memory.source_ids] or UNSET,
        superseded_by=UNSET if memory.superseded_by is None else ids.spell(memory.superseded_by),
    )


def embedding_view(vector: Vector) -> list[float]:
    numbers: list[float] = vector.astype(np.float64).round(_PLACES).tolist()
    return numbers


def namespace_view(namespace: Namespace, effective: NamespaceConfig, usage: Usage) -> NamespaceView:
    return NamespaceView(
        id=ids.spell(namespace.id, "ns"),
        name=namespace.name,
        parent=UNSET if namespace.parent is None else namespace.parent,
        template=UNSET if namespace.template is None else namespace.template,
        config=namespace.config,
        effective_config=effective if namespace.config.inherit_from_parent else UNSET,
        stats=NamespaceStats(memory_count=usage.memories, total_tokens=usage.tokens),
        created_at=iso(namespace.created_at),
        updated_at=iso(namespace.updated_at),
    )


def change_view(change: Change) -> ChangeView:
    return ChangeView(
        memory_id=ids.spell(change.memory_id),
        event=change.event,
        at=iso(change.at),
        version=change.version,
        content=change.content,
        previous_content=UNSET if change.previous_content is None else change.previous_content,
        superseded_by=UNSET if change.superseded_by is None else ids.spell(change.superseded_by),
    )

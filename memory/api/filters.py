"""From a search's fields to the engine's filter."""

from memory.api.schemas import SearchRequest
from memory.api.times import millis
from memory.engines.base import Filter


def search_filter(request: SearchRequest, tenant: str, namespace: str | None) -> Filter:
    """Raises Invalid for a time that is none."""
    time_range = request.time_range
    start = None if time_range is None else time_range.start
    end = None if time_range is None else time_range.end
    return Filter(
        tenant=tenant,
        namespaces=None if namespace is None else (namespace,),
        types=tuple(request.types or ()) or None,
        tags=tuple(request.tags or ()),
        source=request.source,
        min_confidence=request.min_confidence,
        user_id=request.user_id,
        agent_id=request.agent_id,
        run_id=request.run_id,
        app=request.app,
        org_id=request.org_id,
        metadata=request.metadata or {},
        created_from=None if start is None else millis(start, "time_range.start"),
        created_to=None if end is None else millis(end, "time_range.end"),
    )

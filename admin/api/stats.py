"""`GET /v1/stats`."""

from litestar import Controller, get
from litestar.di import NamedDependency
from msgspec import Struct

from admin.statistics import Figures, Statistics
from memory.api.documentation import answer, errors
from memory.caller import Caller

_EXAMPLE = {
    "storage": {
        "memory_count": 15000,
        "namespace_count": 12,
        "total_size_bytes": 15728640,
        "index_size_bytes": 5242880,
    },
    "server": {"uptime_seconds": 86400, "requests_total": 150000, "requests_per_second": 1.74},
    "performance": {
        "avg_write_latency_ms": 1.2,
        "avg_read_latency_ms": 0.5,
        "avg_search_latency_ms": 5.3,
        "avg_context_latency_ms": 45.2,
    },
}


class StorageStats(Struct, frozen=True, kw_only=True):
    memory_count: int
    namespace_count: int
    total_size_bytes: int
    """Of the contents, in UTF-8."""
    index_size_bytes: int
    """Of the embeddings."""


class ServerStats(Struct, frozen=True, kw_only=True):
    uptime_seconds: int
    """Of the process that answers."""
    requests_total: int
    """The tenant's, to all processes and ever; requests over a rate limit are not among them."""
    requests_per_second: float
    """The tenant's, on average over what has passed of the current day, by UTC."""


class PerformanceStats(Struct, frozen=True, kw_only=True):
    """Over all requests of the tenant, ever."""

    avg_write_latency_ms: float
    avg_read_latency_ms: float
    avg_search_latency_ms: float
    avg_context_latency_ms: float
    """Of `POST /v1/context`, and of what memory took for proxied calls."""


class Stats(Struct, frozen=True, kw_only=True):
    storage: StorageStats
    server: ServerStats
    performance: PerformanceStats


class StatsController(Controller):
    path = "/v1/stats"
    tags = ("Statistics",)

    @get(operation_id="getStatistics", responses=answer(200, Stats, _EXAMPLE) | errors())
    async def show(self, caller: NamedDependency[Caller], statistics: NamedDependency[Statistics]) -> Stats:
        """The figures of the caller's tenant. What is stored is that of the namespaces which the key may see."""
        return _view(await statistics.of(caller))


def _view(figures: Figures) -> Stats:
    average = figures.average_ms
    return Stats(
        storage=StorageStats(
            memory_count=figures.stored.memories,
            namespace_count=figures.namespaces,
            total_size_bytes=figures.stored.bytes,
            index_size_bytes=figures.index_bytes,
        ),
        server=ServerStats(
            uptime_seconds=figures.uptime_ms // 1000,
            requests_total=figures.requests,
            requests_per_second=round(figures.requests_per_second, 4),
        ),
        performance=PerformanceStats(
            avg_write_latency_ms=round(average["write"], 2),
            avg_read_latency_ms=round(average["read"], 2),
            avg_search_latency_ms=round(average["search"], 2),
            avg_context_latency_ms=round(average["context"], 2),
        ),
    )

"""Examples for the OpenAPI document: the MAIA document's, with what is Remora's own."""

from typing import Any

CONTEXT: dict[str, Any] = {
    "query": "What should I know about this user?",
    "namespace": "default",
    "token_budget": 2000,
    "system_prompt": "You are a helpful assistant.",
    "include_scores": True,
    "min_score": 0.3,
    "memory_types": ["semantic", "episodic"],
    "zone_allocation": {"critical": 0.15, "middle": 0.65, "recency": 0.20},
}
ASSEMBLED: dict[str, Any] = {
    "content": "You are a helpful assistant.\n\n## Relevant Context\n\n- User prefers dark mode and compact layouts\n",
    "memories": [
        {
            "id": "mem_0dkzvg8r2ch",
            "content": "User prefers dark mode and compact layouts",
            "type": "semantic",
            "score": 0.92,
            "position": "critical",
            "token_count": 11,
            "truncated": False,
            "reasons": {"vector": 0.41, "text": 0.35, "words": 0.16},
        }
    ],
    "token_count": 25,
    "token_budget": 2000,
    "truncated": False,
    "zone_stats": {
        "critical_used": 11,
        "critical_budget": 300,
        "middle_used": 0,
        "middle_budget": 1300,
        "recency_used": 0,
        "recency_budget": 400,
    },
    "query_analysis": {"intent": "exploratory", "context_type": "semantic", "temporal_scope": "all"},
    "query_time": "45.2ms",
    "encoding": "o200k_base",
}
RECEIPT: dict[str, Any] = {
    "request_id": "req_0dkzvg8r2ck",
    "created_at": "2026-01-19T10:00:00Z",
    "outcome": "used",
    "reason": None,
    "namespace": "default",
    "query_analysis": ASSEMBLED["query_analysis"],
    "memories": [
        {
            "id": "mem_0dkzvg8r2ch",
            "score": 0.92,
            "reasons": {"vector": 0.41, "text": 0.35, "words": 0.16},
            "position": "critical",
            "tokens": 11,
            "truncated": False,
        }
    ],
    "token_count": 25,
    "token_budget": 4000,
    "encoding": "o200k_base",
    "timings": {"compose": 0.6, "total": 4.2, "overhead": 5.1},
    "learning": {"enqueued": True, "reason": None, "refused": []},
}

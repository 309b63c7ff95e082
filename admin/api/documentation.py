"""Examples of the admin API, the MAIA document's where it prints one."""

from typing import Any

_ID = "tenant_0dkzvg8r2ch"
_AT = "2026-01-19T10:00:00Z"
_PAGE: dict[str, Any] = {"total": 1, "limit": 100, "offset": 0, "has_more": False}

NEW_TENANT: dict[str, Any] = {
    "name": "acme-corp",
    "display_name": "Acme Corporation",
    "plan": "standard",
    "config": {"custom_setting": "value"},
    "quotas": {
        "max_memories": 100000,
        "max_storage_bytes": 1073741824,
        "requests_per_minute": 1000,
        "requests_per_day": 100000,
    },
}
TENANT_CHANGES: dict[str, Any] = {"plan": "premium", "quotas": {"max_memories": None}, "config": {"token_budget": 8000}}
SUSPENSION: dict[str, Any] = {"reason": "Payment overdue"}
TENANT: dict[str, Any] = {
    "id": _ID,
    **NEW_TENANT,
    "status": "active",
    "usage": {"memory_count": 0, "storage_bytes": 0, "requests_today": 0},
    "created_at": _AT,
    "updated_at": _AT,
}
SUSPENDED_TENANT: dict[str, Any] = TENANT | {"status": "suspended", **SUSPENSION}
TENANTS: dict[str, Any] = {"tenants": [TENANT], **_PAGE}
USAGE: dict[str, Any] = {
    "tenant_id": _ID,
    "memory_count": 5000,
    "storage_bytes": 52428800,
    "requests_today": 1500,
    "requests_this_minute": 25,
    "quota_memory_percent": 5.0,
    "quota_storage_percent": 4.9,
    "quota_rpm_percent": 2.5,
}

NEW_KEY: dict[str, Any] = {
    "name": "production",
    "scopes": ["read", "write", "context", "inference"],
    "namespaces": ["default"],
    "expires_at": "2030-01-19T10:00:00Z",
}
KEY: dict[str, Any] = {"id": "key_0dkzvg8r2cj", **NEW_KEY, "created_at": _AT, "last_used_at": None}
ISSUED_KEY: dict[str, Any] = KEY | {"key": "remora_…"}
KEYS: dict[str, Any] = {"keys": [KEY], **_PAGE}

JOB_STARTED: dict[str, Any] = {
    "job_id": "job_18c2f0a5b3d94e7f60a1b2c3",
    "status": "waiting",
    "status_url": "/admin/jobs/job_18c2f0a5b3d94e7f60a1b2c3",
}
JOB: dict[str, Any] = {
    "id": JOB_STARTED["job_id"],
    "kind": "erase-tenant",
    "status": "running",
    "progress": 0.4,
    "attempt": 1,
    "error": None,
    "result": None,
}
AUDIT: dict[str, Any] = {
    "entries": [
        {
            "id": "0000000000000001",
            "at": _AT,
            "actor": "operator",
            "action": "tenant.suspend",
            "tenant": _ID,
            "target": _ID,
            "details": SUSPENSION,
        }
    ],
    "limit": 100,
    "has_more": False,
}

EVENTS = """id: 0000000000000012
event: memory.created
data: {"kind":"memory.created","at":"2026-01-19T10:00:00Z","namespace":"default","id":"mem_0dkzvg8r2ch",\
"type":"semantic"}

id: 0000000000000013
event: receipt
data: {"kind":"receipt","at":"2026-01-19T10:00:05Z","namespace":"default","id":"req_0dkzvg8r2cj","outcome":"used",\
"memories":3,"tokens":135}

"""

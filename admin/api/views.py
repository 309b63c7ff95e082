"""From the domain to the wire."""

import msgspec
from msgspec import UNSET, structs

from admin.api.schemas import (
    AuditEntry,
    IssuedKey,
    JobState,
    JobView,
    KeyView,
    TenantUsage,
    TenantView,
    UsageView,
)
from admin.key import Key
from admin.tenant import Tenant
from admin.trail import Traced
from admin.usage import TenantUse, percent
from config.settings import Secret
from memory import ids
from memory.api.times import iso
from memory.engines.base import JobStatus


def tenant_view(tenant: Tenant, use: TenantUse) -> TenantView:
    return TenantView(
        id=ids.spell(tenant.id, "tenant"),
        name=tenant.name,
        display_name=tenant.display_name,
        plan=tenant.plan,
        status=tenant.status,
        reason=UNSET if tenant.reason is None else tenant.reason,
        quotas=tenant.quotas,
        usage=TenantUsage(memory_count=use.memories, storage_bytes=use.bytes, requests_today=use.requests_today),
        config=tenant.config,
        created_at=iso(tenant.created_at),
        updated_at=iso(tenant.updated_at),
    )


def usage_view(tenant: Tenant, use: TenantUse) -> UsageView:
    quotas = tenant.quotas
    return UsageView(
        tenant_id=ids.spell(tenant.id, "tenant"),
        memory_count=use.memories,
        storage_bytes=use.bytes,
        requests_today=use.requests_today,
        requests_this_minute=use.requests_this_minute,
        quota_memory_percent=percent(use.memories, quotas.max_memories),
        quota_storage_percent=percent(use.bytes, quotas.max_storage_bytes),
        quota_rpm_percent=percent(use.requests_this_minute, quotas.requests_per_minute),
    )


def key_view(key: Key) -> KeyView:
    return KeyView(
        id=key.spelled,
        name=key.name,
        scopes=sorted(key.scopes),
        namespaces=None if key.namespaces is None else sorted(key.namespaces),
        expires_at=None if key.expires_at is None else iso(key.expires_at),
        created_at=iso(key.created_at),
        last_used_at=None if key.last_used_at is None else iso(key.last_used_at),
    )


def issued_key(key: Key, secret: Secret) -> IssuedKey:
    return IssuedKey(**structs.asdict(key_view(key)), key=secret.reveal())


def job_view(status: JobStatus) -> JobView:
    state: JobState = "failed" if status.state == "dead" else status.state
    return JobView(
        id=status.id,
        kind=status.kind,
        status=state,
        progress=1.0 if state == "done" else status.progress,
        attempt=status.attempt,
        error=status.error,
        result=None if status.result is None else msgspec.json.decode(status.result),
    )


def audit_entry(traced: Traced) -> AuditEntry:
    entry = traced.entry
    return AuditEntry(
        id=traced.id,
        at=iso(entry.at),
        actor=entry.actor,
        action=entry.action,
        tenant=entry.tenant,
        target=entry.target,
        details=dict(entry.details),
    )

-- What it takes to limit a tenant, and to find all that is its.

CREATE TABLE totals (
    tenant TEXT PRIMARY KEY,
    memories INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO totals SELECT tenant, sum(memories), sum(tokens), sum(bytes) FROM usage GROUP BY tenant;

CREATE TRIGGER usage_inserted AFTER INSERT ON usage BEGIN
    INSERT INTO totals VALUES (new.tenant, new.memories, new.tokens, new.bytes)
    ON CONFLICT DO UPDATE SET
        memories = memories + excluded.memories,
        tokens = tokens + excluded.tokens,
        bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER usage_updated AFTER UPDATE ON usage BEGIN
    UPDATE totals SET
        memories = memories + new.memories - old.memories,
        tokens = tokens + new.tokens - old.tokens,
        bytes = bytes + new.bytes - old.bytes
    WHERE tenant = old.tenant;
END;

CREATE TRIGGER usage_deleted AFTER DELETE ON usage BEGIN
    UPDATE totals SET
        memories = memories - old.memories,
        tokens = tokens - old.tokens,
        bytes = bytes - old.bytes
    WHERE tenant = old.tenant;
END;

-- Two windows of one name may end at the same moment: the last minute of a day, and the day.
DROP TABLE windows;
CREATE TABLE windows (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    milliseconds INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, milliseconds, ends_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX windows_end ON windows (ends_at);

CREATE INDEX documents_tenant ON documents (tenant);
CREATE INDEX jobs_tenant ON jobs (tenant);

-- When it was to be done first.
ALTER TABLE jobs RENAME COLUMN enqueued_at TO due_at;

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

------------------------------------------------------------------------------------------------------------ memories

-- `record` is the whole memory; the columns are what queries filter, sort or change without rewriting it, and for
-- accessed_at, access_count and search_count they hold the truth.
CREATE TABLE memories (
    key INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    owner TEXT NOT NULL,
    vector INTEGER NOT NULL, -- vectors.change
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    current INTEGER NOT NULL,
    user_id TEXT,
    agent_id TEXT,
    run_id TEXT,
    app TEXT,
    org_id TEXT,
    seq INTEGER,
    slot TEXT,
    content_hash TEXT NOT NULL,
    source TEXT NOT NULL,
    confidence REAL NOT NULL,
    importance REAL NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    happened_at INTEGER NOT NULL,
    accessed_at INTEGER NOT NULL,
    access_count INTEGER NOT NULL,
    search_count INTEGER NOT NULL,
    counted INTEGER NOT NULL, -- 1 where `usage` counts it
    tokens INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    record BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX memories_id ON memories (tenant, id);
-- It covers what a plain list counts and sorts by.
CREATE INDEX memories_scope ON memories (tenant, namespace, owner, created_at, id, current);
CREATE INDEX memories_facts ON memories (tenant, namespace, created_at) WHERE type <> 'episodic';
CREATE INDEX memories_session ON memories (tenant, namespace, run_id, seq) WHERE run_id IS NOT NULL;
CREATE INDEX memories_hash ON memories (tenant, content_hash);
CREATE INDEX memories_slot ON memories (tenant, slot) WHERE slot IS NOT NULL;

-- Tags, categories and metadata entries, spelled by rows.py.
CREATE TABLE labels (
    memory INTEGER NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (memory, label)
) STRICT, WITHOUT ROWID;

-- `change` rises with every write of a vector: what is above the highest one seen is new. The last four name the scopes
-- it is in (scopes.py), and their indexes give the changes of a scope in order.
CREATE TABLE vectors (
    change INTEGER PRIMARY KEY,
    memory INTEGER NOT NULL,
    episodic INTEGER NOT NULL,
    in_tenant INTEGER NOT NULL,
    in_namespace INTEGER NOT NULL,
    of_owner INTEGER NOT NULL,
    of_owner_in_namespace INTEGER NOT NULL,
    embedding BLOB NOT NULL
) STRICT;

CREATE INDEX vectors_in_tenant ON vectors (in_tenant);
CREATE INDEX vectors_in_namespace ON vectors (in_namespace);
CREATE INDEX vectors_of_owner ON vectors (of_owner);
CREATE INDEX vectors_of_owner_in_namespace ON vectors (of_owner_in_namespace);

-- `content` is memory.engines.words.indexed_words of the content. The scopes are words of an own column, so that MATCH
-- walks one scope's rows and not everybody's; they weigh nothing in the rank.
CREATE VIRTUAL TABLE words USING fts5 (
    scope,
    content,
    content = '',
    contentless_delete = 1,
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
INSERT INTO words (words, rank) VALUES ('rank', 'bm25(0.0, 1.0)');
CREATE VIRTUAL TABLE word_counts USING fts5vocab (words, row);

CREATE TABLE usage (
    tenant TEXT NOT NULL,
    namespace TEXT NOT NULL,
    memories INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (tenant, namespace)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER memories_inserted AFTER INSERT ON memories BEGIN
    INSERT INTO usage VALUES
        (new.tenant, new.namespace, new.counted, new.counted * new.tokens, new.counted * new.bytes)
    ON CONFLICT DO UPDATE SET
        memories = memories + excluded.memories,
        tokens = tokens + excluded.tokens,
        bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER memories_updated AFTER UPDATE OF counted, tokens, bytes ON memories BEGIN
    UPDATE usage SET
        memories = memories + new.counted - old.counted,
        tokens = tokens + new.counted * new.tokens - old.counted * old.tokens,
        bytes = bytes + new.counted * new.bytes - old.counted * old.bytes
    WHERE tenant = old.tenant AND namespace = old.namespace;
END;

CREATE TRIGGER memories_deleted AFTER DELETE ON memories BEGIN
    UPDATE usage SET
        memories = memories - old.counted,
        tokens = tokens - old.counted * old.tokens,
        bytes = bytes - old.counted * old.bytes
    WHERE tenant = old.tenant AND namespace = old.namespace;
    DELETE FROM words WHERE rowid = old.key;
    DELETE FROM vectors WHERE change = old.vector;
    DELETE FROM labels WHERE memory = old.key;
END;

----------------------------------------------------------------------------------------------------------- documents

CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    place REAL NOT NULL,
    expires_at INTEGER,
    UNIQUE (kind, tenant, key)
) STRICT;

CREATE INDEX documents_place ON documents (kind, tenant, place, key);
CREATE INDEX documents_expiry ON documents (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE document_indexes (
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (kind, tenant, name, value, document)
) STRICT, WITHOUT ROWID;

CREATE INDEX document_indexes_document ON document_indexes (document);

CREATE TABLE document_uniques (
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (kind, tenant, name, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX document_uniques_document ON document_uniques (document);

CREATE TRIGGER documents_deleted AFTER DELETE ON documents BEGIN
    DELETE FROM document_indexes WHERE document = old.number;
    DELETE FROM document_uniques WHERE document = old.number;
END;

------------------------------------------------------------------------------------------------------------ counters

CREATE TABLE counters (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE windows (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, ends_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX windows_end ON windows (ends_at);

---------------------------------------------------------------------------------------------------------------- jobs

CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    payload BLOB,
    dedupe TEXT,
    sequence TEXT,              -- the order key
    state TEXT NOT NULL,
    head INTEGER NOT NULL,      -- 1 where it is not ended and no earlier one of its sequence is
    ready_at INTEGER NOT NULL,  -- when it may be leased; where it runs, when its lease ends
    worker TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    progress REAL NOT NULL DEFAULT 0.0,
    result BLOB,
    error TEXT,
    enqueued_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE INDEX jobs_head ON jobs (number, ready_at) WHERE head;
CREATE INDEX jobs_open ON jobs (enqueued_at) WHERE ended_at IS NULL;
CREATE INDEX jobs_ended ON jobs (state, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_sequence ON jobs (kind, tenant, sequence, number) WHERE sequence IS NOT NULL AND ended_at IS NULL;
CREATE INDEX jobs_dedupe ON jobs (kind, tenant, dedupe) WHERE dedupe IS NOT NULL;

----------------------------------------------------------------------------------------------------------------- log

CREATE TABLE log (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    stream TEXT NOT NULL,
    at INTEGER NOT NULL,
    entry BLOB NOT NULL
) STRICT;

CREATE INDEX log_stream ON log (tenant, stream);

-- +goose Up
CREATE TABLE conversations (
    id         TEXT COLLATE "C" PRIMARY KEY,
    owner      TEXT   NOT NULL,
    title      TEXT   NOT NULL,
    model      TEXT   NOT NULL,
    system     TEXT   NOT NULL,
    last_seq   BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX conversations_newest ON conversations (owner, updated_at DESC, id DESC);

CREATE TABLE messages (
    id              TEXT COLLATE "C" PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id       TEXT COLLATE "C" REFERENCES messages (id) ON DELETE CASCADE,
    seq             BIGINT NOT NULL,
    role            TEXT   NOT NULL,
    content         TEXT   NOT NULL,
    reasoning       TEXT   NOT NULL DEFAULT '',
    model           TEXT   NOT NULL DEFAULT '',
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (conversation_id, seq)
);
CREATE INDEX messages_parent ON messages (parent_id);

CREATE TABLE tasks (
    id               TEXT COLLATE "C" PRIMARY KEY,
    conversation_id  TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    message_id       TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE,
    user_message_id  TEXT COLLATE "C" NOT NULL,
    owner            TEXT     NOT NULL,
    state            TEXT     NOT NULL,
    priority         SMALLINT NOT NULL,
    attempt          INTEGER  NOT NULL DEFAULT 0,
    handbacks        INTEGER  NOT NULL DEFAULT 0,
    model            TEXT     NOT NULL,
    worker           TEXT     NOT NULL DEFAULT '',
    lease_until      BIGINT,
    run_after        BIGINT   NOT NULL,
    deadline_seconds INTEGER  NOT NULL DEFAULT 0,
    cancel_requested BOOLEAN  NOT NULL DEFAULT FALSE,
    created_at       BIGINT   NOT NULL,
    started_at       BIGINT,
    finished_at      BIGINT,
    finish_reason    TEXT     NOT NULL DEFAULT '',
    usage            TEXT     NOT NULL DEFAULT '',
    error            TEXT     NOT NULL DEFAULT '',
    chunk_count      INTEGER  NOT NULL DEFAULT 0
);
CREATE INDEX tasks_queue ON tasks (priority, created_at) WHERE state = 'queued';
CREATE INDEX tasks_lease ON tasks (lease_until) WHERE state = 'running';
CREATE INDEX tasks_worker ON tasks (worker) WHERE state = 'running';
CREATE INDEX tasks_newest ON tasks (owner, created_at DESC, id DESC);
CREATE INDEX tasks_conversation ON tasks (conversation_id);

CREATE TABLE idempotency (
    owner      TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    body_hash  TEXT   NOT NULL,
    task_id    TEXT COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_task ON idempotency (task_id);

CREATE TABLE workers (
    id          TEXT PRIMARY KEY,
    host        TEXT    NOT NULL,
    pid         INTEGER NOT NULL,
    version     TEXT    NOT NULL,
    concurrency INTEGER NOT NULL,
    running     INTEGER NOT NULL,
    started_at  BIGINT  NOT NULL,
    seen_at     BIGINT  NOT NULL
);

-- +goose StatementBegin
DO $$
BEGIN
    -- An index for search, where the extension may be made; search works without.
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX messages_search ON messages USING gin (content gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'search goes without an index: %', SQLERRM;
END $$;
-- +goose StatementEnd

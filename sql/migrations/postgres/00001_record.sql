-- The record: conversations, their messages as a tree, and the tasks that make
-- the answers. Its pair for SQLite has the same tables and columns.
-- Times are microseconds since 1970, UTC. Ids are UUIDv7, compared byte by byte.

-- +goose Up
CREATE TABLE conversations (
    id         TEXT COLLATE "C" PRIMARY KEY,
    owner      TEXT NOT NULL,
    title      TEXT NOT NULL,
    folded     TEXT NOT NULL,   -- the title, for search
    model      TEXT NOT NULL,
    system     TEXT NOT NULL,
    next_seq   BIGINT NOT NULL, -- of the conversation's next message
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX conversations_newest ON conversations (owner, updated_at, id);

CREATE TABLE messages (
    id              TEXT COLLATE "C" PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations ON DELETE CASCADE,
    seq             BIGINT NOT NULL, -- order of acceptance in the conversation
    parent_id       TEXT COLLATE "C" NOT NULL, -- '' at a root; always of the same conversation
    role            TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    model           TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    content         TEXT NOT NULL,
    reasoning       TEXT NOT NULL,
    folded          TEXT NOT NULL, -- the content, for search
    UNIQUE (conversation_id, seq)
);

CREATE TABLE tasks (
    id                TEXT COLLATE "C" PRIMARY KEY,
    conversation_id   TEXT COLLATE "C" NOT NULL REFERENCES conversations ON DELETE CASCADE,
    message_id        TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES messages ON DELETE CASCADE,
    user_message_id   TEXT COLLATE "C" NOT NULL,
    owner             TEXT NOT NULL,
    state             TEXT NOT NULL
        CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')),
    priority          BIGINT NOT NULL, -- 0 urgent, 1 normal, 2 background
    place             BIGINT NOT NULL, -- in the queue: a time, see submit.go
    attempt           BIGINT NOT NULL,
    handbacks         BIGINT NOT NULL, -- attempts that do not count as failed
    model             TEXT NOT NULL,
    worker            TEXT NOT NULL,   -- who has, or last had, the lease
    lease_until       BIGINT,
    run_after         BIGINT NOT NULL,
    deadline_seconds  BIGINT NOT NULL,
    cancel_requested  BOOLEAN NOT NULL,
    created_at        BIGINT NOT NULL,
    started_at        BIGINT,
    finished_at       BIGINT,
    finish_reason     TEXT NOT NULL,
    prompt_tokens     BIGINT,
    completion_tokens BIGINT,
    total_tokens      BIGINT,
    error_code        TEXT NOT NULL,
    error_message     TEXT NOT NULL,
    error_retryable   BOOLEAN NOT NULL,
    chunk_count       BIGINT NOT NULL,
    CHECK (state <> 'running' OR lease_until IS NOT NULL)
);
CREATE INDEX tasks_newest ON tasks (owner, created_at, id);
CREATE INDEX tasks_of_conversation ON tasks (conversation_id);
CREATE INDEX tasks_queue ON tasks (priority, place, id) WHERE state = 'queued';
CREATE INDEX tasks_waiting ON tasks (owner, priority, place) WHERE state = 'queued';
CREATE INDEX tasks_leases ON tasks (lease_until) WHERE state = 'running';
CREATE INDEX tasks_workers ON tasks (worker) WHERE state = 'running';

-- What an Idempotency-Key was answered with. It outlives the conversation.
CREATE TABLE idempotency_keys (
    owner           TEXT NOT NULL,
    key             TEXT NOT NULL,
    body_hash       TEXT NOT NULL,
    task_id         TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    user_message_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE workers (
    id          TEXT PRIMARY KEY,
    host        TEXT NOT NULL,
    pid         BIGINT NOT NULL,
    version     TEXT NOT NULL,
    concurrency BIGINT NOT NULL,
    running     BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL
);

-- The record: conversations, their messages as a tree, and the tasks that make
-- the answers. Its pair for PostgreSQL has the same tables and columns.
-- Times are microseconds since 1970, UTC. Ids are UUIDv7, compared byte by byte.

-- +goose Up
CREATE TABLE conversations (
    id         TEXT NOT NULL PRIMARY KEY,
    owner      TEXT NOT NULL,
    title      TEXT NOT NULL,
    folded     TEXT NOT NULL,   -- the title, for search
    model      TEXT NOT NULL,
    system     TEXT NOT NULL,
    next_seq   INTEGER NOT NULL, -- of the conversation's next message
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX conversations_newest ON conversations (owner, updated_at, id);

CREATE TABLE messages (
    num             INTEGER PRIMARY KEY, -- for the index of 00002_search.sql alone
    id              TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    seq             INTEGER NOT NULL, -- order of acceptance in the conversation
    parent_id       TEXT NOT NULL, -- '' at a root; always of the same conversation
    role            TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    model           TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    content         TEXT NOT NULL,
    reasoning       TEXT NOT NULL,
    folded          TEXT NOT NULL, -- the content, for search
    UNIQUE (conversation_id, seq)
);

CREATE TABLE tasks (
    id                TEXT NOT NULL PRIMARY KEY,
    conversation_id   TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    message_id        TEXT NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE,
    user_message_id   TEXT NOT NULL,
    owner             TEXT NOT NULL,
    state             TEXT NOT NULL
        CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')),
    priority          INTEGER NOT NULL, -- 0 urgent, 1 normal, 2 background
    place             INTEGER NOT NULL, -- in the queue: a time, see submit.go
    attempt           INTEGER NOT NULL,
    handbacks         INTEGER NOT NULL, -- attempts that do not count as failed
    model             TEXT NOT NULL,
    worker            TEXT NOT NULL,   -- who has, or last had, the lease
    lease_until       INTEGER,
    run_after         INTEGER NOT NULL,
    deadline_seconds  INTEGER NOT NULL,
    cancel_requested  BOOLEAN NOT NULL,
    created_at        INTEGER NOT NULL,
    started_at        INTEGER,
    finished_at       INTEGER,
    finish_reason     TEXT NOT NULL,
    prompt_tokens     INTEGER,
    completion_tokens INTEGER,
    total_tokens      INTEGER,
    error_code        TEXT NOT NULL,
    error_message     TEXT NOT NULL,
    error_retryable   BOOLEAN NOT NULL,
    chunk_count       INTEGER NOT NULL,
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
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE workers (
    id          TEXT NOT NULL PRIMARY KEY,
    host        TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    version     TEXT NOT NULL,
    concurrency INTEGER NOT NULL,
    running     INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL
);

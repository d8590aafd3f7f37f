-- +goose Up
CREATE TABLE conversations (
    id         TEXT PRIMARY KEY,
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
    rowno           INTEGER PRIMARY KEY, -- kept by VACUUM, for the search index
    id              TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id       TEXT REFERENCES messages (id) ON DELETE CASCADE,
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
    id               TEXT PRIMARY KEY,
    conversation_id  TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    message_id       TEXT NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE,
    user_message_id  TEXT NOT NULL,
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
    cancel_requested BOOLEAN  NOT NULL DEFAULT 0,
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
    task_id    TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
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

-- Search: the trigram index serves LIKE, for any script and any punctuation.
CREATE VIRTUAL TABLE messages_search USING fts5 (content, content = 'messages', content_rowid = 'rowno', tokenize = 'trigram');
-- +goose StatementBegin
CREATE TRIGGER messages_search_insert AFTER INSERT ON messages BEGIN
    INSERT INTO messages_search (rowid, content) VALUES (new.rowno, new.content);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER messages_search_delete AFTER DELETE ON messages BEGIN
    INSERT INTO messages_search (messages_search, rowid, content) VALUES ('delete', old.rowno, old.content);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER messages_search_update AFTER UPDATE OF content ON messages BEGIN
    INSERT INTO messages_search (messages_search, rowid, content) VALUES ('delete', old.rowno, old.content);
    INSERT INTO messages_search (rowid, content) VALUES (new.rowno, new.content);
END;
-- +goose StatementEnd

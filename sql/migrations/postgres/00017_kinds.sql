-- Tasks that write something about a conversation and answer no message, and what they
-- write: summaries, which stand for the beginning of a conversation where it is too long
-- for a model.

-- +goose Up

-- '' for an answer. The text of a task of any other kind is a row of messages with a
-- negative seq: beside the tree, without a parent, and not searchable. Its user_message_id
-- is the last message that it reads.
ALTER TABLE tasks ADD COLUMN kind TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX tasks_one_of_kind ON tasks (conversation_id, kind) WHERE kind <> '' AND state IN ('queued', 'running');

-- The task that has to end before this one can be claimed, '' for none; how many summaries
-- this task has waited for; and with which summary and system prompt its answer was made, NULL
-- before its end.
ALTER TABLE tasks ADD COLUMN waits_for TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN compactions BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN summary_id TEXT COLLATE "C";
ALTER TABLE tasks ADD COLUMN sent_system TEXT;

-- A summary stands for the messages from the root to message_id. It has the id of the task
-- that wrote it. One that was removed is not used any more, and shows what was sent before.
CREATE TABLE summaries (
    id              TEXT COLLATE "C" PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations ON DELETE CASCADE,
    message_id      TEXT COLLATE "C" NOT NULL REFERENCES messages ON DELETE CASCADE,
    model           TEXT NOT NULL,
    text            TEXT NOT NULL,
    removed         BOOLEAN NOT NULL DEFAULT FALSE,
    created_at      BIGINT NOT NULL
);
CREATE INDEX summaries_of_conversation ON summaries (conversation_id);
CREATE INDEX summaries_of_message ON summaries (message_id);

-- How many tokens fit into a model, as far as a provider said so when it refused a
-- conversation.
CREATE TABLE model_windows (
    model      TEXT NOT NULL PRIMARY KEY, -- provider/id
    context    BIGINT NOT NULL,
    learned_at BIGINT NOT NULL
);

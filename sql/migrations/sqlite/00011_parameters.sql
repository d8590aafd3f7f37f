-- What a client asks of the model for one answer, as JSON, '' for nothing; data of the wire
-- format of a task; and conversations that are hidden, and deleted after some time.

-- +goose Up
ALTER TABLE tasks ADD COLUMN parameters TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN temporary BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX conversations_temporary ON conversations (updated_at) WHERE temporary;

-- The message with whose text the answer of a task begins, '' for a whole answer. Whether a model
-- may write the title of a conversation: it was asked for, and the user has set none.

-- +goose Up
ALTER TABLE tasks ADD COLUMN continues TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN wants_title BOOLEAN NOT NULL DEFAULT FALSE;

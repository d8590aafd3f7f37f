-- The message with whose text the answer of a task begins, '' for a whole answer. Whether the title
-- of a conversation was set by a user; that of an older conversation counts as such.

-- +goose Up
ALTER TABLE tasks ADD COLUMN continues TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN titled BOOLEAN NOT NULL DEFAULT TRUE;

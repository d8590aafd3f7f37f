-- What messages of a conversation ask of the model unless they say otherwise, as JSON, '' for
-- nothing.

-- +goose Up
ALTER TABLE conversations ADD COLUMN parameters TEXT NOT NULL DEFAULT '';

-- Tokens of the prompt that the provider read from its cache and wrote to it, and tokens of
-- the answer that are reasoning. NULL if the provider reported no tokens.

-- +goose Up
ALTER TABLE tasks ADD COLUMN cached_tokens INTEGER;
ALTER TABLE tasks ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE tasks ADD COLUMN reasoning_tokens INTEGER;

-- The worker in whose memory the provider is that a task's client sent along; ''
-- if the server's own answers.

-- +goose Up
ALTER TABLE tasks ADD COLUMN own_provider TEXT NOT NULL DEFAULT '';

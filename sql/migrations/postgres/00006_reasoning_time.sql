-- How long the model reasoned before it answered, in milliseconds; 0 if nobody knows.

-- +goose Up
ALTER TABLE messages ADD COLUMN reasoning_ms BIGINT NOT NULL DEFAULT 0;

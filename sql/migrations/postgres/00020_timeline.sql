-- The timeline of PostgreSQL on which a task was stored or last claimed. A promotion begins a
-- new one, which may lack the last attempts of the old one: the next claim skips their numbers.

-- +goose Up
ALTER TABLE tasks ADD COLUMN timeline BIGINT NOT NULL DEFAULT 1;

-- The failures of late, without a look at all that went well.

-- +goose Up
CREATE INDEX tasks_failed ON tasks (owner, finished_at) WHERE state IN ('failed', 'interrupted');

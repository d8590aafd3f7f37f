-- Which models answer if that of a task does not, and which did not, as JSON, '' for none; and
-- what a queued task waits for besides a worker, '' for nothing.

-- +goose Up
ALTER TABLE tasks ADD COLUMN failover TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN waiting TEXT NOT NULL DEFAULT '';

-- Where the provider can be asked for the answer of an earlier attempt, in words that only
-- the provider understands; '' if it cannot.

-- +goose Up
ALTER TABLE tasks ADD COLUMN upstream TEXT NOT NULL DEFAULT '';

-- What the user should know of how an answer was made, one notice a line.

-- +goose Up
ALTER TABLE tasks ADD COLUMN notices TEXT NOT NULL DEFAULT '';

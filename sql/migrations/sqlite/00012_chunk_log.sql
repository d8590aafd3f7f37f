-- The chunks of an ended task without the terminal one, packed, so that the positions of
-- its stream keep their meaning when the list in Redis has expired. No row if they are lost.

-- +goose Up
CREATE TABLE chunk_logs (
    task_id TEXT  NOT NULL PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
    packed  BLOB NOT NULL
);

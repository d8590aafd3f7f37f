-- A message is a list of parts: JSON, '' for none, as in the type Part. size is that of
-- all their texts, in bytes: of several partial answers the longest is kept.

-- +goose Up
ALTER TABLE messages ADD COLUMN parts TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET size = length(CAST(content AS BLOB)) + length(CAST(reasoning AS BLOB)), parts = CASE
    WHEN content = '' AND reasoning = '' THEN ''
    WHEN reasoning = '' THEN json_array(json_object('type', 'text', 'text', content))
    WHEN content = '' THEN json_array(json_object('type', 'reasoning', 'text', reasoning, 'duration_ms', reasoning_ms))
    ELSE json_array(json_object('type', 'reasoning', 'text', reasoning, 'duration_ms', reasoning_ms), json_object('type', 'text', 'text', content))
END;
ALTER TABLE messages DROP COLUMN content;
ALTER TABLE messages DROP COLUMN reasoning;
ALTER TABLE messages DROP COLUMN reasoning_ms;
ALTER TABLE tasks RENAME COLUMN handbacks TO uncounted_attempts;
ALTER TABLE tasks RENAME COLUMN place TO queue_at;

-- A message is a list of parts: JSON, '' for none, as in the type Part. size is that of
-- all their texts, in bytes: of several partial answers the longest is kept.

-- +goose Up
ALTER TABLE messages ADD COLUMN parts TEXT NOT NULL DEFAULT '', ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
UPDATE messages SET size = octet_length(content) + octet_length(reasoning), parts = CASE
    WHEN content = '' AND reasoning = '' THEN ''
    WHEN reasoning = '' THEN json_build_array(json_build_object('type', 'text', 'text', content))::text
    WHEN content = '' THEN json_build_array(json_build_object('type', 'reasoning', 'text', reasoning, 'duration_ms', reasoning_ms))::text
    ELSE json_build_array(json_build_object('type', 'reasoning', 'text', reasoning, 'duration_ms', reasoning_ms), json_build_object('type', 'text', 'text', content))::text
END;
ALTER TABLE messages DROP COLUMN content, DROP COLUMN reasoning, DROP COLUMN reasoning_ms;
ALTER TABLE tasks RENAME COLUMN handbacks TO uncounted_attempts;
ALTER TABLE tasks RENAME COLUMN place TO queue_at;

-- Search in the texts of messages. pg_trgm makes it quick; where the extension
-- cannot be created, because it is not installed or not allowed, the same search
-- works without an index.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX messages_folded ON messages USING gin (folded gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'search goes without an index: %', SQLERRM;
END
$$;
-- +goose StatementEnd

-- Search in the texts of messages: a trigram index over messages.folded, which
-- is folded already, so that the index is told to take letters as they are.
-- GLOB uses it; for words under three characters there is no index.

-- +goose Up
CREATE VIRTUAL TABLE messages_search USING fts5(
    folded, content = 'messages', content_rowid = 'num', tokenize = 'trigram case_sensitive 1'
);

-- +goose StatementBegin
CREATE TRIGGER messages_search_insert AFTER INSERT ON messages BEGIN
    INSERT INTO messages_search (rowid, folded) VALUES (new.num, new.folded);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER messages_search_delete AFTER DELETE ON messages BEGIN
    INSERT INTO messages_search (messages_search, rowid, folded) VALUES ('delete', old.num, old.folded);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER messages_search_update AFTER UPDATE OF folded ON messages WHEN old.folded <> new.folded BEGIN
    INSERT INTO messages_search (messages_search, rowid, folded) VALUES ('delete', old.num, old.folded);
    INSERT INTO messages_search (rowid, folded) VALUES (new.num, new.folded);
END;
-- +goose StatementEnd

-- Search for words of one and two characters: messages_terms shows the trigrams of
-- messages_search, some of which begin with the word wherever it stands, unless
-- that is the end of a text, where no trigram begins any more.

-- +goose Up
CREATE VIRTUAL TABLE messages_terms USING fts5vocab(messages_search, instance);
CREATE INDEX messages_last_two ON messages (substr(folded, -2));
CREATE INDEX messages_last ON messages (substr(folded, -1));

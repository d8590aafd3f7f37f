-- PostgreSQL reads the messages for words of one and two characters: trigrams are
-- of no use to it then, and an index of pairs of characters would double what
-- storing a message costs.

-- +goose Up
SELECT 1;

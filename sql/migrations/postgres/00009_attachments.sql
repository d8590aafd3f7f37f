-- Images and text files, each stored once for an owner, and the messages that refer to
-- them. digest is the SHA-256 of data, in lower-case hex. uploaded_at is the time of the
-- last upload: an attachment without a message is deleted a week after it.

-- +goose Up
CREATE TABLE attachments (
    owner       TEXT   NOT NULL,
    digest      TEXT   NOT NULL,
    media_type  TEXT   NOT NULL,
    size        BIGINT NOT NULL, -- of data, in bytes
    data        BYTEA  NOT NULL,
    uploaded_at BIGINT NOT NULL,
    PRIMARY KEY (owner, digest)
);
CREATE INDEX attachments_age ON attachments (uploaded_at);

CREATE TABLE message_attachments (
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    owner      TEXT NOT NULL,
    digest     TEXT NOT NULL,
    PRIMARY KEY (message_id, digest),
    FOREIGN KEY (owner, digest) REFERENCES attachments (owner, digest)
);
CREATE INDEX message_attachments_digest ON message_attachments (owner, digest);

-- A migration that a second process repeats fails here, even if its statements do not.
CREATE UNIQUE INDEX goose_db_version_once ON goose_db_version (version_id);

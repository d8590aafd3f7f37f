-- What was read of PDFs when they were uploaded, and where providers keep copies of attachments.

-- +goose Up
CREATE TABLE documents (
    owner  TEXT    NOT NULL,
    digest TEXT    NOT NULL,
    pages  INTEGER NOT NULL,
    text   TEXT    NOT NULL, -- '' if it has none, as a scanned one
    PRIMARY KEY (owner, digest),
    FOREIGN KEY (owner, digest) REFERENCES attachments (owner, digest) ON DELETE CASCADE
);

-- No foreign key: the copy at the provider is deleted after the attachment.
CREATE TABLE provider_files (
    owner      TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    account    TEXT    NOT NULL, -- hash of the provider's base URL and key
    file_id    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (owner, digest, account)
);
CREATE INDEX provider_files_account ON provider_files (account, created_at);

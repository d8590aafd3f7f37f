package migrations

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"chat"
	"chat/internal/blocks"
)

// blocksVersion is a migration in Go, the same for both databases.
const blocksVersion = 10

// moveBlocks is the migration blocksVersion. Until then the texts of messages held images
// and files as blocks; it moves them to the table of attachments. A text without blocks
// stays as it is.
func moveBlocks(ctx context.Context, tx *stdsql.Tx) error {
	ids, err := messagesWithBlocks(ctx, tx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := moveBlocksOf(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// messagesWithBlocks returns the ids of the messages that may have blocks.
func messagesWithBlocks(ctx context.Context, tx *stdsql.Tx) (ids []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM messages WHERE role = 'user' AND (parts LIKE '%file name=%' OR parts LIKE '%image name=%')`)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func moveBlocksOf(ctx context.Context, tx *stdsql.Tx, messageID string) error {
	var owner, raw string
	var at int64
	err := tx.QueryRowContext(ctx, `SELECT c.owner, m.parts, m.created_at FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.id = $1`, messageID).
		Scan(&owner, &raw, &at)
	if err != nil {
		return err
	}
	var old chat.Parts
	if err := json.Unmarshal([]byte(raw), &old); err != nil {
		return err
	}
	var parts chat.Parts
	var found []chat.Attachment
	for _, p := range old {
		if p.Type != chat.PartText {
			parts = append(parts, p)
			continue
		}
		split, attachments := blocks.Parts(p.Text)
		parts, found = append(parts, split...), append(found, attachments...)
	}
	if len(found) == 0 {
		return nil
	}
	texts := map[string]string{}
	for _, a := range found {
		if _, err := tx.ExecContext(ctx, `INSERT INTO attachments (owner, digest, media_type, size, data, uploaded_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, owner, a.Digest, a.MediaType, a.Size, a.Data, at); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO message_attachments (message_id, owner, digest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			messageID, owner, a.Digest); err != nil {
			return err
		}
		if a.MediaType == chat.TextType {
			texts[a.Digest] = string(a.Data)
		}
	}
	encoded, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE messages SET parts = $2, size = $3, folded = $4 WHERE id = $1`,
		messageID, string(encoded), parts.Len(), fold(parts.SearchText(texts)))
	return err
}

// fold returns the searchable text of a message as this version stores it.
func fold(text string) string {
	const limit = 512 << 10 // bytes
	if len(text) > limit {
		end := limit
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return strings.ToLower(strings.ToUpper(text))
}

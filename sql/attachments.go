package sql

import (
	"context"
	"slices"
	"strings"
	"time"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
	"chat/sql/search"
)

// unreferencedLife is how long an attachment without a message is kept, because a draft on
// disk may refer to it.
const unreferencedLife = 7 * 24 * time.Hour

// pruneLimit bounds how many attachments one sweep deletes.
const pruneLimit = 500

// PutAttachment stores an attachment of owner unless it exists. created reports whether it
// stored it.
func (s *Store) PutAttachment(ctx context.Context, owner string, a chat.Attachment) (created bool, err error) {
	n, err := s.db.Exec(ctx, `UPDATE attachments SET uploaded_at = {{now}} WHERE owner = $1 AND digest = $2`, owner, a.Digest)
	if err != nil || n > 0 {
		return false, err
	}
	data := a.Data
	if data == nil {
		data = []byte{} // not NULL
	}
	err = s.inTx(ctx, func(t *transaction) error {
		n, err = t.Exec(ctx, `INSERT INTO attachments (owner, digest, media_type, size, data, uploaded_at)
			VALUES ($1, $2, $3, $4, $5, {{now}}) ON CONFLICT DO NOTHING`, owner, a.Digest, a.MediaType, a.Size, data)
		if err != nil || n == 0 || a.MediaType != chat.PDFType {
			return err
		}
		_, err = t.Exec(ctx, `INSERT INTO documents (owner, digest, pages, text) VALUES ($1, $2, $3, $4)`, owner, a.Digest, a.Pages, a.Text)
		return err
	})
	return n > 0, err
}

// withPages selects the columns of attachments a without their data and texts.
const withPages = `SELECT a.digest, a.media_type, a.size, coalesce((SELECT pages` + ofDocument + `), 0) AS pages`

// documentText is a column of attachments a: the text of a PDF.
const documentText = `coalesce((SELECT text` + ofDocument + `), '') AS text`

const ofDocument = ` FROM documents d WHERE d.owner = a.owner AND d.digest = a.digest`

type attachmentRow struct {
	Digest    string
	MediaType string `db:"media_type"`
	Size      int64
	Pages     int
	Data      []byte // nil unless the query selects it
	Text      string // as Data
}

func (r *attachmentRow) attachment() chat.Attachment {
	return chat.Attachment{Digest: r.Digest, MediaType: r.MediaType, Size: r.Size, Pages: r.Pages, Data: r.Data, Text: r.Text}
}

// Attachment returns an attachment of owner with its data.
func (s *Store) Attachment(ctx context.Context, owner, digest string) (chat.Attachment, error) {
	if !chat.IsDigest(digest) {
		return chat.Attachment{}, notFound(database.ErrNoRow, "attachment")
	}
	row, err := database.Get[attachmentRow](ctx, s.db, withPages+`, a.data, `+documentText+` FROM attachments a WHERE a.owner = $1 AND a.digest = $2`, owner, digest)
	if err != nil {
		return chat.Attachment{}, notFound(err, "attachment")
	}
	return row.attachment(), nil
}

// attachments maps digests to attachments without their data.
type attachments map[string]chat.Attachment

// attachments returns the attachments of owner with these digests. It locks their rows, in
// the order of the digests, until the transaction ends, so that no other transaction deletes
// an attachment to which a new message refers.
func (t *transaction) attachments(ctx context.Context, owner string, digests []string) (attachments, error) {
	digests = slices.Compact(slices.Sorted(slices.Values(digests)))
	found := make(attachments, len(digests))
	for some := range slices.Chunk(digests, batchMessages) {
		args := database.Args{owner}
		var list []attachmentRow
		err := t.List(ctx, &list, withPages+` FROM attachments a
			WHERE a.owner = $1 AND a.digest IN (`+args.AddAll(some)+`) ORDER BY a.digest {{lock}}`, args...)
		if err != nil {
			return nil, err
		}
		for i := range list {
			found[list[i].Digest] = list[i].attachment()
		}
	}
	return found, nil
}

// encode returns the columns of a message's parts, which have the types and sizes of the
// attachments to which they refer (see Parts.Attach).
func (t *transaction) encode(ctx context.Context, owner string, p chat.Parts) (rows.Content, error) {
	args := database.Args{owner}
	var wanted []string
	size := int64(0)
	for i := range p { // what exceeds the limit is not searched
		if p[i].Type == chat.PartFile && size < search.IndexedBytes {
			wanted = append(wanted, args.Add(p[i].Digest))
			size += min(p[i].Size, chat.MaxDocumentText)
		}
	}
	texts := make(map[string]string, len(wanted))
	if len(wanted) > 0 {
		var list []attachmentRow
		if err := t.List(ctx, &list, `SELECT a.digest, CASE WHEN a.media_type = `+args.Add(chat.TextType)+` THEN a.data END AS data, `+documentText+`
			FROM attachments a WHERE a.owner = $1 AND a.digest IN (`+strings.Join(wanted, ", ")+`)`, args...); err != nil {
			return rows.Content{}, err
		}
		for i := range list {
			texts[list[i].Digest] = list[i].Text + string(list[i].Data)
		}
	}
	return rows.EncodeParts(p, p.SearchText(texts))
}

// encodeWith returns the columns of a user's message that refers to these attachments. It
// fails if one of them is missing or if they exceed the limits.
func (t *transaction) encodeWith(ctx context.Context, owner string, p chat.Parts, digests []string) (rows.Content, error) {
	found, err := t.attachments(ctx, owner, digests)
	if err != nil {
		return rows.Content{}, err
	}
	sized, err := p.Attach(found)
	if err == nil {
		err = sized.CheckSize()
	}
	if err != nil {
		return rows.Content{}, err
	}
	return t.encode(ctx, owner, sized)
}

// refer stores the references of messages to attachments, one row for each message and
// digest.
func (t *transaction) refer(ctx context.Context, owner string, messages []chat.Message) error {
	var values [][]any
	for i := range messages {
		m := &messages[i]
		for _, digest := range m.Parts.Digests() {
			values = append(values, []any{m.ID, owner, digest})
		}
	}
	_, err := t.InsertRows(ctx, `INSERT INTO message_attachments (message_id, owner, digest) VALUES`, values, ` ON CONFLICT DO NOTHING`)
	return err
}

// referencesOf returns the digests to which the messages of a conversation refer, and when
// the newest of these messages was stored.
func (t *transaction) referencesOf(ctx context.Context, conversationID string) (digests []string, newest int64, err error) {
	type reference struct {
		Digest string
		At     int64
	}
	var list []reference
	err = t.List(ctx, &list, `SELECT r.digest, max(m.created_at) AS at FROM message_attachments r JOIN messages m ON m.id = r.message_id
		WHERE m.conversation_id = $1 GROUP BY r.digest`, conversationID)
	for _, r := range list {
		digests, newest = append(digests, r.Digest), max(newest, r.At)
	}
	return digests, newest, err
}

// deleteUnreferenced deletes the attachments of owner with these digests to which no message
// refers and which were not uploaded after a time: a later upload is for a message that is
// still to come. It locks them first, so that it waits for transactions that add a reference,
// and then sees it.
func (t *transaction) deleteUnreferenced(ctx context.Context, owner string, digests []string, until int64) error {
	if _, err := t.attachments(ctx, owner, digests); err != nil {
		return err
	}
	for some := range slices.Chunk(digests, batchMessages) {
		args := database.Args{owner, until}
		var wanted []string
		for _, digest := range some {
			wanted = append(wanted, args.Add(digest))
		}
		_, err := t.Exec(ctx, `DELETE FROM attachments WHERE owner = $1 AND uploaded_at <= $2 AND digest IN (`+strings.Join(wanted, ", ")+`)
			AND NOT EXISTS (SELECT 1 FROM message_attachments r WHERE r.owner = $1 AND r.digest = attachments.digest)`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// pruneAttachments deletes attachments that were last uploaded more than unreferencedLife
// ago and to which no message refers.
func (s *Store) pruneAttachments(ctx context.Context) error {
	type oldRow struct {
		Owner, Digest string
		Until         int64
	}
	old, err := database.List[oldRow](ctx, s.db, `SELECT owner, digest, {{now}} - $1 AS until FROM attachments a WHERE uploaded_at < {{now}} - $1
			AND NOT EXISTS (SELECT 1 FROM message_attachments r WHERE r.owner = a.owner AND r.digest = a.digest)
		ORDER BY owner, digest LIMIT $2`, micros(unreferencedLife), pruneLimit)
	if err != nil {
		return err
	}
	for _, a := range old {
		err := s.inTx(ctx, func(t *transaction) error {
			return t.deleteUnreferenced(ctx, a.Owner, []string{a.Digest}, a.Until)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"chat"
	"chat/internal/transcript"
	"chat/sql/database"
	"chat/sql/search"
)

// A transaction of an import blocks all other writers of SQLite, so it is bounded by
// bytes of text and by messages.
const (
	batchBytes    = 2 << 20
	batchMessages = 1000
)

const importTries = 4

// Import stores a conversation as it was exported: its ids, its tree, its times and the
// outcomes of its answers. It is idempotent: it adds only the messages that owner does not
// have, and changes none. Where another conversation has an id, Import derives a new one,
// the same each time. It stores a large conversation in several transactions: repeating an
// import that failed halfway completes it. With dry it stores nothing.
//
// The transcript must have passed Check.
func (s *Store) Import(ctx context.Context, owner string, t transcript.Transcript, dry bool) (transcript.Imported, error) {
	t.Normalize(time.Now())
	normalize(&t)
	for try := 1; ; try++ {
		done, err := s.importOnce(ctx, owner, t, dry)
		switch {
		case !errors.Is(err, database.ErrNoRow):
			return done, err
		case try == importTries:
			return done, chat.Retryable(failure(chat.CodeUnavailable, err, "the same conversation is being imported or deleted at the same time: try again"))
		}
	}
}

// normalize normalises the texts of t in place.
func normalize(t *transcript.Transcript) {
	t.Title, t.Model, t.System = chat.NormalizeText(t.Title), chat.NormalizeText(t.Model), chat.NormalizeText(t.System)
	for i := range t.Messages {
		m := &t.Messages[i]
		m.Model, m.FinishReason = chat.NormalizeText(m.Model), chat.NormalizeText(m.FinishReason)
		if m.Error != nil {
			e := *m.Error
			e.Code, e.Message = chat.Code(chat.NormalizeText(string(e.Code))), chat.NormalizeText(e.Message)
			m.Error = &e
		}
	}
}

func (s *Store) importOnce(ctx context.Context, owner string, t transcript.Transcript, dry bool) (transcript.Imported, error) {
	missing, exists, err := s.missingOf(ctx, owner, &t)
	done := transcript.Imported{ConversationID: t.ID, Status: transcript.ImportUnchanged, Messages: len(t.Messages), Added: len(missing)}
	switch {
	case !exists:
		done.Status = transcript.ImportCreated
	case len(missing) > 0:
		done.Status = transcript.ImportExtended
	}
	if err != nil || dry || done.Status == transcript.ImportUnchanged {
		return done, err
	}
	if err := s.attachImported(ctx, owner, t.Messages, missing); err != nil {
		return transcript.Imported{}, err
	}
	for first := true; first || len(missing) > 0; first = false {
		n := batchSize(missing)
		if err := s.importBatch(ctx, owner, t.Conversation, missing[:n], first && !exists); err != nil {
			return transcript.Imported{}, err
		}
		missing = missing[n:]
	}
	return done, nil
}

// attachImported sets the types and sizes of the attachments to which the missing messages
// refer. Before anything is stored, it refuses an import whose attachments are not all there.
// Errors number the messages of the whole import.
func (s *Store) attachImported(ctx context.Context, owner string, all, missing []chat.Message) error {
	var digests []string
	for i := range missing {
		digests = append(digests, missing[i].Parts.Digests()...)
	}
	if len(digests) == 0 {
		return nil
	}
	var found attachments
	err := s.inTx(ctx, func(t *transaction) (err error) {
		found, err = t.attachments(ctx, owner, digests)
		return err
	})
	if err != nil {
		return err
	}
	for i := range missing {
		m := &missing[i]
		parts, err := m.Parts.Attach(found)
		if err == nil && m.Role == chat.RoleUser {
			err = parts.CheckImportedSize()
		}
		if err != nil {
			e := *chat.AsError(err)
			if e.Code == chat.CodeInvalid {
				e.Message += " (the files of chat export contain attachments, the output of chat show --json does not)"
			}
			e.Message = fmt.Sprintf("message %d: %s", 1+slices.IndexFunc(all, func(a chat.Message) bool { return a.ID == m.ID }), e.Message)
			return &e
		}
		m.Parts = parts
	}
	return nil
}

// batchSize returns how many of the messages one transaction stores.
func batchSize(list []chat.Message) int {
	size := 0
	for i := range list {
		size += len(list[i].Content) + len(list[i].Reasoning)
		for _, p := range list[i].Parts {
			if p.Type == chat.PartFile { // its text is indexed
				size += int(min(p.Size, search.IndexedBytes))
			}
		}
		if i > 0 && size > batchBytes || i == batchMessages {
			return i
		}
	}
	return len(list)
}

// importBatch stores some messages in one transaction. It returns database.ErrNoRow if a
// concurrent change made the caller's decision wrong.
func (s *Store) importBatch(ctx context.Context, owner string, c chat.Conversation, batch []chat.Message, create bool) error {
	return s.inTx(ctx, func(t *transaction) error {
		if create {
			if err := t.insertCompleteConversation(ctx, owner, c); err != nil {
				return err
			}
		}
		seq, err := t.reserve(ctx, owner, c.ID, len(batch), c.UpdatedAt.UnixMicro())
		if err != nil {
			return err
		}
		n, err := t.insertCompleteMessages(ctx, owner, seq, batch)
		if err == nil && n < len(batch) {
			return database.ErrNoRow
		}
		return err
	})
}

// missingOf decides on t's ids. It returns the messages that owner does not have, and
// whether the conversation exists.
func (s *Store) missingOf(ctx context.Context, owner string, t *transcript.Transcript) (missing []chat.Message, exists bool, err error) {
	exists, foreign, err := s.hasConversation(ctx, owner, t.ID)
	if foreign && err == nil {
		t.DeriveIDs(owner)
		exists, foreign, err = s.hasConversation(ctx, owner, t.ID)
	}
	if err == nil && foreign {
		err = chat.Errorf(chat.CodeConflict, "another conversation has its ids")
	}
	if err != nil {
		return nil, false, err
	}
	had, err := s.resolveIDs(ctx, t)
	if err != nil {
		return nil, false, err
	}
	for i := range t.Messages {
		if !had[t.Messages[i].ID] {
			missing = append(missing, t.Messages[i])
		}
	}
	return missing, exists, nil
}

func (s *Store) hasConversation(ctx context.Context, owner, id string) (exists, foreign bool, err error) {
	actual, err := database.Get[string](ctx, s.db, `SELECT owner FROM conversations WHERE id = $1`, id)
	if errors.Is(err, database.ErrNoRow) {
		return false, false, nil
	}
	return err == nil, err == nil && actual != owner, err
}

// resolveIDs gives new ids, the same each time, to the messages and tasks of t whose ids
// other conversations have. It returns the ids of the messages that the conversation has.
func (s *Store) resolveIDs(ctx context.Context, t *transcript.Transcript) (map[string]bool, error) {
	messageIDs, taskIDs := make([]string, 0, len(t.Messages)), make([]string, 0, len(t.Messages))
	for i := range t.Messages {
		messageIDs = append(messageIDs, t.Messages[i].ID)
		if t.Messages[i].TaskID != "" {
			taskIDs = append(taskIDs, t.Messages[i].TaskID)
		}
	}
	messages, err := s.conversationsOf(ctx, "messages", messageIDs)
	if err != nil {
		return nil, err
	}
	tasks, err := s.conversationsOf(ctx, "tasks", taskIDs)
	if err != nil {
		return nil, err
	}
	had, to := map[string]bool{}, map[string]string{}
	var renamed []string
	for i := range t.Messages {
		m := &t.Messages[i]
		if id, ok := to[m.ParentID]; ok {
			m.ParentID = id
		}
		at, taken := messages[m.ID]
		had[m.ID] = at == t.ID
		if taken && at != t.ID {
			to[m.ID] = transcript.DerivedID(m.CreatedAt, t.ID, m.ID)
			m.ID = to[m.ID]
			renamed = append(renamed, m.ID)
		}
		if at, taken := tasks[m.TaskID]; taken && (at != t.ID || !had[m.ID]) {
			m.TaskID = transcript.DerivedID(m.CreatedAt, t.ID, m.TaskID, m.ID)
		}
	}
	stored, err := s.conversationsOf(ctx, "messages", renamed)
	for id, at := range stored {
		if at != t.ID {
			return nil, chat.Errorf(chat.CodeConflict, "another conversation has the ids of its messages")
		}
		had[id] = true
	}
	return had, err
}

// conversationsOf returns the conversations of the rows of table with these ids.
func (s *Store) conversationsOf(ctx context.Context, table string, ids []string) (map[string]string, error) {
	at := map[string]string{}
	for len(ids) > 0 {
		some := ids[:min(batchMessages, len(ids))]
		ids = ids[len(some):]
		var args database.Args
		rows, err := database.List[struct {
			ID             string
			ConversationID string `db:"conversation_id"`
		}](ctx, s.db, `SELECT id, conversation_id FROM `+table+` WHERE id IN (`+args.AddAll(some)+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			at[r.ID] = r.ConversationID
		}
	}
	return at, nil
}

package sql

import (
	"context"
	"errors"
	"strings"
	"time"

	"chat"
)

// One transaction of an import holds back everybody else who writes to SQLite, so
// it is bounded: by the bytes of text and by messages.
const (
	pieceBytes    = 2 << 20
	pieceMessages = 1000
)

const importTries = 4

// Import stores a conversation as it was exported: with its ids, its tree, its
// times and the outcomes of its answers. It is idempotent: what owner has already
// is left as it is, and only messages that are missing are added. The ids are new,
// and the same each time, where somebody else's conversation has them. A large
// conversation is stored in pieces: an import that fails halfway is completed by
// repeating it. With dry nothing is stored.
//
// The transcript must have passed Check.
func (s *Store) Import(ctx context.Context, owner string, t chat.Transcript, dry bool) (chat.Imported, error) {
	t.Settle(time.Now())
	normalize(&t)
	for try := 1; ; try++ {
		done, err := s.importOnce(ctx, owner, t, dry)
		switch {
		case !errors.Is(err, errNoRow):
			return done, err
		case try == importTries:
			return done, unavailable(err, "the same conversation is being imported or deleted by somebody else: try again")
		}
	}
}

// normalize makes all texts of t, which is ours from here on, such as can be stored.
func normalize(t *chat.Transcript) {
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

func (s *Store) importOnce(ctx context.Context, owner string, t chat.Transcript, dry bool) (chat.Imported, error) {
	missing, exists, err := s.missingOf(ctx, owner, &t)
	done := chat.Imported{ConversationID: t.ID, Status: chat.ImportUnchanged, Messages: len(t.Messages), Added: len(missing)}
	switch {
	case !exists:
		done.Status = chat.ImportCreated
	case len(missing) > 0:
		done.Status = chat.ImportExtended
	}
	if err != nil || dry || done.Status == chat.ImportUnchanged {
		return done, err
	}
	for first := true; first || len(missing) > 0; first = false {
		n := pieceOf(missing)
		if err := s.importPiece(ctx, owner, t.Conversation, missing[:n], first && !exists); err != nil {
			return chat.Imported{}, err
		}
		missing = missing[n:]
	}
	return done, nil
}

// pieceOf is how many of the messages one transaction takes.
func pieceOf(list []chat.Message) int {
	size := 0
	for i := range list {
		size += len(list[i].Content) + len(list[i].Reasoning)
		if i > 0 && size > pieceBytes || i == pieceMessages {
			return i
		}
	}
	return len(list)
}

// importPiece stores some messages in one transaction. It returns errNoRow if
// somebody has stored or deleted meanwhile what it was decided by.
func (s *Store) importPiece(ctx context.Context, owner string, c chat.Conversation, piece []chat.Message, create bool) error {
	return s.inTx(ctx, func(t *transaction) error {
		if create {
			if err := t.insertWholeConversation(ctx, owner, c); err != nil {
				return err
			}
		}
		seq, err := t.reserve(ctx, owner, c.ID, len(piece), c.UpdatedAt.UnixMicro())
		if err != nil {
			return err
		}
		n, err := t.insertWholeMessages(ctx, owner, seq, piece)
		if err == nil && n < len(piece) {
			return errNoRow
		}
		return err
	})
}

// missingOf decides on t's ids, and returns the messages that owner does not
// have, and whether the conversation exists.
func (s *Store) missingOf(ctx context.Context, owner string, t *chat.Transcript) (missing []chat.Message, exists bool, err error) {
	exists, foreign, err := s.hasConversation(ctx, owner, t.ID)
	if foreign && err == nil {
		rename(t, owner)
		exists, foreign, err = s.hasConversation(ctx, owner, t.ID)
	}
	if err == nil && foreign {
		err = chat.Errorf(chat.CodeConflict, "its ids are taken by another conversation")
	}
	if err != nil {
		return nil, false, err
	}
	had, err := s.settleIDs(ctx, t)
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
	whose, err := get[string](ctx, s, `SELECT owner FROM conversations WHERE id = $1`, id)
	if errors.Is(err, errNoRow) {
		return false, false, nil
	}
	return err == nil, err == nil && whose != owner, err
}

// rename gives t ids of owner's own, the same each time.
func rename(t *chat.Transcript, owner string) {
	t.ID = chat.DerivedID(t.CreatedAt, owner, t.ID)
	to := make(map[string]string, len(t.Messages))
	for i := range t.Messages {
		m := &t.Messages[i]
		to[m.ID] = chat.DerivedID(m.CreatedAt, owner, t.ID, m.ID)
		m.ID, m.ConversationID, m.ParentID = to[m.ID], t.ID, to[m.ParentID]
		if m.TaskID != "" {
			m.TaskID = chat.DerivedID(m.CreatedAt, owner, t.ID, m.TaskID)
		}
	}
}

// settleIDs gives new ids, the same each time, to the messages and tasks of t
// whose ids are taken in other conversations, and returns the ids of those that
// the conversation has.
func (s *Store) settleIDs(ctx context.Context, t *chat.Transcript) (map[string]bool, error) {
	messageIDs, taskIDs := make([]string, 0, len(t.Messages)), make([]string, 0, len(t.Messages))
	for i := range t.Messages {
		messageIDs = append(messageIDs, t.Messages[i].ID)
		if t.Messages[i].TaskID != "" {
			taskIDs = append(taskIDs, t.Messages[i].TaskID)
		}
	}
	messages, err := s.whereIs(ctx, "messages", messageIDs)
	if err != nil {
		return nil, err
	}
	tasks, err := s.whereIs(ctx, "tasks", taskIDs)
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
			to[m.ID] = chat.DerivedID(m.CreatedAt, t.ID, m.ID)
			m.ID = to[m.ID]
			renamed = append(renamed, m.ID)
		}
		if at, taken := tasks[m.TaskID]; taken && (at != t.ID || !had[m.ID]) {
			m.TaskID = chat.DerivedID(m.CreatedAt, t.ID, m.TaskID, m.ID)
		}
	}
	again, err := s.whereIs(ctx, "messages", renamed)
	for id, at := range again {
		if at != t.ID {
			return nil, chat.Errorf(chat.CodeConflict, "the ids of its messages are taken by another conversation")
		}
		had[id] = true
	}
	return had, err
}

// whereIs are the conversations in which the rows of table have these ids.
func (s *Store) whereIs(ctx context.Context, table string, ids []string) (map[string]string, error) {
	at := map[string]string{}
	for len(ids) > 0 {
		some := ids[:min(pieceMessages, len(ids))]
		ids = ids[len(some):]
		var args arguments
		var marks []string
		for _, id := range some {
			marks = append(marks, args.add(id))
		}
		rows, err := list[struct {
			ID             string
			ConversationID string `db:"conversation_id"`
		}](ctx, s, `SELECT id, conversation_id FROM `+table+` WHERE id IN (`+strings.Join(marks, ", ")+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			at[r.ID] = r.ConversationID
		}
	}
	return at, nil
}

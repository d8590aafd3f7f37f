// Package transcript is the form of conversations for export and import: what a valid one is,
// and the ids of a copy.
package transcript

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"chat"
)

// Transcript is a whole conversation for export and import: all messages of its tree, each
// after its parent.
type Transcript struct {
	chat.Conversation
	Messages []chat.Message `json:"messages"`
	// Attachments, with their data, are uploaded by the client before the transcript.
	Attachments []chat.Attachment `json:"-"`
}

const (
	maxMessages = 50_000
	maxOutcome  = 64 << 10 // bytes of a finish reason, or of an error's sentence
)

// ImportStatus says what an import did.
type ImportStatus string

// The results of an import: the conversation is new, some of its messages are new, or
// nothing is new.
const (
	ImportCreated   ImportStatus = "created"
	ImportExtended  ImportStatus = "extended"
	ImportUnchanged ImportStatus = "unchanged"
)

// Imported is the result of an import. ConversationID differs from the transcript's only
// if another user has a conversation with that id.
type Imported struct {
	ConversationID string       `json:"conversation_id"`
	Status         ImportStatus `json:"status"`
	Messages       int          `json:"messages"` // of the transcript
	Added          int          `json:"added"`    // the new ones of them
}

// Check returns chat.CodeInvalid or chat.CodeTooLarge if t cannot be imported. Its message has the
// number of the message, counted from 1.
func (t *Transcript) Check() error {
	switch {
	case !isUUID(t.ID):
		return chat.Errorf(chat.CodeInvalid, "id is not a UUID in lower case")
	case len(t.Messages) > maxMessages:
		return chat.Errorf(chat.CodeTooLarge, "it has %d messages, and a conversation at most %d", len(t.Messages), maxMessages)
	case len(t.Title) > chat.MaxTitle:
		return chat.Errorf(chat.CodeTooLarge, "title is longer than %d bytes", chat.MaxTitle)
	case len(t.Model) > chat.MaxModel:
		return chat.Errorf(chat.CodeTooLarge, "model is longer than %d bytes", chat.MaxModel)
	case len(t.System) > chat.MaxSystem:
		return chat.Errorf(chat.CodeTooLarge, "system is longer than %d bytes", chat.MaxSystem)
	case t.Parameters.ValidateLasting() != nil:
		return t.Parameters.ValidateLasting()
	case !utf8.ValidString(t.Title + t.Model + t.System):
		return chat.Errorf(chat.CodeInvalid, "title, model or system is not valid UTF-8")
	}
	messages, tasks := make(map[string]bool, len(t.Messages)), make(map[string]bool, len(t.Messages))
	for i := range t.Messages {
		m := &t.Messages[i]
		if what := problem(m, t.ID, messages, tasks); what != "" {
			return chat.Errorf(chat.CodeInvalid, "message %d: %s", i+1, what)
		}
		messages[m.ID] = true
		tasks[m.TaskID] = m.TaskID != ""
	}
	return nil
}

// problem says why m cannot follow these messages and tasks in an import of the
// conversation, "" if it can.
func problem(m *chat.Message, conversation string, messages, tasks map[string]bool) string {
	switch {
	case !isUUID(m.ID):
		return "id is not a UUID in lower case"
	case messages[m.ID]:
		return "another message has the same id"
	case m.ConversationID != "" && m.ConversationID != conversation:
		return "conversation_id is that of another conversation"
	case m.ParentID != "" && !messages[m.ParentID]:
		return "parent_id is not a message before it"
	case m.Role != chat.RoleUser && m.Role != chat.RoleAssistant:
		return "role must be user or assistant"
	case m.AllParts().Normalize().Validate(chat.RoleAssistant) != nil: // an older version let users' messages have reasoning
		return m.AllParts().Normalize().Validate(chat.RoleAssistant).Error()
	case m.Role == chat.RoleUser && (m.TaskID != "" || m.State != "" || m.Usage != nil || m.Error != nil || m.Notices != nil || m.Parameters != nil):
		return "a user's message has no task, state, usage, error, notices or parameters"
	case m.TaskID != "" && (!isUUID(m.TaskID) || tasks[m.TaskID]):
		return "task_id must be a UUID that no other message has"
	case m.State != "" && !known(m.State):
		return "state is unknown"
	case len(m.Model) > chat.MaxModel || len(m.FinishReason) > maxOutcome:
		return "model or finish_reason is too long"
	case len(m.Notices) > chat.MaxNotices || slices.ContainsFunc(m.Notices, func(n string) bool { return len(n) > maxOutcome }):
		return "notices are too many or too long"
	case m.Error != nil && (m.Error.Code == "" || len(m.Error.Code) > chat.MaxModel || len(m.Error.Message) > maxOutcome):
		return "error must have a code, and not be too long"
	case m.Parameters.ValidateLasting() != nil:
		return m.Parameters.ValidateLasting().Error()
	case m.Usage != nil && (m.Usage.PromptTokens < 0 || m.Usage.CompletionTokens < 0 || m.Usage.TotalTokens < 0):
		return "usage must not be negative"
	}
	return ""
}

func known(s chat.TaskState) bool {
	return s.Terminal() || s == chat.TaskQueued || s == chat.TaskRunning
}

// Normalize prepares t for a store. It sets missing ids and times, the latter to now, and
// marks answers that were still running as interrupted, because no task here runs them.
func (t *Transcript) Normalize(now time.Time) {
	t.CreatedAt = or(t.CreatedAt, now)
	t.UpdatedAt = or(t.UpdatedAt, t.CreatedAt)
	for i := range t.Messages {
		m := &t.Messages[i]
		m.ConversationID = t.ID
		m.CreatedAt = or(m.CreatedAt, t.CreatedAt)
		m.UpdatedAt = or(m.UpdatedAt, m.CreatedAt)
		m.SetParts(m.AllParts().Normalize())
		if m.Role != chat.RoleAssistant {
			continue
		}
		if m.TaskID == "" {
			m.TaskID = DerivedID(m.CreatedAt, "task", m.ID)
		}
		switch m.State {
		case "":
			m.State = chat.TaskDone
		case chat.TaskQueued, chat.TaskRunning:
			m.State = chat.TaskInterrupted
			m.Error = chat.Retryable(chat.Errorf(chat.CodeProviderCut, "the answer was not complete when it was exported: regenerate it with chat retry"))
		case chat.TaskDone, chat.TaskFailed, chat.TaskCancelled, chat.TaskInterrupted:
		}
	}
}

func or(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}

// DerivedID returns a UUIDv7 of the time at, to the millisecond, whose other bits are a
// hash of parts: the same arguments always give the same id.
func DerivedID(at time.Time, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	id := sum[:16]
	ms := uint64(max(at.UnixMilli(), 0))
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70 // version 7, RFC 9562
	id[8] = id[8]&0x3f | 0x80 // and its variant
	h := hex.EncodeToString(id)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// isUUID reports whether s is a UUID in lower case, of any version.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

// ForkTitle returns the title of a copy: "T (fork)", then "T (fork 2)".
func ForkTitle(title string) string {
	const mark = " (fork"
	n := ""
	if base, rest, ok := cutLast(title, mark); ok {
		if rest == ")" {
			title, n = base, " 2"
		} else if k, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(rest, " "), ")")); err == nil && k > 1 && strings.HasSuffix(rest, ")") {
			title, n = base, " "+strconv.Itoa(k+1)
		}
	}
	for len(title) > chat.MaxTitle-2*len(mark) {
		_, size := utf8.DecodeLastRuneInString(title)
		title = title[:len(title)-size]
	}
	return strings.TrimSpace(title + mark + n + ")")
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// DeriveIDs replaces all ids by ids that belong to owner, the same each time.
func (t *Transcript) DeriveIDs(owner string) {
	t.ID = DerivedID(t.CreatedAt, owner, t.ID)
	to := make(map[string]string, len(t.Messages))
	for i := range t.Messages {
		m := &t.Messages[i]
		to[m.ID] = DerivedID(m.CreatedAt, owner, t.ID, m.ID)
		m.ID, m.ConversationID, m.ParentID = to[m.ID], t.ID, to[m.ParentID]
		if m.TaskID != "" {
			m.TaskID = DerivedID(m.CreatedAt, owner, t.ID, m.TaskID)
		}
	}
}

package sql

import (
	stdsql "database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"chat"
)

// The rows of the tables as they are scanned, and what they become.

const conversationColumns = `id, owner, title, model, system, created_at, updated_at`

type conversationRow struct {
	ID        string
	Owner     string
	Title     string
	Model     string
	System    string
	CreatedAt int64 `db:"created_at"`
	UpdatedAt int64 `db:"updated_at"`
}

func (r *conversationRow) conversation() chat.Conversation {
	return chat.Conversation{
		ID: r.ID, Owner: r.Owner, Title: r.Title, Model: r.Model, System: r.System,
		CreatedAt: instant(r.CreatedAt), UpdatedAt: instant(r.UpdatedAt),
	}
}

const taskColumns = `id, conversation_id, message_id, user_message_id, owner, state, priority, place, attempt, uncounted_attempts, model, own_provider,
	worker, lease_until, run_after, deadline_seconds, cancel_requested, created_at, started_at, finished_at, chunk_count,
	` + outcomeColumns

// outcomeColumns are those of a task that its message shows, too.
const outcomeColumns = `finish_reason, prompt_tokens, completion_tokens, total_tokens, error_code, error_message, error_retryable, notices`

type outcomeRow struct {
	FinishReason     string             `db:"finish_reason"`
	PromptTokens     stdsql.Null[int64] `db:"prompt_tokens"`
	CompletionTokens stdsql.Null[int64] `db:"completion_tokens"`
	TotalTokens      stdsql.Null[int64] `db:"total_tokens"`
	ErrorCode        string             `db:"error_code"`
	ErrorMessage     string             `db:"error_message"`
	ErrorRetryable   bool               `db:"error_retryable"`
	NoticeLines      string             `db:"notices"`
}

func (r *outcomeRow) notices() []string {
	if r.NoticeLines == "" {
		return nil
	}
	return strings.Split(r.NoticeLines, "\n")
}

// noticeLines is how notices are stored: one a line.
func noticeLines(notices []string) string {
	lines := make([]string, len(notices))
	for i, n := range notices {
		lines[i] = strings.ReplaceAll(chat.NormalizeText(n), "\n", " ")
	}
	return strings.Join(lines, "\n")
}

func (r *outcomeRow) usage() *chat.Usage {
	if !r.TotalTokens.Valid {
		return nil
	}
	return &chat.Usage{
		PromptTokens: int(r.PromptTokens.V), CompletionTokens: int(r.CompletionTokens.V), TotalTokens: int(r.TotalTokens.V),
	}
}

func (r *outcomeRow) err() *chat.Error {
	if r.ErrorCode == "" {
		return nil
	}
	return &chat.Error{Code: chat.Code(r.ErrorCode), Message: r.ErrorMessage, Retryable: r.ErrorRetryable}
}

type taskRow struct {
	ID              string
	ConversationID  string `db:"conversation_id"`
	MessageID       string `db:"message_id"`
	UserMessageID   string `db:"user_message_id"`
	Owner           string
	State           chat.TaskState
	Priority        int
	Place           int64
	Attempt         int
	Uncounted       int `db:"uncounted_attempts"`
	Model           string
	OwnProvider     string `db:"own_provider"`
	Worker          string
	LeaseUntil      stdsql.Null[int64] `db:"lease_until"`
	RunAfter        int64              `db:"run_after"`
	DeadlineSeconds int                `db:"deadline_seconds"`
	CancelRequested bool               `db:"cancel_requested"`
	CreatedAt       int64              `db:"created_at"`
	StartedAt       stdsql.Null[int64] `db:"started_at"`
	FinishedAt      stdsql.Null[int64] `db:"finished_at"`
	ChunkCount      int                `db:"chunk_count"`
	outcomeRow
}

// task is the row as a task. Its Worker is the one that has, or last had, it.
func (r *taskRow) task() chat.Task {
	return chat.Task{
		ID: r.ID, ConversationID: r.ConversationID, MessageID: r.MessageID, UserMessageID: r.UserMessageID,
		Owner: r.Owner, State: r.State, Priority: chat.PriorityOfRank(r.Priority), Attempt: r.Attempt, Model: r.Model,
		OwnProvider: r.OwnProvider, Worker: r.Worker, LeaseUntil: moment(r.LeaseUntil), RunAfter: instant(r.RunAfter),
		DeadlineSeconds: r.DeadlineSeconds, CancelRequested: r.CancelRequested, CreatedAt: instant(r.CreatedAt),
		StartedAt: moment(r.StartedAt), FinishedAt: moment(r.FinishedAt),
		FinishReason: r.FinishReason, Usage: r.usage(), Error: r.err(), Notices: r.notices(), ChunkCount: r.ChunkCount,
	}
}

// current is the row as a task that shows a Worker only while that has a lease.
func (r *taskRow) current() chat.Task {
	t := r.task()
	if t.State != chat.TaskRunning {
		t.Worker = ""
	}
	return t
}

func tasks(rows []taskRow) []chat.Task {
	list := make([]chat.Task, len(rows))
	for i := range rows {
		list[i] = rows[i].task()
	}
	return list
}

type messageRow struct {
	ID             string
	ConversationID string `db:"conversation_id"`
	ParentID       string `db:"parent_id"`
	Role           chat.Role
	Parts          partsColumn
	Model          string
	CreatedAt      int64 `db:"created_at"`
	UpdatedAt      int64 `db:"updated_at"`
	// Of the task; empty for a user's message.
	TaskID string         `db:"task_id"`
	State  chat.TaskState `db:"state"`
	outcomeRow
}

// messages selects messageRows; a condition on m and t follows.
const messagesQuery = `SELECT m.id, m.conversation_id, m.parent_id, m.role, m.parts, m.model, m.created_at, m.updated_at,
		coalesce(t.id, '') AS task_id, coalesce(t.state, '') AS state, coalesce(t.finish_reason, '') AS finish_reason,
		t.prompt_tokens, t.completion_tokens, t.total_tokens, coalesce(t.error_code, '') AS error_code,
		coalesce(t.error_message, '') AS error_message, coalesce(t.error_retryable, FALSE) AS error_retryable,
		coalesce(t.notices, '') AS notices
	FROM messages m LEFT JOIN tasks t ON t.message_id = m.id `

func (r *messageRow) message() chat.Message {
	m := chat.Message{
		ID: r.ID, ConversationID: r.ConversationID, ParentID: r.ParentID, Role: r.Role,
		Model:     r.Model,
		CreatedAt: instant(r.CreatedAt), UpdatedAt: instant(r.UpdatedAt),
		TaskID: r.TaskID, State: r.State, FinishReason: r.FinishReason, Usage: r.usage(), Notices: r.notices(),
	}
	m.SetParts(r.Parts.Parts)
	if r.State.Terminal() { // until then an error is one that is being tried again
		m.Error = r.err()
	}
	return m
}

// partsColumn is a message's parts as they are stored: JSON, or nothing.
type partsColumn struct{ chat.Parts }

// Scan reads a column.
func (p *partsColumn) Scan(v any) error {
	p.Parts = nil
	switch v := v.(type) {
	case string:
		return p.decode([]byte(v))
	case []byte:
		return p.decode(v)
	}
	return failure(chat.CodeStorage, nil, fmt.Sprintf("the parts of a message are a %T", v))
}

func (p *partsColumn) decode(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &p.Parts); err != nil {
		return failure(chat.CodeStorage, err, "the parts of a message cannot be read: "+err.Error())
	}
	return nil
}

// stored is what is stored of a message's content.
type stored struct {
	parts  string // JSON, "" for none
	size   int    // of all texts, in bytes
	folded string // the text, for search
}

func storedOf(p chat.Parts) (stored, error) {
	p = p.Normalize()
	if len(p) == 0 {
		return stored{}, nil
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return stored{}, failure(chat.CodeInternal, err, "the parts of a message cannot be stored: "+err.Error())
	}
	return stored{string(raw), p.Len(), foldMessage(chat.WithoutImages(p.Text()))}, nil
}

func messages(rows []messageRow) []chat.Message {
	list := make([]chat.Message, len(rows))
	for i := range rows {
		list[i] = rows[i].message()
	}
	return list
}

func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func moment(micros stdsql.Null[int64]) *time.Time {
	if !micros.Valid {
		return nil
	}
	t := instant(micros.V)
	return &t
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", failure(chat.CodeInternal, err, "no random number for an id: "+err.Error())
	}
	return id.String(), nil
}

// isID reports whether id can be one of ours. Others are unknown without a
// question, which PostgreSQL would refuse if they held a NUL.
func isID(id string) bool { return len(id) == 36 && uuid.Validate(id) == nil }

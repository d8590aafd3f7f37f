// Package rows holds the rows of the tables as they are scanned, and converts them to and
// from the types of the domain. It runs no query.
package rows

import (
	stdsql "database/sql"
	"encoding/json"
	"strings"
	"time"

	"chat"
	"chat/sql/search"

	"github.com/google/uuid"
)

// ConversationColumns are the columns of a Conversation.
const ConversationColumns = `id, owner, title, model, system, parameters, temporary, created_at, updated_at`

// Conversation is a row of the table of conversations.
type Conversation struct {
	ID         string
	Owner      string
	Title      string
	Model      string
	System     string
	Parameters Parameters
	Temporary  bool
	CreatedAt  int64 `db:"created_at"`
	UpdatedAt  int64 `db:"updated_at"`
}

// Conversation converts the row.
func (r *Conversation) Conversation() chat.Conversation {
	return chat.Conversation{
		ID: r.ID, Owner: r.Owner, Title: r.Title, Model: r.Model, System: r.System, Parameters: r.Parameters.Parameters, Temporary: r.Temporary,
		CreatedAt: Instant(r.CreatedAt), UpdatedAt: Instant(r.UpdatedAt),
	}
}

const (
	// TaskColumns are the columns of a Task.
	TaskColumns = taskColumns + `parameters, origin, upstream, continues, ` + outcomeColumns
	// ListedTaskColumns are those of a Task in a list, without what may be large.
	ListedTaskColumns = taskColumns + `CASE WHEN length(parameters) <= ` + smallParameters + ` THEN parameters ELSE '' END AS parameters, '' AS origin, '' AS upstream, continues, ` + outcomeColumns
)

// smallParameters is the length of parameters that lists have, in characters. All lasting
// ones fit; tools may not.
const smallParameters = "8192"

const taskColumns = `id, kind, waits_for, compactions, conversation_id, message_id, user_message_id, owner, state, priority, queue_at, attempt, uncounted_attempts, model, own_provider,
	worker, lease_until, run_after, waiting, failover, deadline_seconds, cancel_requested, created_at, started_at, finished_at, chunk_count, `

// outcomeColumns are the columns of a task that its message also has.
const outcomeColumns = `finish_reason, prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
	error_code, error_message, error_retryable, notices`

// outcome holds the outcomeColumns of a task. Before its end, the error is that of an attempt
// to be repeated.
type outcome struct {
	FinishReason     string             `db:"finish_reason"`
	PromptTokens     stdsql.Null[int64] `db:"prompt_tokens"`
	CompletionTokens stdsql.Null[int64] `db:"completion_tokens"`
	TotalTokens      stdsql.Null[int64] `db:"total_tokens"`
	CachedTokens     stdsql.Null[int64] `db:"cached_tokens"`
	CacheWriteTokens stdsql.Null[int64] `db:"cache_write_tokens"`
	ReasoningTokens  stdsql.Null[int64] `db:"reasoning_tokens"`
	ErrorCode        string             `db:"error_code"`
	ErrorMessage     string             `db:"error_message"`
	ErrorRetryable   bool               `db:"error_retryable"`
	NoticeLines      string             `db:"notices"`
}

func (r *outcome) notices() []string {
	if r.NoticeLines == "" {
		return nil
	}
	return strings.Split(r.NoticeLines, "\n")
}

// NoticeLines encodes the notices of a task, one per line.
func NoticeLines(notices []string) string {
	lines := make([]string, len(notices))
	for i, n := range notices {
		lines[i] = strings.ReplaceAll(chat.NormalizeText(n), "\n", " ")
	}
	return strings.Join(lines, "\n")
}

func (r *outcome) usage() *chat.Usage {
	if !r.TotalTokens.Valid {
		return nil
	}
	return &chat.Usage{
		PromptTokens: int(r.PromptTokens.V), CompletionTokens: int(r.CompletionTokens.V), TotalTokens: int(r.TotalTokens.V),
		CachedTokens: int(r.CachedTokens.V), CacheWriteTokens: int(r.CacheWriteTokens.V), ReasoningTokens: int(r.ReasoningTokens.V),
	}
}

// UsageColumns returns the six columns of tokens, all NULL if u is nil.
func UsageColumns(u *chat.Usage) []any {
	if u == nil {
		return make([]any, 6)
	}
	return []any{u.PromptTokens, u.CompletionTokens, u.TotalTokens, u.CachedTokens, u.CacheWriteTokens, u.ReasoningTokens}
}

func (r *outcome) err() *chat.Error {
	if r.ErrorCode == "" {
		return nil
	}
	return &chat.Error{Code: chat.Code(r.ErrorCode), Message: r.ErrorMessage, Retryable: r.ErrorRetryable}
}

// Task is a row of the table of tasks.
type Task struct {
	ID              string
	Kind            chat.TaskKind
	WaitsFor        string `db:"waits_for"`
	Compactions     int
	ConversationID  string `db:"conversation_id"`
	MessageID       string `db:"message_id"`
	UserMessageID   string `db:"user_message_id"`
	Owner           string
	State           chat.TaskState
	Priority        int
	QueueAt         int64 `db:"queue_at"`
	Attempt         int
	Uncounted       int `db:"uncounted_attempts"`
	Model           string
	CredentialsHost string `db:"own_provider"`
	Worker          string
	LeaseUntil      stdsql.Null[int64] `db:"lease_until"`
	RunAfter        int64              `db:"run_after"`
	Waiting         string
	Failover        Failover
	DeadlineSeconds int                `db:"deadline_seconds"`
	CancelRequested bool               `db:"cancel_requested"`
	CreatedAt       int64              `db:"created_at"`
	StartedAt       stdsql.Null[int64] `db:"started_at"`
	FinishedAt      stdsql.Null[int64] `db:"finished_at"`
	ChunkCount      int                `db:"chunk_count"`
	Parameters      Parameters
	Origin          string
	Upstream        string
	Continues       string
	outcome
}

// Task converts the row. Worker is the one that has, or last had, the lease.
func (r *Task) Task() chat.Task {
	message := r.MessageID
	if r.Kind != chat.KindAnswer {
		message = "" // its text is beside the tree
	}
	return chat.Task{
		ID: r.ID, Kind: r.Kind, ConversationID: r.ConversationID, MessageID: message, UserMessageID: r.UserMessageID,
		WaitsFor: r.WaitsFor, Compactions: r.Compactions,
		Owner: r.Owner, State: r.State, Priority: chat.PriorityOfRank(r.Priority), Attempt: r.Attempt, Model: r.Model,
		CredentialsHost: r.CredentialsHost, Worker: r.Worker, LeaseUntil: moment(r.LeaseUntil), RunAfter: Instant(r.RunAfter),
		DeadlineSeconds: r.DeadlineSeconds, CancelRequested: r.CancelRequested, CreatedAt: Instant(r.CreatedAt),
		StartedAt: moment(r.StartedAt), FinishedAt: moment(r.FinishedAt),
		FinishReason: r.FinishReason, Usage: r.usage(), Error: r.err(), Notices: r.notices(), ChunkCount: r.ChunkCount,
		Waiting: wait(r.Waiting, r.RunAfter), Failover: r.Failover.Failover,
		Parameters: r.Parameters.Parameters, Origin: r.Origin, Upstream: r.Upstream, Continues: r.Continues,
	}
}

// wait is what a task waits for; nil for nothing.
func wait(what string, until int64) *chat.Wait {
	if what == "" {
		return nil
	}
	return &chat.Wait{For: what, Until: Instant(until)}
}

// Current converts the row. Worker is set only while it has a lease.
func (r *Task) Current() chat.Task {
	t := r.Task()
	if t.State != chat.TaskRunning {
		t.Worker = ""
	}
	if t.State != chat.TaskQueued {
		t.Waiting = nil
	}
	return t
}

// Tasks converts rows as Task does.
func Tasks(rows []Task) []chat.Task {
	list := make([]chat.Task, len(rows))
	for i := range rows {
		list[i] = rows[i].Task()
	}
	return list
}

// Message is a row of the table of messages with the outcome of its task.
type Message struct {
	ID             string
	ConversationID string `db:"conversation_id"`
	ParentID       string `db:"parent_id"`
	Role           chat.Role
	Parts          Parts
	Model          string
	CreatedAt      int64 `db:"created_at"`
	UpdatedAt      int64 `db:"updated_at"`
	// The fields of the task are empty for a user's message.
	TaskID     string         `db:"task_id"`
	State      chat.TaskState `db:"state"`
	Waiting    string
	RunAfter   int64 `db:"run_after"`
	Parameters Parameters
	outcome
}

// MessagesQuery selects Messages. A condition on m and t follows it.
const MessagesQuery = `SELECT m.id, m.conversation_id, m.parent_id, m.role, m.parts, m.model, m.created_at, m.updated_at,
		coalesce(t.id, '') AS task_id, coalesce(t.state, CASE m.role WHEN 'assistant' THEN 'done' ELSE '' END) AS state, coalesce(t.finish_reason, '') AS finish_reason,
		t.prompt_tokens, t.completion_tokens, t.total_tokens, t.cached_tokens, t.cache_write_tokens, t.reasoning_tokens, coalesce(t.error_code, '') AS error_code,
		coalesce(t.error_message, '') AS error_message, coalesce(t.error_retryable, FALSE) AS error_retryable,
		coalesce(t.notices, '') AS notices, coalesce(t.waiting, '') AS waiting, coalesce(t.run_after, 0) AS run_after,
		CASE WHEN length(t.parameters) <= ` + smallParameters + ` THEN t.parameters ELSE '' END AS parameters
	FROM messages m LEFT JOIN tasks t ON t.message_id = m.id `

// Message converts the row.
func (r *Message) Message() chat.Message {
	m := chat.Message{
		ID: r.ID, ConversationID: r.ConversationID, ParentID: r.ParentID, Role: r.Role, Model: r.Model,
		CreatedAt: Instant(r.CreatedAt), UpdatedAt: Instant(r.UpdatedAt),
		TaskID: r.TaskID, State: r.State, FinishReason: r.FinishReason, Usage: r.usage(), Notices: r.notices(),
		Parameters: r.Parameters.Lasting(),
	}
	m.SetParts(r.Parts.Parts)
	if r.State == chat.TaskQueued {
		m.Waiting = wait(r.Waiting, r.RunAfter)
	}
	if r.State.Terminal() { // before, the error is that of an attempt to be repeated
		m.Error = r.err()
	}
	return m
}

// Parameters is a column of parameters: JSON, or "" for none.
type Parameters struct{ *chat.Parameters }

// Scan implements sql.Scanner.
func (p *Parameters) Scan(v any) (err error) {
	p.Parameters, err = scanJSON[chat.Parameters](v, "parameters")
	return err
}

// Failover is a column of a failover: JSON, or "" for none.
type Failover struct{ *chat.Failover }

// Scan implements sql.Scanner.
func (f *Failover) Scan(v any) (err error) {
	f.Failover, err = scanJSON[chat.Failover](v, "the models of a failover")
	return err
}

// EncodeFailover returns the column of a failover.
func EncodeFailover(f *chat.Failover) (string, error) {
	if f == nil {
		return "", nil
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return "", &chat.Error{Code: chat.CodeInternal, Message: "the models of a failover cannot be encoded: " + err.Error(), Cause: err}
	}
	return chat.NormalizeText(string(raw)), nil
}

// scanJSON decodes a column; nil for "".
func scanJSON[T any](v any, what string) (*T, error) {
	raw, ok := v.(string)
	if b, isBytes := v.([]byte); isBytes {
		raw, ok = string(b), true
	}
	if !ok {
		return nil, chat.Errorf(chat.CodeStorage, "%s: the column has the type %T", what, v)
	}
	if raw == "" {
		return nil, nil
	}
	out := new(T)
	if err := json.Unmarshal([]byte(raw), out); err != nil {
		return nil, &chat.Error{Code: chat.CodeStorage, Message: what + " cannot be read: " + err.Error(), Cause: err}
	}
	return out, nil
}

// Parts is the column of a message's parts: JSON, or "" for none.
type Parts struct{ chat.Parts }

// Scan implements sql.Scanner.
func (p *Parts) Scan(v any) error {
	p.Parts = nil
	switch v := v.(type) {
	case string:
		return p.decode([]byte(v))
	case []byte:
		return p.decode(v)
	}
	return chat.Errorf(chat.CodeStorage, "the parts of a message have the type %T", v)
}

func (p *Parts) decode(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &p.Parts); err != nil {
		return &chat.Error{Code: chat.CodeStorage, Message: "the parts of a message cannot be read: " + err.Error(), Cause: err}
	}
	return nil
}

// Content are the columns of a message's content.
type Content struct {
	Parts  string // JSON, "" for none
	Size   int    // of all texts in bytes
	Folded string // the searchable text
}

// EncodeParts returns the columns of parts. searched is what a search finds of them; ""
// stands for their texts.
func EncodeParts(p chat.Parts, searched string) (Content, error) {
	p = p.Normalize()
	if len(p) == 0 {
		return Content{}, nil
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return Content{}, &chat.Error{Code: chat.CodeInternal, Message: "the parts of a message cannot be encoded: " + err.Error(), Cause: err}
	}
	if searched == "" {
		searched = p.Text()
	}
	return Content{string(raw), p.Len(), search.FoldMessage(searched)}, nil
}

// Messages converts rows.
func Messages(rows []Message) []chat.Message {
	list := make([]chat.Message, len(rows))
	for i := range rows {
		list[i] = rows[i].Message()
	}
	return list
}

// Instant returns a stored time, which is in microseconds since 1970.
func Instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func moment(micros stdsql.Null[int64]) *time.Time {
	if !micros.Valid {
		return nil
	}
	t := Instant(micros.V)
	return &t
}

// IsID reports whether id has the form of an id. Others cannot exist, and PostgreSQL
// refuses a statement with a NUL in a text.
func IsID(id string) bool { return len(id) == 36 && uuid.Validate(id) == nil }

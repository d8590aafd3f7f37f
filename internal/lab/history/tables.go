package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	_ "modernc.org/sqlite" // the driver

	"chat"
)

// Tables is the contents of the database, read without the product's own code.
type Tables struct {
	Messages []MessageRow
	Tasks    []TaskRow

	messages map[string]int // indexes by id
	tasks    map[string]int
	asked    map[string]int // user messages by mark
}

// MessageRow is one row of messages.
type MessageRow struct {
	ID, Conversation, Parent, Role string
	Parts                          chat.Parts
	Content                        string // the text of Parts
	Seq                            int64
}

// TaskRow is one row of tasks.
type TaskRow struct {
	ID, Message, UserMessage, Conversation string
	State                                  chat.TaskState
	Code                                   chat.Code
	Error                                  string
	Attempt, Uncounted                     int
	Created, Finished                      time.Time
	CancelRequested                        bool
}

// ReadTables reads the database.
func ReadTables(ctx context.Context, driver, dsn string) (r Tables, err error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	type message struct {
		MessageRow
		parts string
	}
	messages, err := rows(ctx, db, `SELECT id, conversation_id, parent_id, role, parts, seq FROM messages ORDER BY conversation_id, seq`,
		func(m *message) []any {
			return []any{&m.ID, &m.Conversation, &m.Parent, &m.Role, &m.parts, &m.Seq}
		})
	if err != nil {
		return r, err
	}
	for _, m := range messages {
		if m.parts != "" {
			if err := json.Unmarshal([]byte(m.parts), &m.Parts); err != nil {
				return r, fmt.Errorf("the parts of message %s: %w", m.ID, err)
			}
		}
		m.Content = m.Parts.Text()
		r.Messages = append(r.Messages, m.MessageRow)
	}
	type task struct {
		TaskRow
		created  int64
		finished sql.NullInt64
	}
	tasks, err := rows(ctx, db, `SELECT id, message_id, user_message_id, conversation_id, state, error_code, error_message, attempt, uncounted_attempts,
		cancel_requested, created_at, finished_at FROM tasks ORDER BY created_at, id`,
		func(t *task) []any {
			return []any{
				&t.ID, &t.Message, &t.UserMessage, &t.Conversation, &t.State, &t.Code, &t.Error, &t.Attempt, &t.Uncounted,
				&t.CancelRequested, &t.created, &t.finished,
			}
		})
	for _, t := range tasks {
		t.Created = time.UnixMicro(t.created)
		if t.finished.Valid {
			t.Finished = time.UnixMicro(t.finished.Int64)
		}
		r.Tasks = append(r.Tasks, t.TaskRow)
	}
	return NewTables(r.Messages, r.Tasks), err
}

// NewTables returns tables with these rows.
func NewTables(messages []MessageRow, tasks []TaskRow) Tables {
	r := Tables{Messages: messages, Tasks: tasks}
	r.index()
	return r
}

func rows[T any](ctx context.Context, db *sql.DB, query string, fields func(*T) []any) (out []T, err error) {
	found, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var v T
		if err := found.Scan(fields(&v)...); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, found.Err()
}

// index fills the maps for looking up rows.
func (r *Tables) index() {
	r.messages, r.tasks, r.asked = map[string]int{}, map[string]int{}, map[string]int{}
	for i, m := range r.Messages {
		r.messages[m.ID] = i
		if m.Role == "user" {
			r.asked[markOf(m.Content)]++
		}
	}
	for i, t := range r.Tasks {
		r.tasks[t.ID] = i
	}
}

// Task is the row of a task.
func (r Tables) Task(id string) (TaskRow, bool) {
	i, ok := r.tasks[id]
	if !ok {
		return TaskRow{}, false
	}
	return r.Tasks[i], true
}

// Message is the row of a message.
func (r Tables) Message(id string) (MessageRow, bool) {
	i, ok := r.messages[id]
	if !ok {
		return MessageRow{}, false
	}
	return r.Messages[i], true
}

func (r Tables) String() string {
	return fmt.Sprintf("%d messages, %d tasks", len(r.Messages), len(r.Tasks))
}

// Asked is the number of user messages with a mark.
func (r Tables) Asked(mark string) int { return r.asked[mark] }

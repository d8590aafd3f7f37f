// Package threads has the queries for what a model gets of a conversation: the messages of a
// path, the summaries that stand for others, and how many tokens models accept.
package threads

import (
	"context"
	"errors"
	"slices"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// Queries runs the queries on a database.
type Queries struct{ DB *database.DB }

func noSuch(what string) error { return chat.Errorf(chat.CodeNotFound, "no such %s", what) }

// notFound turns database.ErrNoRow into not_found and returns other errors unchanged.
func notFound(err error, what string) error {
	if errors.Is(err, database.ErrNoRow) {
		return noSuch(what)
	}
	return err
}

// newestSummary is the id of the summary that stands for what is before the message m, ” for
// none.
const newestSummary = `coalesce((SELECT s.id FROM summaries s WHERE s.message_id = m.parent_id AND NOT s.removed ORDER BY s.created_at DESC, s.id DESC LIMIT 1), '')`

// Thread returns what a task reads: the conversation's system prompt, and the messages from
// the root to its user message, along parent_id, each with its id, role and content. If a
// summary stands for the beginning, Thread returns the newest one and the messages after it.
// It omits assistant messages without text and tool calls, except those of a failed task, which
// have the code of the error.
func (q Queries) Thread(ctx context.Context, taskID string) (chat.Thread, error) {
	if !rows.IsID(taskID) {
		return chat.Thread{}, noSuch("task")
	}
	return q.path(ctx, "task", `tasks t JOIN messages m ON m.id = t.user_message_id JOIN conversations c ON c.id = t.conversation_id WHERE t.id = $1`, newestSummary, taskID)
}

// ThreadTo returns the thread that ends with a message of a conversation, "" for the newest one.
func (q Queries) ThreadTo(ctx context.Context, owner, conversationID, messageID string) (chat.Thread, error) {
	if !rows.IsID(conversationID) || messageID != "" && !rows.IsID(messageID) {
		return chat.Thread{}, noSuch("conversation")
	}
	return q.path(ctx, "message", `messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.id = $1 AND c.owner = $2 AND m.seq > 0 AND m.id = CASE WHEN $3 <> '' THEN $3
			ELSE (SELECT id FROM messages WHERE conversation_id = $1 AND seq > 0 ORDER BY seq DESC LIMIT 1) END`, newestSummary, conversationID, owner, messageID)
}

// SentThread returns the thread of an ended task as it was when its answer was made: with the
// summary of then, or without one.
func (q Queries) SentThread(ctx context.Context, taskID string, sent chat.Sent) (chat.Thread, error) {
	if !sent.Recorded {
		return q.Thread(ctx, taskID)
	}
	before := `CASE WHEN m.parent_id = coalesce((SELECT s.message_id FROM summaries s WHERE s.id = $2), '-') THEN CAST($2 AS TEXT) ELSE '' END`
	t, err := q.path(ctx, "task", `tasks t JOIN messages m ON m.id = t.user_message_id JOIN conversations c ON c.id = t.conversation_id WHERE t.id = $1`, before, taskID, sent.SummaryID)
	t.System = sent.System
	return t, err
}

// path returns the messages before and with the one that from selects, up to the message for
// which before is the id of a summary.
func (q Queries) path(ctx context.Context, what, from, before string, args ...any) (chat.Thread, error) {
	type threadRow struct {
		ID        string
		Role      chat.Role
		Parts     rows.Parts
		System    string // of the conversation, in the last row
		Wants     bool   // a title, in the same row
		SummaryID string `db:"summary_id"` // of what is before, in the first row
		Failure   chat.Code
	}
	// Each step finds one message by its id. A join after the recursion would read all
	// messages if the planner's statistics are old.
	list, err := database.List[threadRow](ctx, q.DB, `WITH RECURSIVE path (id, parent_id, role, parts, size, system, wants, depth, summary_id) AS (
			SELECT m.id, m.parent_id, m.role, m.parts, m.size, c.system, c.wants_title, 0, `+before+` FROM `+from+`
			UNION ALL
			SELECT m.id, m.parent_id, m.role, m.parts, m.size, '', FALSE, path.depth + 1, `+before+` FROM path JOIN messages m ON m.id = path.parent_id
				WHERE path.summary_id = ''
		) SELECT id, role, parts, system, wants, summary_id, CASE WHEN role = 'user' OR size > 0 THEN '' ELSE COALESCE(
				(SELECT t.error_code FROM tasks t WHERE t.message_id = path.id AND t.state IN ('failed', 'interrupted')), '') END AS failure
			FROM path ORDER BY depth DESC`, args...)
	if err == nil && len(list) == 0 {
		err = noSuch(what)
	}
	if err != nil {
		return chat.Thread{}, err
	}
	t := chat.Thread{System: list[len(list)-1].System, WantsTitle: list[len(list)-1].Wants}
	if id := list[0].SummaryID; id != "" {
		if t.Summary, err = q.summary(ctx, id); err != nil {
			return chat.Thread{}, err
		}
	}
	for _, r := range list {
		m := chat.Message{ID: r.ID, Role: r.Role}
		m.SetParts(r.Parts.Parts)
		if r.Failure != "" {
			m.Error = &chat.Error{Code: r.Failure}
		} else if m.Role == chat.RoleAssistant && m.Content == "" && !hasCall(m.Parts) {
			continue
		}
		t.Messages = append(t.Messages, m)
	}
	return t, nil
}

func hasCall(p chat.Parts) bool {
	return slices.ContainsFunc(p, func(part chat.Part) bool { return part.Type == chat.PartToolCall })
}

// Sent returns what is recorded about the request for an answer, which is named by its message
// or its task.
func (q Queries) Sent(ctx context.Context, id string) (chat.Sent, error) {
	if !rows.IsID(id) {
		return chat.Sent{}, noSuch("answer")
	}
	type sentRow struct {
		SummaryID *string `db:"summary_id"`
		System    *string `db:"sent_system"`
		Prompt    *int    `db:"prompt_tokens"`
		Model     string
	}
	row, err := database.Get[sentRow](ctx, q.DB, `SELECT summary_id, sent_system, prompt_tokens, model FROM tasks WHERE message_id = $1 OR id = $1`, id)
	if err != nil {
		return chat.Sent{}, notFound(err, "answer")
	}
	s := chat.Sent{Model: row.Model, Recorded: row.SummaryID != nil && row.System != nil}
	if s.Recorded {
		s.SummaryID, s.System = *row.SummaryID, *row.System
	}
	if row.Prompt != nil {
		s.PromptTokens = *row.Prompt
	}
	return s, nil
}

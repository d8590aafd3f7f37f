package sql

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// Finish stores the state, outcome and message of a running task in one transaction. It
// commits only while the task runs under r.Attempt (chat.ErrFenced otherwise), and, once
// a cancel was requested, only as cancelled (chat.ErrCancelWon). A repetition after a lost
// reply returns nil. If the provider does not have the model, Finish also removes it from
// the conversation.
func (s *Store) Finish(ctx context.Context, r chat.Result) error {
	if !r.State.Terminal() {
		return chat.Errorf(chat.CodeInternal, "a task cannot end as %q", r.State)
	}
	if !rows.IsID(r.TaskID) {
		return chat.ErrFenced
	}
	err := s.finish(ctx, r)
	if err == nil && r.Err != nil && r.Err.Code == chat.CodeProviderModel {
		return s.dropModel(ctx, r.TaskID)
	}
	return err
}

// unfinished is the fence of Finish. $3 is the new state.
const unfinished = `state = 'running' AND (NOT cancel_requested OR $3 = 'cancelled')`

func (s *Store) finish(ctx context.Context, r chat.Result) error {
	if s.db.ChangesInWith() && r.Kind == chat.KindAnswer {
		content, err := rows.EncodeParts(r.Parts, "")
		if err != nil {
			return err
		}
		ended, err := database.Change[string](ctx, s.db, `WITH ended AS (`+endTask+unfinished+` RETURNING message_id), saved AS (
				UPDATE messages SET model = CASE WHEN $12 = '' THEN model ELSE $12 END,
					parts = $19, size = $20, folded = $21, updated_at = {{now}} FROM ended WHERE id = ended.message_id), logged AS (
				INSERT INTO chunk_logs (task_id, packed) SELECT CAST($1 AS TEXT), CAST($22 AS BYTEA) FROM ended WHERE octet_length(CAST($22 AS BYTEA)) > 0)
			SELECT message_id FROM ended`, append(endArguments(r), content.Parts, content.Size, content.Folded, r.Log)...)
		if err != nil || len(ended) > 0 {
			return err
		}
	}
	return s.inTx(ctx, func(t *transaction) error {
		message, err := t.end(ctx, r, unfinished)
		if err != nil {
			return err
		}
		if message == "" {
			return t.whyNotFinished(ctx, r)
		}
		if err := t.saveAnswer(ctx, message, r.Model, r.Parts); err != nil {
			return err
		}
		return t.apply(ctx, r)
	})
}

// endTask ends a task if the fence that follows it allows.
const endTask = `UPDATE tasks SET state = $3, cancel_requested = FALSE, lease_until = NULL, finished_at = {{now}},
		finish_reason = $4, prompt_tokens = $5, completion_tokens = $6, total_tokens = $7, cached_tokens = $14, cache_write_tokens = $15, reasoning_tokens = $16,
		error_code = $8, error_message = $9, error_retryable = $10, chunk_count = $11,
		notices = CASE WHEN $13 = '' THEN notices ELSE $13 END, model = CASE WHEN $12 = '' THEN model ELSE $12 END,
		summary_id = $17, sent_system = $18
	WHERE id = $1 AND attempt = $2 AND `

func endArguments(r chat.Result) []any {
	e, tokens := failureOf(r.Err), rows.UsageColumns(r.Usage)
	return []any{
		r.TaskID, r.Attempt, string(r.State), chat.NormalizeText(r.FinishReason), tokens[0], tokens[1], tokens[2],
		string(e.Code), e.Message, e.Retryable, r.ChunkCount, chat.NormalizeText(r.Model), rows.NoticeLines(r.Notices),
		tokens[3], tokens[4], tokens[5], r.SummaryID, r.System,
	}
}

// end ends a task if fence allows, stores its log, and returns the id of its message.
// Otherwise it returns "".
func (t *transaction) end(ctx context.Context, r chat.Result, fence string) (messageID string, err error) {
	var ended []string
	err = t.List(ctx, &ended, endTask+fence+` RETURNING message_id`, endArguments(r)...)
	if err != nil || len(ended) == 0 {
		return "", err
	}
	if len(r.Log) > 0 {
		_, err = t.Exec(ctx, `INSERT INTO chunk_logs (task_id, packed) VALUES ($1, $2)`, r.TaskID, r.Log)
	}
	return ended[0], err
}

// failureOf returns the stored fields of an error, all empty for none.
func failureOf(e *chat.Error) chat.Error {
	if e == nil {
		return chat.Error{}
	}
	return chat.Error{Code: e.Code, Message: chat.NormalizeText(e.Message), Retryable: e.Retryable}
}

// saveAnswer writes an answer into the assistant's message. An empty model keeps the
// present one.
func (t *transaction) saveAnswer(ctx context.Context, id, model string, p chat.Parts) error {
	content, err := rows.EncodeParts(p, "")
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, `UPDATE messages SET model = CASE WHEN $2 = '' THEN model ELSE $2 END,
			parts = $3, size = $4, folded = CASE WHEN seq > 0 THEN $5 ELSE '' END, updated_at = {{now}} WHERE id = $1`,
		id, chat.NormalizeText(model), content.Parts, content.Size, content.Folded)
	return err
}

// taskStatus explains why a fenced write changed nothing.
type taskStatus struct {
	State           chat.TaskState
	Attempt         int
	CancelRequested bool `db:"cancel_requested"`
	ChunkCount      int  `db:"chunk_count"`
}

// taskStatus returns the status of a task. A deleted task has attempt 0. The lock makes this
// transaction write, and so wait for a synchronous standby, which may lack what it reads.
func (t *transaction) taskStatus(ctx context.Context, id string) (taskStatus, error) {
	var found []taskStatus
	err := t.List(ctx, &found, `SELECT state, attempt, cancel_requested, chunk_count FROM tasks WHERE id = $1 {{lock}}`, id)
	if err != nil || len(found) == 0 {
		return taskStatus{}, err
	}
	return found[0], nil
}

func (t *transaction) whyNotFinished(ctx context.Context, r chat.Result) error {
	now, err := t.taskStatus(ctx, r.TaskID)
	switch {
	case err != nil:
		return err
	case now.Attempt != r.Attempt:
		return chat.ErrFenced
	case now.State == chat.TaskRunning && now.CancelRequested:
		return chat.ErrCancelWon
	case now.State == r.State && now.ChunkCount == r.ChunkCount:
		return nil // this result was committed, only the reply was lost
	}
	return chat.ErrFenced
}

// Release returns a running task to the queue, to run after h.Delay, under the same fences
// as Finish. The message keeps the longest text of all attempts. A repetition after a lost
// reply returns nil.
func (s *Store) Release(ctx context.Context, h chat.Release) error {
	if !rows.IsID(h.TaskID) {
		return chat.ErrFenced
	}
	uncounted := 1
	if h.Counts {
		uncounted = 0
	}
	e := failureOf(h.Err)
	return s.inTx(ctx, func(t *transaction) error {
		awaited := ""
		if h.Await != nil { // first: all transactions lock the conversation before its tasks
			var err error
			if awaited, err = t.await(ctx, h); err != nil {
				return err
			}
		}
		var messageIDs []string
		err := t.List(ctx, &messageIDs, `UPDATE tasks SET state = 'queued', lease_until = NULL, run_after = {{now}} + $3,
				uncounted_attempts = uncounted_attempts + $4, error_code = $5, error_message = $6, error_retryable = $7, notices = $8, waiting = $9,
				started_at = CASE WHEN $9 <> '' AND attempt - uncounted_attempts <= 1 THEN NULL ELSE started_at END,
				waits_for = CASE WHEN $10 = '' THEN waits_for ELSE $10 END, compactions = compactions + CASE WHEN $10 = '' THEN 0 ELSE 1 END
			WHERE id = $1 AND attempt = $2 AND state = 'running' AND NOT cancel_requested RETURNING message_id`,
			h.TaskID, h.Attempt, micros(h.Delay), uncounted, string(e.Code), e.Message, e.Retryable, rows.NoticeLines(h.Notices), chat.NormalizeText(h.Waiting), awaited)
		if err != nil {
			return err
		}
		if len(messageIDs) == 0 {
			return t.whyNotRequeued(ctx, h)
		}
		if h.Again {
			if err := t.askAgain(ctx, h.TaskID); err != nil {
				return err
			}
		}
		return t.saveLonger(ctx, messageIDs[0], h.Model, h.Parts)
	})
}

// saveLonger writes an answer into a message, unless it has a longer one.
func (t *transaction) saveLonger(ctx context.Context, messageID, model string, p chat.Parts) error {
	saved, err := t.savedSize(ctx, messageID)
	if err != nil || saved >= p.Len() {
		return err
	}
	return t.saveAnswer(ctx, messageID, model, p)
}

func (t *transaction) whyNotRequeued(ctx context.Context, h chat.Release) error {
	now, err := t.taskStatus(ctx, h.TaskID)
	switch {
	case err != nil:
		return err
	case now.Attempt == h.Attempt && now.State == chat.TaskRunning:
		return chat.ErrCancelWon
	case now.Attempt == h.Attempt && now.State == chat.TaskQueued:
		return nil
	}
	return chat.ErrFenced
}

// savedSize returns the length in bytes of the answer that a message has.
func (t *transaction) savedSize(ctx context.Context, messageID string) (int, error) {
	var n int
	err := t.Get(ctx, &n, `SELECT size FROM messages WHERE id = $1`, messageID)
	return n, err
}

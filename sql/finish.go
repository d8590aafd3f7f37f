package sql

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
)

// Finish commits an attempt's result: the answer's text and the task's end,
// together. It changes nothing and returns chat.ErrFenced if the task is not
// running under that attempt any more, and chat.ErrCancelWon if a cancel was
// requested and r is not a cancelled end. Repeating it after a lost reply is safe.
func (s *Store) Finish(ctx context.Context, r chat.Result) error {
	return s.end(ctx, func(tx *sqlx.Tx) error {
		messageID, err := s.endTask(ctx, tx, r, "")
		if err != nil {
			return err
		}
		return s.setText(ctx, tx, messageID, r)
	})
}

// EndExpired ends a task whose lease has expired and that no worker will take
// again. The longer of r's text and the saved one is kept; without any, an
// interrupted task has failed. If a cancel was requested the end is cancelled.
func (s *Store) EndExpired(ctx context.Context, r chat.Result) error {
	return s.end(ctx, func(tx *sqlx.Tx) error {
		var now struct {
			Content, Reasoning string
			CancelRequested    bool `db:"cancel_requested"`
		}
		err := s.get(ctx, tx, &now, noTask, `SELECT m.content, m.reasoning, t.cancel_requested
			FROM tasks t JOIN messages m ON m.id = t.message_id WHERE t.id = $1`, r.TaskID)
		if err != nil {
			return err
		}
		if len(now.Content)+len(now.Reasoning) > len(r.Content)+len(r.Reasoning) {
			r.Content, r.Reasoning = now.Content, now.Reasoning
		}
		if now.CancelRequested {
			r.State, r.FinishReason, r.Err = chat.TaskCancelled, "cancelled", nil
		} else if r.State == chat.TaskInterrupted && r.Content+r.Reasoning == "" {
			r.State = chat.TaskFailed
		}
		messageID, err := s.endTask(ctx, tx, r, " AND lease_until < {now}")
		if err != nil {
			return err
		}
		return s.setText(ctx, tx, messageID, r)
	})
}

// endTask writes the end under the fence, and returns the answer's id.
func (s *Store) endTask(ctx context.Context, tx *sqlx.Tx, r chat.Result, also string) (string, error) {
	usage, err := toJSON(r.Usage)
	if err != nil {
		return "", err
	}
	failure, err := toJSON(r.Err)
	if err != nil {
		return "", err
	}
	var messageID string
	err = s.get(ctx, tx, &messageID, noTask, `UPDATE tasks SET state = $1, worker = '', lease_until = NULL, finished_at = $2,
			finish_reason = $3, usage = $4, error = $5, chunk_count = $6, model = CASE WHEN $7 = '' THEN model ELSE $7 END
		WHERE id = $8 AND attempt = $9 AND state = 'running' AND (NOT cancel_requested OR $1 = 'cancelled')`+also+` RETURNING message_id`,
		string(r.State), micros(time.Now()), r.FinishReason, usage, failure, r.ChunkCount, r.Model, r.TaskID, r.Attempt)
	if chat.IsCode(err, chat.CodeNotFound) {
		return "", s.whyNot(ctx, tx, r)
	}
	return messageID, err
}

// errAlready says that the same end is in the database already.
var errAlready = errors.New("sql: this very end was committed before")

func (s *Store) end(ctx context.Context, fn func(tx *sqlx.Tx) error) error {
	err := s.tx(ctx, fn)
	if errors.Is(err, errAlready) {
		return nil
	}
	return err
}

// whyNot explains a fenced write that found no row.
func (s *Store) whyNot(ctx context.Context, tx *sqlx.Tx, r chat.Result) error {
	var row taskRow
	if err := s.get(ctx, tx, &row, noTask, "SELECT "+taskColumns+" FROM tasks WHERE id = $1", r.TaskID); err != nil {
		return err
	}
	switch state := chat.TaskState(row.State); {
	case row.Attempt == r.Attempt && state == r.State && state.Terminal() && row.ChunkCount == r.ChunkCount:
		return errAlready
	case row.Attempt == r.Attempt && state == chat.TaskRunning && row.CancelRequested && r.State != chat.TaskCancelled:
		return chat.ErrCancelWon
	}
	return chat.ErrFenced
}

func (s *Store) setText(ctx context.Context, tx *sqlx.Tx, messageID string, r chat.Result) error {
	_, err := s.exec(ctx, tx, `UPDATE messages SET content = $1, reasoning = $2, updated_at = $3,
		model = CASE WHEN $4 = '' THEN model ELSE $4 END WHERE id = $5`,
		chat.NormalizeText(r.Content), chat.NormalizeText(r.Reasoning), micros(time.Now()), r.Model, messageID)
	return err
}

// Requeue hands a running task back, under the same fence as Finish, and keeps
// the longest text that any attempt has received.
func (s *Store) Requeue(ctx context.Context, h chat.Handback) error {
	failure, err := toJSON(h.Err)
	if err != nil {
		return err
	}
	free := 1
	if h.Counts {
		free = 0
	}
	return s.tx(ctx, func(tx *sqlx.Tx) error {
		var messageID string
		err := s.get(ctx, tx, &messageID, noTask, `UPDATE tasks SET state = 'queued', worker = '', lease_until = NULL,
				run_after = {now} + $1, handbacks = handbacks + $2, error = $3
			WHERE id = $4 AND attempt = $5 AND state = 'running' AND NOT cancel_requested RETURNING message_id`,
			h.Delay.Microseconds(), free, failure, h.TaskID, h.Attempt)
		if chat.IsCode(err, chat.CodeNotFound) {
			return s.whyNot(ctx, tx, chat.Result{TaskID: h.TaskID, Attempt: h.Attempt, State: chat.TaskQueued})
		}
		if err != nil {
			return err
		}
		content, reasoning := chat.NormalizeText(h.Content), chat.NormalizeText(h.Reasoning)
		_, err = s.exec(ctx, tx, `UPDATE messages SET content = $1, reasoning = $2, updated_at = $3
			WHERE id = $4 AND octet_length(content) + octet_length(reasoning) < $5`,
			content, reasoning, micros(time.Now()), messageID, len(content)+len(reasoning))
		return err
	})
}

package sql

import (
	"context"

	"chat"
)

// expired is the condition that nobody holds a task any more and nobody may
// claim it. $1 in a query that uses it is chat.MaxAttempts.
const expired = `(state = 'running' AND lease_until < {{now}} OR state = 'queued' AND attempt - uncounted_attempts >= $1)`

// sweepLimit bounds what one sweep returns to be ended.
const sweepLimit = 100

// CheckClock records how the database's clock stands, for the next Sweep to tell whether it
// was set meanwhile. It takes no lease; its errors are Sweep's.
func (s *Store) CheckClock(ctx context.Context) error {
	_, err := s.checkClock(ctx)
	return err
}

// Sweep queues again the tasks whose lease has expired, and returns them with
// the worker that lost them. Those that are spent, because no attempt is left or
// a cancel was requested, it returns unchanged, for EndExpired. When the database's
// clock was set since the sweep before, or the database answers late, it returns an
// error and touches no lease.
func (s *Store) Sweep(ctx context.Context) (requeued, spent []chat.Task, err error) {
	until, err := s.checkClock(ctx)
	if err != nil {
		return nil, nil, err
	}
	// Behind the look: however long this takes, no lease is judged by what comes later.
	if err := s.pruneKeys(ctx); err != nil {
		return nil, nil, err
	}
	back, err := s.requeue(ctx, until)
	if err != nil {
		return nil, nil, err
	}
	rows, err := list[taskRow](ctx, s, `SELECT `+taskColumns+` FROM tasks
		WHERE `+expired+` AND (cancel_requested OR attempt - uncounted_attempts >= $1) AND {{now}} <= $3 ORDER BY created_at, id LIMIT $2`,
		chat.MaxAttempts, sweepLimit, until)
	if err != nil {
		return nil, nil, err
	}
	return tasks(back), tasks(rows), nil
}

// requeue queues again the tasks whose lease has expired, unless it is later than
// until by the database's clock: a statement that an outage has held up, or that was
// repeated after it, comes before the owners who could not renew.
func (s *Store) requeue(ctx context.Context, until int64) ([]taskRow, error) {
	return change[taskRow](ctx, s, `UPDATE tasks SET state = 'queued', lease_until = NULL
		WHERE state = 'running' AND lease_until < {{now}} AND NOT cancel_requested AND attempt - uncounted_attempts < $1 AND {{now}} <= $2
		RETURNING `+taskColumns, chat.MaxAttempts, until)
}

// EndExpired ends a task that Sweep returned as spent, fenced by its attempt and
// by its lease still being expired (chat.ErrFenced). A whole answer is written as it
// is; otherwise the longer of the text in r and the text in SQL is kept, and without
// any, interrupted becomes failed. If a cancel was requested it ends as cancelled,
// whatever r says.
func (s *Store) EndExpired(ctx context.Context, r chat.Result) error {
	if !r.State.Terminal() {
		return chat.Errorf(chat.CodeInternal, "a task cannot end as %q", r.State)
	}
	if !isID(r.TaskID) {
		return chat.ErrFenced
	}
	return s.inTx(ctx, func(t *transaction) error {
		r := r
		var held []struct {
			MessageID       string `db:"message_id"`
			CancelRequested bool   `db:"cancel_requested"`
		}
		err := t.list(ctx, &held, `SELECT message_id, cancel_requested FROM tasks
			WHERE `+expired+` AND id = $2 AND attempt = $3 {{lock}}`, chat.MaxAttempts, r.TaskID, r.Attempt)
		if err != nil {
			return err
		}
		if len(held) == 0 {
			return t.whyNotEnded(ctx, r)
		}
		saved, err := t.saved(ctx, held[0].MessageID)
		if err != nil {
			return err
		}
		received := r.Parts.Len()
		switch {
		case held[0].CancelRequested:
			r.State, r.FinishReason, r.Err = chat.TaskCancelled, "cancelled", nil
		case r.State == chat.TaskInterrupted && max(saved, received) == 0:
			r.State = chat.TaskFailed
		}
		// What is saved may be another attempt's, and is no end of a whole answer.
		keep := saved > received && r.State != chat.TaskDone
		if keep {
			r.ChunkCount = 0 // the log does not hold what is kept
		}
		if _, err := t.end(ctx, r, `state IN ('running', 'queued')`); err != nil || keep {
			return err
		}
		return t.saveAnswer(ctx, held[0].MessageID, r.Model, r.Parts)
	})
}

// whyNotEnded allows for what EndExpired may have made of the result.
func (t *transaction) whyNotEnded(ctx context.Context, r chat.Result) error {
	now, err := t.taskStatus(ctx, r.TaskID)
	if err != nil {
		return err
	}
	same := now.State == r.State || now.State == chat.TaskCancelled || now.State == chat.TaskFailed && r.State == chat.TaskInterrupted
	if now.Attempt == r.Attempt && same && (now.ChunkCount == r.ChunkCount || now.ChunkCount == 0) {
		return nil
	}
	return chat.ErrFenced
}

// ReleaseLeases lets every lease expire now, forgets the workers, and returns how
// many leases there were. It is for a store that only this process can have open,
// when it starts.
func (s *Store) ReleaseLeases(ctx context.Context) (int, error) {
	if _, err := s.exec(ctx, `DELETE FROM workers`); err != nil {
		return 0, err
	}
	return s.exec(ctx, `UPDATE tasks SET lease_until = {{now}} - 1 WHERE state = 'running'`)
}

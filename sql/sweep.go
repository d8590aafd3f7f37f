package sql

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// expired is a condition: no worker holds the task and none may claim it. $1 is
// chat.MaxAttempts.
const expired = `(state = 'running' AND lease_until < {{now}} OR state = 'queued' AND attempt - uncounted_attempts >= $1)`

// sweepLimit bounds the spent tasks that one sweep returns.
const sweepLimit = 100

// CheckClock reads the database's clock, so that the next Sweep can detect whether it was
// set. It changes no lease. Its errors are Sweep's.
func (s *Store) CheckClock(ctx context.Context) error {
	_, err := s.checkClock(ctx)
	return err
}

// Sweep requeues the tasks whose lease has expired, and returns them with the worker that
// lost them. It returns spent tasks, which have no attempt left or a requested cancel,
// unchanged, for EndExpired. If the database's clock was set since the last sweep, or the
// database answers late, it returns an error and changes no lease.
func (s *Store) Sweep(ctx context.Context) (requeued, spent []chat.Task, err error) {
	until, err := s.checkClock(ctx)
	if err != nil {
		return nil, nil, err
	}
	// After checkClock, so that its duration counts against until.
	if err := s.prune(ctx); err != nil {
		return nil, nil, err
	}
	requeuedRows, err := s.requeueExpired(ctx, until)
	if err != nil {
		return nil, nil, err
	}
	spentRows, err := database.List[rows.Task](ctx, s.db, `SELECT `+rows.TaskColumns+` FROM tasks
		WHERE `+expired+` AND (cancel_requested OR attempt - uncounted_attempts >= $1) AND {{now}} <= $3 ORDER BY created_at, id LIMIT $2`,
		chat.MaxAttempts, sweepLimit, until)
	if err != nil {
		return nil, nil, err
	}
	return rows.Tasks(requeuedRows), rows.Tasks(spentRows), nil
}

// requeueExpired requeues the tasks whose lease has expired, unless the database's clock
// is past until. A statement that an outage delayed, or that was repeated after one, would
// come before the workers that could not renew.
func (s *Store) requeueExpired(ctx context.Context, until int64) ([]rows.Task, error) {
	return database.Change[rows.Task](ctx, s.db, `UPDATE tasks SET state = 'queued', lease_until = NULL
		WHERE state = 'running' AND lease_until < {{now}} AND NOT cancel_requested AND attempt - uncounted_attempts < $1 AND {{now}} <= $2
		RETURNING `+rows.TaskColumns, chat.MaxAttempts, until)
}

// EndExpired ends a task that Sweep returned as spent, if its attempt is the same and its
// lease is still expired (chat.ErrFenced otherwise). It stores a complete answer unchanged.
// Otherwise it keeps the longer of the texts in r and in SQL; without any text,
// interrupted becomes failed. If a cancel was requested, the task ends as cancelled.
func (s *Store) EndExpired(ctx context.Context, r chat.Result) error {
	if !r.State.Terminal() {
		return chat.Errorf(chat.CodeInternal, "a task cannot end as %q", r.State)
	}
	if !rows.IsID(r.TaskID) {
		return chat.ErrFenced
	}
	return s.inTx(ctx, func(t *transaction) error {
		r := r
		var held []struct {
			MessageID       string `db:"message_id"`
			CancelRequested bool   `db:"cancel_requested"`
		}
		err := t.List(ctx, &held, `SELECT message_id, cancel_requested FROM tasks
			WHERE `+expired+` AND id = $2 AND attempt = $3 {{lock}}`, chat.MaxAttempts, r.TaskID, r.Attempt)
		if err != nil {
			return err
		}
		if len(held) == 0 {
			return t.whyNotEnded(ctx, r)
		}
		saved, err := t.savedSize(ctx, held[0].MessageID)
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
		// The saved text may be another attempt's, and does not replace a complete answer.
		keep := saved > received && r.State != chat.TaskDone
		if keep {
			r.ChunkCount, r.Log = 0, nil // the log does not have the kept text
		}
		if _, err := t.end(ctx, r, `state IN ('running', 'queued')`); err != nil || keep {
			return err
		}
		if err := t.saveAnswer(ctx, held[0].MessageID, r.Model, r.Parts); err != nil {
			return err
		}
		return t.apply(ctx, r)
	})
}

// whyNotEnded explains why EndExpired changed nothing. It accepts every result that
// EndExpired can make of r.
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

// ReleaseLeases expires every lease, deletes the workers, and returns the number of leases.
// A process calls it at its start if no other process can use the store.
func (s *Store) ReleaseLeases(ctx context.Context) (int, error) {
	if _, err := s.db.Exec(ctx, `DELETE FROM workers`); err != nil {
		return 0, err
	}
	return s.db.Exec(ctx, `UPDATE tasks SET lease_until = {{now}} - 1 WHERE state = 'running'`)
}

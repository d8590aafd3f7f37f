package sql

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"chat"
)

const taskColumns = `id, conversation_id, message_id, user_message_id, owner, state, priority, attempt, handbacks, model, worker,
	lease_until, run_after, deadline_seconds, cancel_requested, created_at, started_at, finished_at, finish_reason, usage, error, chunk_count`

type taskRow struct {
	ID              string
	ConversationID  string `db:"conversation_id"`
	MessageID       string `db:"message_id"`
	UserMessageID   string `db:"user_message_id"`
	Owner           string
	State           string
	Priority        int
	Attempt         int
	Handbacks       int
	Model           string
	Worker          string
	LeaseUntil      *int64 `db:"lease_until"`
	RunAfter        int64  `db:"run_after"`
	DeadlineSeconds int    `db:"deadline_seconds"`
	CancelRequested bool   `db:"cancel_requested"`
	CreatedAt       int64  `db:"created_at"`
	StartedAt       *int64 `db:"started_at"`
	FinishedAt      *int64 `db:"finished_at"`
	FinishReason    string `db:"finish_reason"`
	Usage           string
	Error           string
	ChunkCount      int `db:"chunk_count"`
}

// spent reports whether the attempts that count are used up.
func (r taskRow) spent() bool { return r.Attempt-r.Handbacks >= chat.MaxAttempts }

func (r taskRow) task() (chat.Task, error) {
	t := chat.Task{
		ID: r.ID, ConversationID: r.ConversationID, MessageID: r.MessageID, UserMessageID: r.UserMessageID, Owner: r.Owner,
		State: chat.TaskState(r.State), Priority: chat.PriorityOfRank(r.Priority), Attempt: r.Attempt, Model: r.Model, Worker: r.Worker,
		LeaseUntil: fromMicrosPtr(r.LeaseUntil), RunAfter: fromMicros(r.RunAfter), DeadlineSeconds: r.DeadlineSeconds,
		CancelRequested: r.CancelRequested, CreatedAt: fromMicros(r.CreatedAt), StartedAt: fromMicrosPtr(r.StartedAt),
		FinishedAt: fromMicrosPtr(r.FinishedAt), FinishReason: r.FinishReason, ChunkCount: r.ChunkCount,
	}
	var err error
	if t.Usage, err = fromJSON[chat.Usage](r.Usage); err != nil {
		return t, err
	}
	t.Error, err = fromJSON[chat.Error](r.Error)
	return t, err
}

func tasksOf(rows []taskRow) ([]chat.Task, error) {
	list := make([]chat.Task, len(rows))
	for i, r := range rows {
		var err error
		if list[i], err = r.task(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Task returns one task of owner.
func (s *Store) Task(ctx context.Context, owner, id string) (chat.Task, error) {
	var r taskRow
	if err := s.get(ctx, s.read, &r, noTask, "SELECT "+taskColumns+" FROM tasks WHERE id = $1 AND owner = $2", id, owner); err != nil {
		return chat.Task{}, s.mapped(err)
	}
	return r.task()
}

// Tasks returns tasks of owner, newest first.
func (s *Store) Tasks(ctx context.Context, owner string, q chat.TaskQuery) ([]chat.Task, error) {
	where, args := []string{"owner = $1"}, []any{owner}
	arg := func(v any) string { args = append(args, v); return "$" + strconv.Itoa(len(args)) }
	if q.ID != "" {
		cond, ok := idFilter("id", q.ID, arg)
		if !ok {
			return nil, nil
		}
		where = append(where, cond)
	}
	if q.ConversationID != "" {
		where = append(where, "conversation_id = "+arg(q.ConversationID))
	}
	if len(q.States) > 0 {
		var in []string
		for _, st := range q.States {
			in = append(in, arg(string(st)))
		}
		where = append(where, "state IN ("+strings.Join(in, ", ")+")")
	}
	var rows []taskRow
	err := s.read.SelectContext(ctx, &rows, "SELECT "+taskColumns+" FROM tasks WHERE "+strings.Join(where, " AND ")+
		" ORDER BY created_at DESC, id DESC LIMIT "+arg(limitOf(q.Limit)), args...)
	if err != nil {
		return nil, s.mapped(err)
	}
	return tasksOf(rows)
}

// Cancel asks for the end of a task and says who was first (won). A queued task
// is cancelled at once; on a running one the request is noted, from when on no
// other ending can be committed. Asking again changes nothing.
func (s *Store) Cancel(ctx context.Context, owner, id string) (t chat.Task, won bool, err error) {
	var r taskRow
	err = s.tx(ctx, func(tx *sqlx.Tx) error {
		if _, err := s.exec(ctx, tx, `UPDATE tasks SET cancel_requested = TRUE,
			state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
			finish_reason = CASE WHEN state = 'queued' THEN 'cancelled' ELSE finish_reason END,
			error = CASE WHEN state = 'queued' THEN '' ELSE error END,
			finished_at = CASE WHEN state = 'queued' THEN $1 ELSE finished_at END
			WHERE id = $2 AND owner = $3 AND state IN ('queued', 'running')`, micros(time.Now()), id, owner); err != nil {
			return err
		}
		return s.get(ctx, tx, &r, noTask, "SELECT "+taskColumns+" FROM tasks WHERE id = $1 AND owner = $2", id, owner)
	})
	if err != nil {
		return chat.Task{}, false, err
	}
	t, err = r.task()
	return t, t.State == chat.TaskCancelled || t.CancelRequested, err
}

// QueueDepths counts the queued tasks by priority, and the running ones.
func (s *Store) QueueDepths(ctx context.Context) (queued map[chat.Priority]int, running int, err error) {
	var rows []struct {
		State    string
		Priority int
		N        int
	}
	err = s.read.SelectContext(ctx, &rows, "SELECT state, priority, count(*) AS n FROM tasks WHERE state IN ('queued', 'running') GROUP BY state, priority")
	queued = map[chat.Priority]int{}
	for _, r := range rows {
		if chat.TaskState(r.State) == chat.TaskQueued {
			queued[chat.PriorityOfRank(r.Priority)] += r.N
		} else {
			running += r.N
		}
	}
	return queued, running, s.mapped(err)
}

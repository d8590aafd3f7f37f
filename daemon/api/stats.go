package api

import (
	"context"
	"net/http"
	"time"

	"chat"
	"chat/internal/report"
)

// stats returns the load of the server and the caller's answers. Its cost is bounded: four
// SQL queries, each with an index and a limit, and two round trips to Redis.
func (s *Server) stats(r *http.Request, p principal) (reply, error) {
	st := s.readLoad(r.Context(), func(ctx context.Context, st *report.Stats) error { return s.readAnswers(ctx, p.owner, st) })
	if st.Redis == "ok" && len(st.Answers) > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), statusTimeout)
		defer cancel()
		if err := s.readLogs(ctx, st.Answers); err != nil {
			s.opts.Logger.Debug("api: cannot read the statistics of the chunk logs", "err", err)
			st.Redis = "down"
		}
	}
	return reply{body: st}, nil
}

// readLoad reads the load of the server, which /metrics also reports, and then calls also
// for more from SQL. It queries Redis and SQL at the same time, because each may be down
// without the other. Values from one that is down are 0.
func (s *Server) readLoad(ctx context.Context, also func(context.Context, *report.Stats) error) report.Stats {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	st := report.Stats{
		At: time.Now().UTC(), Streams: s.log.Tails(), Redis: "ok", SQL: "ok", Engine: s.store.Engine(), Queued: map[chat.Priority]int{},
		WorkerList: []chat.Worker{}, Answers: []report.RunningAnswer{}, Failures: []report.FailedAnswer{},
	}
	for _, p := range chat.Priorities() {
		st.Queued[p] = 0
	}
	result := make(chan *report.MemoryStats, 1)
	go func() {
		var memory *report.MemoryStats
		st.Redis, memory = s.memory(ctx)
		result <- memory
	}()
	err := s.readQueue(ctx, &st)
	if err == nil && also != nil {
		err = also(ctx, &st)
	}
	if err != nil {
		s.opts.Logger.Warn("api: cannot read the queue from SQL", "err", err)
		st.SQL = "down"
	}
	st.Memory = <-result
	return st
}

// memory returns the state and the statistics of Redis.
func (s *Server) memory(ctx context.Context) (state string, memory *report.MemoryStats) {
	if state = s.redisState(ctx); state == "down" {
		return state, nil
	}
	st, err := s.notifier.Statistics(ctx)
	if err != nil {
		s.opts.Logger.Debug("api: cannot read the statistics of Redis", "err", err)
		return "down", nil
	}
	return state, &st
}

func (s *Server) readQueue(ctx context.Context, st *report.Stats) error {
	queued, running, err := s.store.QueueDepths(ctx)
	if err != nil {
		return err
	}
	workers, err := s.store.Workers(ctx)
	if err != nil {
		return err
	}
	st.Running, st.Workers, st.WorkerList = running, len(workers), orEmpty(workers)
	for _, p := range chat.Priorities() {
		st.Queued[p] = queued[p]
	}
	return nil
}

// readAnswers reads owner's running tasks and latest failures.
func (s *Server) readAnswers(ctx context.Context, owner string, st *report.Stats) error {
	running, err := s.store.Running(ctx, owner, report.MaxAnswers+1)
	if err != nil {
		return err
	}
	if len(running) > report.MaxAnswers {
		running, st.MoreAnswers = running[:report.MaxAnswers], true
	}
	for _, a := range running {
		t := a.Task
		st.Answers = append(st.Answers, report.RunningAnswer{
			TaskID: t.ID, ConversationID: t.ConversationID, Kind: t.Kind, Title: a.Title, Model: t.Model, Priority: t.Priority, Attempt: t.Attempt,
			Worker: t.Worker, CreatedAt: t.CreatedAt, StartedAt: at(t.StartedAt), CancelRequested: t.CancelRequested,
		})
	}
	failed, err := s.store.Failures(ctx, owner, report.MaxFailures)
	if err != nil {
		return err
	}
	for _, a := range failed {
		t := a.Task
		st.Failures = append(st.Failures, report.FailedAnswer{
			TaskID: t.ID, ConversationID: t.ConversationID, Kind: t.Kind, Title: a.Title, Model: t.Model, State: t.State, Attempt: t.Attempt,
			FinishedAt: at(t.FinishedAt), Error: t.Error,
		})
	}
	return nil
}

// readLogs sets the length, the TTL and the model of each answer from its chunk log.
func (s *Server) readLogs(ctx context.Context, answers []report.RunningAnswer) error {
	ids := make([]string, len(answers))
	for i, a := range answers {
		ids[i] = a.TaskID
	}
	logs, err := s.log.Stats(ctx, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if answers[i].Model == "" {
			answers[i].Model = logs[id].Model // the default model; the task in SQL has no name
		}
		answers[i].Chunks, answers[i].TTLSeconds = logs[id].Chunks, int(logs[id].TTL/time.Second)
	}
	return nil
}

// at returns *t, or the zero time for nil.
func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

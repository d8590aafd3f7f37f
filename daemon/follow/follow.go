// Package follow reads the answer of a task, whether it is still being made or ended
// long ago: the chunk log as it grows, the log of a task that has ended while it lives,
// and SQL afterwards. It knows chunks and positions, and neither wire formats nor
// connections: each wire format is an encoder over Stream.Chunks.
//
// The rules of positions are those of docs/protocol.md.
package follow

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"chat"
)

// Store is what following needs of SQL; *sql.Store satisfies it.
type Store interface {
	Task(ctx context.Context, owner, id string) (chat.Task, error)
	Answer(ctx context.Context, owner, taskID string) (chat.Message, error)
}

// Log opens tails of chunk logs.
type Log interface {
	Tail(taskID string, after chat.Position) Tail
}

// Tail reads one task's chunks; *chunklog.Tail satisfies it.
type Tail interface {
	Next(ctx context.Context, wait time.Duration) ([]chat.EncodedChunk, error)
	Position() chat.Position
	Close()
}

// Options are the settings of a Follower; zero values mean the defaults.
type Options struct {
	// Refresh is how often the state of a followed task is read from SQL, once for all
	// that follow it; chat.StateRecheck.
	Refresh time.Duration
	// Idle is after how long without chunks Stream.Chunks yields none; 15 s.
	Idle   time.Duration
	Logger *slog.Logger
}

// Follower opens streams. It is safe for concurrent use.
type Follower struct {
	store Store
	log   Log
	opts  Options
	base  context.Context //nolint:containedctx // of reads of SQL that many streams wait for
	polls statePoller
}

// New returns a Follower. When ctx ends it reads nothing more from SQL.
func New(ctx context.Context, s Store, l Log, o Options) *Follower {
	if o.Refresh <= 0 {
		o.Refresh = chat.StateRecheck
	}
	if o.Idle <= 0 {
		o.Idle = 15 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Follower{store: s, log: l, opts: o, base: ctx}
}

// Stream is what one reader gets of one task.
type Stream struct {
	f      *Follower
	owner  string
	taskID string
	after  chat.Position
	record *record // nil while the task runs
}

// Open finds the task for a reader who has seen everything up to the position after. The
// error is CodeNotFound for a task that is not the owner's, or SQL's.
func (f *Follower) Open(ctx context.Context, owner, taskID string, after chat.Position) (*Stream, error) {
	task, rec, err := f.read(ctx, owner, taskID)
	if err != nil {
		return nil, err
	}
	if after.Attempt > task.Attempt && (rec == nil || rec.sequenceOf(after) == nil) {
		after = InvalidPosition()
	}
	return &Stream{f: f, owner: owner, taskID: task.ID, after: after, record: rec}, nil
}

// InvalidPosition stands for every position that makes no sense. No attempt ever had it:
// the answer to it is a reset, and everything from the start.
func InvalidPosition() chat.Position { return chat.Position{Attempt: 0, Index: 0} }

// TaskID is the task's id.
func (s *Stream) TaskID() string { return s.taskID }

// Complete reports whether the reader has seen the end: there is nothing to stream.
func (s *Stream) Complete() bool { return s.record != nil && s.record.ended(s.after) }

// Ended reports whether the task had ended when the stream was opened: all of it can be
// read without waiting.
func (s *Stream) Ended() bool { return s.record != nil }

// Chunks yields the chunks after the position in the order of the stream, as many at a
// time as there are, the terminal chunk last. It yields none when nothing has come for
// Options.Idle. An error is the last thing that is yielded: the cause of ctx, or
// CodeNotFound if the task was deleted. The slice is valid until the next one.
func (s *Stream) Chunks(ctx context.Context) iter.Seq2[[]chat.EncodedChunk, error] {
	return func(yield func([]chat.EncodedChunk, error) bool) {
		if s.record != nil && s.record.sequenceOf(s.after) != nil { // a position in the record itself
			s.yieldRecord(s.record.after(s.after), yield)
			return
		}
		s.follow(ctx, yield)
	}
}

// follow yields what the log has, and the rest from SQL.
func (s *Stream) follow(ctx context.Context, yield func([]chat.EncodedChunk, error) bool) {
	tail := s.f.log.Tail(s.taskID, s.after)
	defer tail.Close()
	state := &stateCheck{every: s.f.opts.Refresh, came: time.Now(), found: make(chan taskState, 1)}
	defer state.work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	yielded := time.Now()
	for {
		wait := time.Duration(0)
		if s.record == nil {
			wait = max(0, min(s.f.opts.Idle-time.Since(yielded), state.due()))
		}
		asked := time.Now()
		chunks, err := state.next(ctx, tail, wait)
		switch {
		case err != nil && ctx.Err() != nil:
			yield(nil, err)
			return
		case len(chunks) > 0:
			if !yield(chunks, nil) || chunks[len(chunks)-1].Terminal() {
				return
			}
			yielded = time.Now()
			continue
		case s.record != nil: // the list has no more: SQL has the rest
			s.yieldRecord(s.record.afterLog(tail.Position()), yield)
			return
		case time.Since(yielded) >= s.f.opts.Idle:
			if !yield(nil, nil) {
				return
			}
			yielded = time.Now()
		}
		if err := s.onIdle(ctx, state, time.Since(asked) < wait); err != nil {
			yield(nil, err)
			return
		}
	}
}

// onIdle looks at the task's state when that is due. hinted says that the wait for
// chunks ended early, because something has happened.
func (s *Stream) onIdle(ctx context.Context, state *stateCheck, hinted bool) (err error) {
	if state.answered() {
		s.record, err = state.result()
		return err
	}
	if hinted || state.due() <= 0 {
		since := time.Now()
		if !hinted {
			since = since.Add(-s.f.opts.Refresh / 4) // what another stream read then is new enough
		}
		state.start(hinted, func() taskState { return s.f.refresh(ctx, s.owner, s.taskID, since) })
	}
	return nil
}

func (s *Stream) yieldRecord(chunks []chat.Chunk, yield func([]chat.EncodedChunk, error) bool) {
	encoded := make([]chat.EncodedChunk, 0, len(chunks))
	for _, c := range chunks {
		e, err := c.Encode()
		if err != nil {
			yield(nil, err)
			return
		}
		encoded = append(encoded, e)
	}
	yield(encoded, nil)
}

// read asks SQL for a task and, if that has ended, its record.
func (f *Follower) read(ctx context.Context, owner, taskID string) (task chat.Task, rec *record, err error) {
	if task, err = f.store.Task(ctx, owner, taskID); err == nil {
		rec, err = f.recordOf(ctx, owner, task)
	}
	return task, rec, err
}

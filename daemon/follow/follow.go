// Package follow reads the answer of a task. It reads the chunk log while the task runs and
// as long as the log is kept, and SQL after that.
//
// It knows chunks and positions, but no wire formats and no connections: each wire format
// is an encoder of Stream.Chunks. docs/protocol.md has the rules of positions.
package follow

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"chat"
)

// Store reads tasks and messages; *sql.Store implements it.
type Store interface {
	Task(ctx context.Context, owner, id string) (chat.Task, error)
	Answer(ctx context.Context, owner, taskID string) (chat.Message, error)
	// ChunkLog returns the packed log of an ended task, nil if it is not stored.
	ChunkLog(ctx context.Context, owner, taskID string) ([]byte, error)
}

// Log opens tails of chunk logs.
type Log interface {
	Tail(taskID string, after chat.Position) Tail
	// Decode returns the chunks of a packed log.
	Decode(packed []byte) ([]chat.EncodedChunk, error)
}

// Tail reads one task's chunks; *chunklog.Tail implements it.
type Tail interface {
	Next(ctx context.Context, wait time.Duration) ([]chat.EncodedChunk, error)
	Position() chat.Position
	Close()
}

// Options are the settings of a Source; zero values mean the defaults.
type Options struct {
	// Refresh is how often the state of a task is read from SQL, once for all its streams;
	// default chat.StateRecheck.
	Refresh time.Duration
	// Idle is how long Stream.Chunks waits for chunks before it yields none; default 15 s.
	Idle   time.Duration
	Logger *slog.Logger
}

// Source opens streams. It is safe for concurrent use.
type Source struct {
	store Store
	log   Log
	opts  Options
	base  context.Context //nolint:containedctx // of reads from SQL that many streams wait for
	polls statePoller
}

// New returns a Source. After ctx has ended it does not read from SQL any more.
func New(ctx context.Context, s Store, l Log, o Options) *Source {
	if o.Refresh <= 0 {
		o.Refresh = chat.StateRecheck
	}
	if o.Idle <= 0 {
		o.Idle = 15 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Source{store: s, log: l, opts: o, base: ctx}
}

// Stream is the answer of one task for one reader.
type Stream struct {
	f      *Source
	owner  string
	task   chat.Task // when the stream was opened
	after  chat.Position
	record *record // nil while the task runs
}

// Open opens the stream of a task for a reader who has seen everything up to the position
// after. The error is CodeNotFound if the owner has no such task, or an error of SQL.
func (f *Source) Open(ctx context.Context, owner, taskID string, after chat.Position) (*Stream, error) {
	task, rec, err := f.read(ctx, owner, taskID)
	if err != nil {
		return nil, err
	}
	switch {
	case rec != nil && rec.has(after):
		if err := rec.load(); err != nil {
			return nil, err
		}
	case after.Attempt > task.Attempt:
		after = InvalidPosition()
	}
	return &Stream{f: f, owner: owner, task: task, after: after, record: rec}, nil
}

// InvalidPosition stands for all invalid positions. No attempt ever has it. It is followed
// by a reset and all chunks from the start.
func InvalidPosition() chat.Position { return chat.Position{Attempt: 0, Index: 0} }

// TaskID returns the task's id.
func (s *Stream) TaskID() string { return s.task.ID }

// Task returns the task as it was when the stream was opened.
func (s *Stream) Task() chat.Task { return s.task }

// Complete reports whether the reader has seen the terminal chunk already.
func (s *Stream) Complete() bool { return s.record != nil && s.record.ended(s.after) }

// Ended reports whether the task had ended when the stream was opened. Such a stream never
// waits.
func (s *Stream) Ended() bool { return s.record != nil }

// Chunks yields the chunks after the position in order, as many at a time as are available.
// It yields an empty slice when no chunk has come for Options.Idle. It ends after the
// terminal chunk, or after an error: the cause of ctx, or CodeNotFound if the task was
// deleted. A slice is valid until the next one.
func (s *Stream) Chunks(ctx context.Context) iter.Seq2[[]chat.EncodedChunk, error] {
	return func(yield func([]chat.EncodedChunk, error) bool) {
		if s.record != nil && s.record.has(s.after) { // Open has loaded it
			yield(s.record.after(s.after))
			return
		}
		s.follow(ctx, yield)
	}
}

// follow yields the chunks in the log, and the rest from SQL.
func (s *Stream) follow(ctx context.Context, yield func([]chat.EncodedChunk, error) bool) {
	tail := s.f.log.Tail(s.task.ID, s.after)
	defer tail.Close()
	state := &stateCheck{every: s.f.opts.Refresh, readAt: time.Now(), results: make(chan taskState, 1)}
	defer state.work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	yielded := time.Now()
	for {
		wait := time.Duration(0)
		if s.record == nil {
			wait = max(0, min(s.f.opts.Idle-time.Since(yielded), state.due()))
		}
		began := time.Now()
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
		case s.record != nil: // the log ends before the terminal chunk
			err := s.record.load()
			if err != nil && ctx.Err() == nil && !chat.IsCode(err, chat.CodeNotFound) {
				s.f.opts.Logger.Warn("follow: cannot read an answer; will try again", "task", s.task.ID, "err", err)
				s.record = nil // until the next read of the state
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			yield(s.record.after(tail.Position()))
			return
		case time.Since(yielded) >= s.f.opts.Idle:
			if !yield(nil, nil) {
				return
			}
			yielded = time.Now()
		}
		if err := s.onIdle(ctx, state, time.Since(began) < wait); err != nil {
			yield(nil, err)
			return
		}
	}
}

// onIdle reads the task's state when that is due. byEvent says that an event ended the
// wait for chunks.
func (s *Stream) onIdle(ctx context.Context, state *stateCheck, byEvent bool) (err error) {
	if state.done() {
		s.record, err = state.result()
		return err
	}
	if byEvent || state.due() <= 0 {
		since := time.Now()
		if !byEvent {
			since = since.Add(-s.f.opts.Refresh / 4) // another stream's read of that time is recent enough
		}
		state.start(byEvent, func() taskState { return s.f.refresh(ctx, s.owner, s.task.ID, since) })
	}
	return nil
}

// read reads a task and, if it has ended, its record from SQL.
func (f *Source) read(ctx context.Context, owner, taskID string) (task chat.Task, rec *record, err error) {
	if task, err = f.store.Task(ctx, owner, taskID); err == nil {
		rec = f.recordOf(owner, task) //nolint:contextcheck // the read is for all streams, and outlives one
	}
	return task, rec, err
}

package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"time"

	"chat"
	"chat/sse"
)

// maxEvent bounds one event of a stream: an answer that is read from SQL comes
// in one chunk.
const maxEvent = 64 << 20

// Follow streams a task's chunks from the one after from, and goes on over lost
// connections, restarted servers and new attempts until the terminal chunk.
//
// It yields every chunk once and in order, those of types it does not know too, and a Link update whenever the connection comes or goes. It ends after the
// terminal chunk; without one when nothing is left after from (the task has
// ended, and from is its last chunk); with an error that repeating cannot mend
// (no such task, no authorisation); or with the cause of ctx. The consumer may
// take its time: what it has not read yet waits on the server.
func (c *Client) Follow(ctx context.Context, taskID string, from chat.Position) iter.Seq2[chat.FollowEvent, error] {
	return func(yield func(chat.FollowEvent, error) bool) {
		f := &follower{client: c, path: "/stream/" + url.PathEscape(taskID), at: from, yield: yield}
		for failures := 0; ; {
			began := time.Now()
			end := f.attach(ctx)
			switch {
			case end.stop:
				return
			case end.err != nil:
				yield(chat.FollowEvent{}, end.err)
				return
			case ctx.Err() != nil:
				yield(chat.FollowEvent{}, context.Cause(ctx))
				return
			}
			// A server that accepts connections only to drop them must not be
			// asked four times a second for ever, so coming back counts as a
			// success only when it brought something or lasted.
			if end.progress || time.Since(began) > c.o.BackoffCap {
				failures = 0
			}
			failures++
			wait := max(chat.Backoff(failures, c.o.BackoffBase, c.o.BackoffCap), min(end.wait, c.o.BackoffCap))
			link := chat.ConnState{State: chat.ConnReconnecting, Reason: end.reason, NextTry: time.Now().Add(wait)}
			if !yield(chat.FollowEvent{Conn: &link}, nil) {
				return
			}
			if err := sleep(ctx, wait); err != nil {
				yield(chat.FollowEvent{}, err)
				return
			}
		}
	}
}

// follower is one running Follow.
type follower struct {
	client *Client
	path   string
	at     chat.Position
	yield  func(chat.FollowEvent, error) bool
}

// ending is how one connection ended.
type ending struct {
	stop bool  // nothing more is to be yielded
	err  error // a definite answer
	// Otherwise: come back, because of reason, not before wait has passed.
	reason   string
	wait     time.Duration
	progress bool // it brought at least one new chunk
}

// errSilent is the cause of a connection that we gave up.
var errSilent = errors.New("silence")

// attach makes one connection and yields what it brings.
func (f *follower) attach(parent context.Context) ending {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	l, err := f.client.connect(ctx)
	if err != nil {
		return resolveEnding(err)
	}
	// The timer runs only while we wait for the server: a consumer that takes a
	// minute for one chunk does not make the server dead.
	silence := time.AfterFunc(f.client.o.HeartbeatTimeout, func() { cancel(errSilent) })
	defer silence.Stop()
	res, err := f.open(ctx, l)
	if err != nil {
		return f.lost(ctx, l, err, ending{})
	}
	defer res.Body.Close()
	silence.Stop()
	if end, ok := f.answered(res); !ok {
		return end
	}
	if !f.yield(chat.FollowEvent{Conn: &chat.ConnState{State: chat.ConnLive}}, nil) {
		return ending{stop: true}
	}
	body := &watched{r: res.Body, timer: silence, limit: f.client.o.HeartbeatTimeout}
	return f.read(ctx, l, sse.NewReader(body, maxEvent))
}

func resolveEnding(err error) ending {
	e := chat.AsError(err)
	if e.Retryable {
		return ending{reason: e.Message, wait: e.RetryAfter}
	}
	return ending{err: err}
}

func (f *follower) open(ctx context.Context, l *link) (*http.Response, error) {
	path := f.path
	if f.at.Attempt == chat.AnyAttempt && !f.at.IsStart() {
		path += "?after=" + f.at.String()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base()+path, nil)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	f.client.headers(req, l, request{})
	req.Header.Set("Accept", sse.ContentType)
	req.Header.Set("Cache-Control", "no-cache")
	if f.at.Attempt != chat.AnyAttempt && !f.at.IsStart() {
		req.Header.Set("Last-Event-ID", f.at.String())
	}
	return l.http.Do(req)
}

// answered reads the status of the answer; ok means that a stream follows.
func (f *follower) answered(res *http.Response) (end ending, ok bool) {
	switch {
	case res.StatusCode == http.StatusNoContent:
		return ending{stop: true}, false
	case res.StatusCode == http.StatusOK:
		media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")) // no type is not the right type either
		if media != sse.ContentType {
			return ending{reason: fmt.Sprintf("the server answered with %q instead of a stream", media)}, false
		}
		return ending{}, true
	}
	e := problem(res)
	if comesBack(res.StatusCode, e) {
		return ending{reason: e.Message, wait: e.RetryAfter}, false
	}
	return ending{err: e}, false
}

// comesBack reports whether a refusal is about now rather than about the task.
func comesBack(status int, e *chat.Error) bool {
	return e.Retryable || status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// read yields the chunks of one connection.
func (f *follower) read(ctx context.Context, l *link, events *sse.Reader) (end ending) {
	for {
		event, err := events.Next()
		if err != nil {
			// The reader's default is not something the server asked for.
			if r := events.Retry(); r > 0 {
				end.wait = r
			}
			return f.lost(ctx, l, err, end)
		}
		if event.Type != "" && event.Type != "message" {
			continue
		}
		c, err := sse.DecodeChunk(event)
		if err != nil {
			return f.lost(ctx, l, err, end)
		}
		switch f.judge(c) {
		case seen:
			continue
		case gap:
			end.reason = fmt.Sprintf("the stream jumped from %q to %q", f.at, c.Position())
			return end
		case next:
		}
		f.at = c.Position()
		end.progress = true
		if !f.yield(chat.FollowEvent{Chunk: &c}, nil) {
			return ending{stop: true}
		}
		if c.Terminal() {
			return ending{stop: true}
		}
	}
}

// verdict is what a chunk is to a reader at some position.
type verdict int

const (
	next verdict = iota // to be yielded
	seen                // a repetition
	gap                 // something is missing before it
)

// judge holds c against the position.
func (f *follower) judge(c chat.Chunk) verdict {
	at, pos := f.at, c.Position()
	switch {
	case at.IsStart():
		// The record of a finished task starts at 1 for a reader without a
		// position: its chunk 0 is a reset.
		if pos.Index <= 1 {
			return next
		}
		return gap
	case at.Attempt == chat.AnyAttempt:
		if pos.Index == at.Index+1 || c.Type == chat.ChunkReset {
			return next
		}
		return gap
	case c.Type == chat.ChunkReset && at != pos:
		return next // what comes is a replay, whatever the order of the two
	case !at.Less(pos):
		return seen
	case at.Attempt == 0 && pos.Index == 0:
		return next // behind the reset of a position that never was: the beginning
	case pos.Attempt == at.Attempt && pos.Index == at.Index+1:
		return next
	}
	return gap
}

// lost completes the ending of a connection that broke.
func (f *follower) lost(ctx context.Context, l *link, err error, end ending) ending {
	e := f.client.connectionError(ctx, l, err)
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		end.reason = fmt.Sprintf("the server was silent for %s", f.client.o.HeartbeatTimeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		end.reason = "the connection was lost"
	default:
		end.reason = e.Error()
	}
	return end
}

// watched stops its connection when a read brings nothing for too long.
type watched struct {
	r     io.Reader
	timer *time.Timer
	limit time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(w.limit)
	defer w.timer.Stop()
	return w.r.Read(p)
}

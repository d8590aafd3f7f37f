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

// maxEvent limits one event of a stream. An answer from SQL arrives in one chunk.
const maxEvent = 64 << 20

// Follow streams a task's chunks from the one after from, and continues after lost
// connections, restarted servers and new attempts until the terminal chunk.
//
// It yields every chunk once and in order, including chunks of unknown types, and a
// ConnState whenever the connection is lost or restored. It ends
//   - after the terminal chunk,
//   - without a chunk if the task has ended and from is its last chunk,
//   - with an error that is not retryable, such as a missing task or a wrong token,
//   - or with the cause of ctx.
//
// A slow consumer is fine: unread chunks stay on the server.
func (c *Client) Follow(ctx context.Context, taskID string, from chat.Position) iter.Seq2[chat.FollowEvent, error] {
	return func(yield func(chat.FollowEvent, error) bool) {
		f := &reader{client: c, path: "/stream/" + url.PathEscape(taskID), at: from, yield: yield}
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
			// A server may accept connections only to drop them. The backoff restarts
			// only after a connection that lasted or brought a chunk.
			if end.progress || time.Since(began) > c.o.BackoffCap {
				failures = 0
			}
			failures++
			wait := max(chat.Backoff(failures, c.o.BackoffBase, c.o.BackoffCap), min(end.wait, c.o.BackoffCap))
			conn := chat.ConnState{State: chat.ConnReconnecting, Reason: end.reason, NextTry: time.Now().Add(wait)}
			if !yield(chat.FollowEvent{Conn: &conn}, nil) {
				return
			}
			if err := sleep(ctx, wait); err != nil {
				yield(chat.FollowEvent{}, err)
				return
			}
		}
	}
}

// reader is the state of one call of Follow.
type reader struct {
	client *Client
	path   string
	at     chat.Position
	yield  func(chat.FollowEvent, error) bool
}

// ending is how one connection ended.
type ending struct {
	stop bool  // Follow ends
	err  error // Follow ends with this error
	// Otherwise reconnect, because of reason, after at least wait.
	reason   string
	wait     time.Duration
	progress bool // at least one new chunk was received
}

// errSilent is the cause of the end of a connection without heartbeats.
var errSilent = errors.New("silence")

// attach opens one connection and yields its chunks.
func (f *reader) attach(parent context.Context) ending {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	l, err := f.client.connect(ctx)
	if err != nil {
		return resolveEnding(err)
	}
	// The timer runs only during reads, so that a slow consumer does not make the
	// connection time out.
	silence := time.AfterFunc(f.client.o.HeartbeatTimeout, func() { cancel(errSilent) })
	defer silence.Stop()
	res, err := f.open(ctx, l)
	if err != nil {
		return f.connectionLost(ctx, l, err, ending{})
	}
	defer res.Body.Close()
	silence.Stop()
	if end, ok := f.checkResponse(res); !ok {
		return end
	}
	if !f.yield(chat.FollowEvent{Conn: &chat.ConnState{State: chat.ConnLive}}, nil) {
		return ending{stop: true}
	}
	body := &timeoutReader{r: res.Body, timer: silence, limit: f.client.o.HeartbeatTimeout}
	return f.read(ctx, l, sse.NewReader(body, maxEvent))
}

func resolveEnding(err error) ending {
	e := chat.AsError(err)
	if e.Retryable {
		return ending{reason: e.Message, wait: e.RetryAfter}
	}
	return ending{err: err}
}

func (f *reader) open(ctx context.Context, l *transport) (*http.Response, error) {
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

// checkResponse reads the head of the response; ok means that a stream follows.
func (f *reader) checkResponse(res *http.Response) (end ending, ok bool) {
	switch {
	case res.StatusCode == http.StatusNoContent:
		return ending{stop: true}, false
	case res.StatusCode == http.StatusOK:
		media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")) // an unreadable type is wrong, too
		if media != sse.ContentType {
			return ending{reason: fmt.Sprintf("the server answered with %q instead of a stream", media)}, false
		}
		return ending{}, true
	}
	e := problem(res)
	if temporary(res.StatusCode, e) {
		return ending{reason: e.Message, wait: e.RetryAfter}, false
	}
	return ending{err: e}, false
}

// temporary reports whether the same request may succeed later.
func temporary(status int, e *chat.Error) bool {
	return e.Retryable || status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// read yields the chunks of one connection.
func (f *reader) read(ctx context.Context, l *transport, events *sse.Reader) (end ending) {
	for {
		event, err := events.Next()
		if err != nil {
			// 0 means that the server did not ask for a delay.
			if r := events.Retry(); r > 0 {
				end.wait = r
			}
			return f.connectionLost(ctx, l, err, end)
		}
		if event.Type != "" && event.Type != "message" {
			continue
		}
		c, err := sse.DecodeChunk(event)
		if err != nil {
			return f.connectionLost(ctx, l, err, end)
		}
		switch f.compare(c) {
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

// verdict is the relation of a chunk to the reader's position.
type verdict int

const (
	next verdict = iota // yield it
	seen                // skip it: it was yielded before
	gap                 // chunks before it are missing
)

// compare compares c with the position.
func (f *reader) compare(c chat.Chunk) verdict {
	at, pos := f.at, c.Position()
	switch {
	case at.IsStart():
		// Chunk 0 of an ended task from SQL is a reset, which a reader without a
		// position does not get.
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
		return next // a replay follows, whatever the order of the two
	case !at.Less(pos):
		return seen
	case at.Attempt == 0 && pos.Index == 0:
		return next // after the reset of an invalid position: the beginning
	case pos.Attempt == at.Attempt && pos.Index == at.Index+1:
		return next
	}
	return gap
}

// connectionLost sets the reason of a lost connection.
func (f *reader) connectionLost(ctx context.Context, l *transport, err error, end ending) ending {
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

// timeoutReader ends its connection when one read takes longer than limit.
type timeoutReader struct {
	r     io.Reader
	timer *time.Timer
	limit time.Duration
}

func (w *timeoutReader) Read(p []byte) (int, error) {
	w.timer.Reset(w.limit)
	defer w.timer.Stop()
	return w.r.Read(p)
}

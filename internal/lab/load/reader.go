package load

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"chat"
	"chat/daemon/client"
	"chat/internal/lab/history"
	"chat/internal/lab/world"
)

// deadAfter is how long a raw reader waits for a byte, five seconds more than
// the server's heartbeat takes.
const deadAfter = 20 * time.Second

// errLeft ends a connection that the reader leaves on purpose.
var errLeft = errors.New("left")

// Leave says when a reader leaves a connection: after a number of events, after a
// number of bytes, even inside an event, or never (0, 0).
type Leave struct{ Events, Bytes int }

// follow follows a task to its end with a follower of the ask's kind.
func (s *Sender) follow(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*s.Load.Timeout, errors.New("it received no end"))
	defer cancel()
	switch f.Kind {
	case "client":
		s.followWithClient(ctx, f, a, c)
	case history.KindSocket:
		s.followSocket(ctx, f, a, c)
	case history.KindResponses:
		s.followResponse(ctx, f, a, c)
	case history.KindUIStream:
		s.followUIStream(ctx, f, a, c)
	case history.KindCompletion:
		s.followCompletion(ctx, f, a, c)
	case history.KindPage:
		s.followPage(ctx, f, a, c)
	default:
		s.followRaw(ctx, f, a, c)
	}
	for f.Gave == "" && !a.IsAccepted() && pause(ctx, f, 20*time.Millisecond) { // its own sender asks for the task
	}
	if f.Gave == "" {
		s.askLast(ctx, f, a, c.IntN(len(s.w.API)))
	}
}

// followRaw reads raw events and reconnects with the last id; a flaky follower
// keeps leaving, and sometimes reconnects at an earlier position.
func (s *Sender) followRaw(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance) {
	after := ""
	for {
		var l Leave
		if f.Kind == "flaky" && c.Often(0.8) {
			if l.Events = 1 + c.IntN(25); c.Often(0.5) {
				l = Leave{Bytes: 1 + c.IntN(2500)}
			}
		}
		conn := s.Open(ctx, a.Accepted.TaskID, c.IntN(len(s.w.API)), after, l)
		f.Conns = append(f.Conns, conn)
		if conn.End == "terminal" || conn.Status == http.StatusNoContent {
			return
		}
		if conn.Status == http.StatusNotFound {
			f.Gave = "404 for an accepted task"
			return
		}
		if n := len(conn.Frames); n > 0 {
			after = conn.Frames[n-1].ID
			if f.Kind == "flaky" && c.Often(0.1) {
				after = conn.Frames[c.IntN(n)].ID
			}
		}
		wait := c.Between(20*time.Millisecond, 250*time.Millisecond)
		if conn.End == errLeft.Error() {
			wait = c.Between(0, 60*time.Millisecond)
		}
		if world.Pause(ctx, wait) != nil {
			f.Gave = context.Cause(ctx).Error()
			return
		}
	}
}

// Open makes one connection and reads it until it ends or the reader leaves.
func (s *Sender) Open(ctx context.Context, taskID string, api int, after string, l Leave) *history.Conn {
	conn := &history.Conn{API: api, After: after, Opened: time.Now()}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(deadAfter, func() { cancel(errors.New("no bytes")) })
	defer silence.Stop()
	req, err := s.newRequest(ctx, http.MethodGet, api, "/stream/"+taskID, nil)
	if err != nil {
		conn.End = err.Error()
		return conn
	}
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := s.http.Do(req)
	if err != nil {
		conn.End = err.Error()
		return conn
	}
	defer func() { _ = res.Body.Close() }()
	conn.Status = res.StatusCode
	if res.StatusCode != http.StatusOK {
		conn.End = res.Status
		return conn
	}
	body := &measured{r: res.Body, conn: conn, silence: silence, limit: l.Bytes}
	if err := readEvents(body, conn, l.Events); err != nil {
		conn.End = err.Error()
	}
	return conn
}

// measured records when bytes arrive, and ends after limit of them.
type measured struct {
	r       io.Reader
	conn    *history.Conn
	silence *time.Timer
	limit   int
	last    time.Time
	n       int
}

func (m *measured) Read(p []byte) (int, error) {
	if m.limit > 0 {
		if m.n >= m.limit {
			return 0, errLeft
		}
		p = p[:min(len(p), m.limit-m.n)]
	}
	n, err := m.r.Read(p)
	m.n += n
	if n > 0 {
		m.silence.Reset(deadAfter)
		now := time.Now()
		if m.conn.First.IsZero() {
			m.conn.First = now
		} else {
			m.conn.Gap = max(m.conn.Gap, now.Sub(m.last))
		}
		m.last = now
	}
	return n, err
}

// readEvents parses events until the terminal one. It does not use the reader of
// package sse, so that it can find defects in it.
func readEvents(r io.Reader, c *history.Conn, events int) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	var id, data string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err // an event without its empty line does not count
		}
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		switch name, value, _ := strings.Cut(line, ":"); {
		case line != "" && name == "id":
			id = strings.TrimPrefix(value, " ")
		case line != "" && name == "data":
			data += strings.TrimPrefix(value, " ")
		case line != "" && name == "event":
			return fmt.Errorf("a named event %q", value)
		case line == "" && data != "":
			f := history.Frame{ID: id, At: time.Now()}
			if err := json.Unmarshal([]byte(data), &f.Chunk); err != nil {
				return fmt.Errorf("event %s: %w", id, err)
			}
			id, data = "", ""
			c.Frames = append(c.Frames, f)
			if f.Chunk.Terminal() {
				c.End = "terminal"
				return nothingMore(lines)
			}
			if events > 0 && len(c.Frames) >= events {
				return errLeft
			}
		}
	}
}

// nothingMore reads on after the terminal event, which must be the last one.
func nothingMore(lines *bufio.Reader) error {
	rest, err := io.ReadAll(io.LimitReader(lines, 64<<10))
	for line := range strings.SplitSeq(string(rest), "\n") {
		if line != "" && !strings.HasPrefix(line, ":") {
			return fmt.Errorf("%q after the terminal event (%w)", line, err)
		}
	}
	return nil
}

// followWithClient follows as chat does.
func (s *Sender) followWithClient(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance) {
	n := c.IntN(len(s.w.API))
	cl := client.New(func(context.Context) (client.Endpoint, error) {
		_, port, err := net.SplitHostPort(s.w.API[n%len(s.w.API)].Front.Addr()) // another instance after each lost connection
		n++
		return client.Endpoint{Network: "tcp", BaseURL: "http://localhost:" + port, Token: world.Bearer}, err
	}, client.Options{HeartbeatTimeout: deadAfter, BackoffCap: time.Second})
	defer cl.Close()
	conn := &history.Conn{Opened: time.Now(), Status: http.StatusOK}
	f.Conns = []*history.Conn{conn}
	for u, err := range cl.Follow(ctx, a.Accepted.TaskID, chat.Start()) {
		switch {
		case err != nil:
			f.Gave = err.Error()
			return
		case u.Chunk != nil:
			conn.Frames = append(conn.Frames, history.Frame{ID: u.Chunk.Position().String(), Chunk: *u.Chunk, At: time.Now()})
			if u.Chunk.Terminal() {
				conn.End = "terminal"
			}
		}
	}
	if conn.End == "" {
		f.Gave = "the stream ended without a terminal chunk"
	}
}

// askLast reads the message immediately after the terminal chunk. It repeats the
// call if the server cannot be reached, because only replies are judged.
func (s *Sender) askLast(ctx context.Context, f *history.Follower, a *history.Ask, api int) {
	for began := time.Now(); time.Since(began) < s.Load.Timeout; {
		var list struct {
			Messages []chat.Message `json:"messages"`
		}
		status, _, err := s.call(ctx, api, http.MethodGet, "/conversations/"+a.Chain.ID+"/messages", "", nil, &list)
		if err != nil || status >= 500 || status == http.StatusTooManyRequests {
			if world.Pause(ctx, 200*time.Millisecond) != nil {
				return
			}
			continue
		}
		for _, m := range list.Messages {
			if m.ID == a.Accepted.MessageID {
				f.Last = &m
			}
		}
		if f.Last == nil {
			f.LastErr = fmt.Sprintf("status %d, and the message is not in it", status)
		}
		return
	}
	f.LastErr = "no server answered"
}
